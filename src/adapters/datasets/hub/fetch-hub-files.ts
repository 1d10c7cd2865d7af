/** @file From a reference to files on this disk: resolved to a commit, listed, downloaded, verified; without network where it can be. */
import { AppError } from "../../../core/errors.ts";
import { nodeFileSystem } from "../../file-system.ts";
import { downloadFile, isWhole } from "./download-file.ts";
import { HubCache } from "./hub-cache.ts";
import { type HubFile, isCommit, listFiles, resolveRevision } from "./hub-files.ts";
import { HubHttp, type HubPorts } from "./hub-http.ts";
import type { HubReference } from "./hub-reference.ts";
import { selectFiles } from "./select-files.ts";

/** What fetching needs. */
export interface FetchPorts extends HubPorts {
  /** Folder for what is downloaded; it may be deleted at any time. */
  readonly cacheFolder: string;
}

/** Files of a data set on this disk. */
export interface HubFiles {
  /** The commit that the revision stands for. */
  readonly commit: string;
  /** Paths on this disk, shards in order. */
  readonly paths: readonly string[];
  /** Their paths in the data set. */
  readonly names: readonly string[];
  /** Whether the hub could not be asked what the revision stands for now, and the last known commit was taken. */
  readonly isOffline: boolean;
}

/**
 * Brings a reference's files onto this disk. A commit whose files are in the cache needs no network; a branch is asked for, and
 * where the hub cannot be reached the commit that it last stood for is taken.
 *
 * @throws AppError "file-denied" for a gated set, naming the page; "file-missing", "network", "provider", "file-corrupt", ...
 */
export async function fetchHubFiles(reference: HubReference, ports: FetchPorts): Promise<HubFiles> {
  const http = new HubHttp(ports);
  const cache = new HubCache(nodeFileSystem(), ports.cacheFolder, reference.repo);
  try {
    const { commit, isOffline } = await findCommit(http, cache, reference);
    const files = selectFiles(await listOf(http, cache, { repo: reference.repo, commit }), reference);
    const paths: string[] = [];
    for (const file of files) paths.push(await bringFile(http, cache, { repo: reference.repo, commit, file }));
    return { commit, paths, names: files.map(({ path }) => path), isOffline };
  } finally {
    await http.close();
  }
}

/** The commit that a reference stands for, and every file of it. The lists come from the cache where they are there. */
export async function listHubFiles(
  http: HubHttp,
  cache: HubCache,
  reference: HubReference,
): Promise<Pick<HubFiles, "commit" | "isOffline"> & { readonly files: readonly HubFile[] }> {
  const found = await findCommit(http, cache, reference);
  return { ...found, files: await listOf(http, cache, { repo: reference.repo, commit: found.commit }) };
}

async function findCommit(
  http: HubHttp,
  cache: HubCache,
  { repo, revision }: HubReference,
): Promise<Pick<HubFiles, "commit" | "isOffline">> {
  if (isCommit(revision)) return { commit: revision, isOffline: false };
  try {
    const commit = await resolveRevision(http, repo, revision);
    await cache.saveCommit(revision, commit);
    return { commit, isOffline: false };
  } catch (error) {
    const last = error instanceof AppError && error.code === "network" ? await cache.lastCommit(revision) : undefined;
    if (last === undefined) throw error;
    return { commit: last, isOffline: true };
  }
}

async function listOf(
  http: HubHttp,
  cache: HubCache,
  { repo, commit }: { repo: string; commit: string },
): Promise<readonly HubFile[]> {
  const known = await cache.fileList(commit);
  if (known !== undefined) return known;
  const files = await listFiles(http, repo, commit);
  await cache.saveFileList(commit, files);
  return files;
}

/** A file of the list on this disk, downloaded where it is not there whole; its path. */
export async function bringFile(
  http: HubHttp,
  cache: HubCache,
  { repo, commit, file }: { repo: string; commit: string; file: HubFile },
): Promise<string> {
  const path = cache.pathOf(commit, file.path);
  if (!(await isWhole(path, file))) {
    await cache.remove(path);
    await downloadFile(http, { repo, commit, file, path });
  }
  return path;
}
