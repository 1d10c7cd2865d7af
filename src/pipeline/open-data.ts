/** @file Data as a user names it, a file or a data set of the hub, made ready to be read row by row. */
import { basename, resolve } from "node:path";
import { fetchHubFiles } from "../adapters/datasets/hub/fetch-hub-files.ts";
import { DEFAULT_HUB } from "../adapters/datasets/hub/hub-http.ts";
import { hubSource, isHubReference, parseHubReference } from "../adapters/datasets/hub/hub-reference.ts";
import {
  type DataFile,
  openDataFile,
  type OpenDataOptions,
  refuseOtherHash,
} from "../adapters/datasets/open-data-file.ts";
import { systemWaiting } from "../adapters/teacher/retry-delay.ts";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import type { TaskRow } from "../evaluate/tasks/task-row.ts";

/** How to reach the hub. */
export interface HubAccess {
  /** Folder for what is downloaded. */
  readonly cacheFolder: string;
  /** HF_TOKEN of the environment. */
  readonly token?: string | undefined;
  /** HF_ENDPOINT of the environment. */
  readonly endpoint?: string | undefined;
}

/** Which data. */
export interface OpenDataRequest {
  /** A file's path, or `hf:owner/name@revision:path`. */
  readonly data: string;
  /** SHA-256 that it must have. */
  readonly sha256?: string;
  readonly workingFolder: string;
  readonly signal: AbortSignal;
  readonly hub?: HubAccess;
}

/** Data that can be read, and what is recorded of it. */
export interface OpenedData extends DataFile {
  /** A file's name, or the data set with its commit. */
  readonly source: string;
}

/** Data as the files that it is in. */
export interface OpenedFiles {
  /** A file's name, or the data set with its commit. */
  readonly source: string;
  /** Of the one file; of several the hash of their hashes, a line each. */
  readonly sha256: string;
  /** The commit that was read; undefined for a file. */
  readonly commit: string | undefined;
  readonly files: readonly NamedFile[];
}

/** A file, its rows yet unread. */
export interface NamedFile extends DataFile {
  /** A file's name, or its path in its data set. */
  readonly name: string;
  /** Where it lies on this disk. */
  readonly path: string;
}

/**
 * Opens data; a data set of several shards is read as one, and its hash is that of its shards' hashes, a line each.
 *
 * @throws AppError of reading or downloading; "usage" for hub data where no way to the hub is given.
 */
export async function openData(request: OpenDataRequest): Promise<OpenedData> {
  const { source, sha256, files } = await openDataFiles(request);
  const [only, ...others] = files;
  const rows: DataFile["rows"] = (rawFields) =>
    only !== undefined && others.length === 0 ? only.rows(rawFields) : joined(files, rawFields);
  return { sha256, source, rows };
}

/**
 * Opens data file by file, each with limits of its own.
 * @throws AppError as {@link openData}
 */
export async function openDataFiles(
  request: OpenDataRequest,
  limitsOf: (name: string, path: string) => OpenDataOptions["limits"] = () => ({}),
): Promise<OpenedFiles> {
  const { source, commit, places } = await placesOf(request);
  const files: NamedFile[] = [];
  for (const { name, path } of places)
    files.push({ ...(await openDataFile(path, { limits: limitsOf(name, path) ?? {} })), name, path });
  const [first, ...others] = files.map(({ sha256 }) => sha256);
  const sha256 = others.length === 0 && first !== undefined ? first : sha256Hex([first, ...others].join("\n"));
  refuseOtherHash(commit === undefined ? (files[0]?.path ?? request.data) : request.data, {
    expected: request.sha256,
    found: sha256,
  });
  return { source, commit, sha256, files };
}

interface Places {
  readonly source: string;
  readonly commit: string | undefined;
  readonly places: readonly { readonly name: string; readonly path: string }[];
}

/** Where the data lies on this disk; what is on the hub is fetched first. */
async function placesOf({ data, hub, signal, workingFolder }: OpenDataRequest): Promise<Places> {
  if (!isHubReference(data)) {
    const path = resolve(workingFolder, data);
    return { source: basename(path), commit: undefined, places: [{ name: basename(path), path }] };
  }
  if (hub === undefined) throw new AppError("usage", `${data}: nothing is read from the hub here`);
  const reference = parseHubReference(data);
  const { cacheFolder, token, endpoint } = hub;
  const { commit, paths, names } = await fetchHubFiles(reference, {
    cacheFolder,
    token,
    endpoint: endpoint === undefined || endpoint === "" ? DEFAULT_HUB : endpoint,
    waiting: systemWaiting(0),
    signal,
  });
  const places = paths.map((path, place) => ({ name: names[place] ?? basename(path), path }));
  return { source: hubSource(reference, commit), commit, places };
}

/** The rows of all shards, numbered on. */
async function* joined(files: readonly DataFile[], rawFields?: readonly string[]): AsyncGenerator<TaskRow> {
  let number = 0;
  for (const file of files)
    for await (const { values } of file.rows(rawFields)) {
      number += 1;
      yield { number, values };
    }
}
