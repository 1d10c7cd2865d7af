/** @file A job's files on their way to the hub: a folder of the job's name in a private data set, pinned to the commit of the last push. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { HubPorts } from "../datasets/hub/hub-http.ts";
import { fileInMemory, type PushedFile } from "../datasets/hub/pushed-file.ts";
import { pushFiles } from "../datasets/hub/push-files.ts";
import { fileError } from "../file-error.ts";
import { checkedJobPath } from "./job-checks.ts";
import type { BundleFile, JobSpec } from "./launcher.ts";

/** So many bytes are read and pushed at a time. */
const BATCH_BYTES = 256 * 1024 * 1024;
/** Node reads no larger file at once; the trainer's shards are smaller (`SHARD_SIZE` of `final.py`). */
const MAX_FILE_BYTES = 2 * 1024 ** 3 - 1;
/** How often outputs go to the bucket; each time a manifest and what has changed. */
const PUSH_EVERY_SECONDS = 60;

/** Where the runner's mounts are, in the container. */
export const MOUNT_IN = "/grappa/in";
export const MOUNT_OUT = "/grappa/out";
/** The runner, in the package and on the mount. */
export const RUNNER = "hf_job.py";
const RUNNER_FILE = new URL(`../../../python/${RUNNER}`, import.meta.url);

/** What the runner is told beside the files: `launch.json`. */
export interface LaunchFacts {
  /** Of one submission; a new one runs again what ended by itself. */
  readonly submission: string;
  readonly processes: number;
  readonly timeoutSeconds: number;
}

/** A file to be pushed, its bytes not read yet. */
interface Source {
  readonly path: string;
  readonly bytes: number;
  read(): Promise<Uint8Array>;
}

/**
 * Uploads a job's files, those that are there by their hash not again.
 *
 * @param repo `owner/name` of the data set, made as a private one where there is none
 * @returns the commit that holds them
 * @throws AppError "usage" for a path that leads elsewhere, "limit-exceeded" from 2 GiB a file, and what the push throws
 */
export async function uploadBundle(
  spec: JobSpec,
  facts: LaunchFacts,
  { repo, ports }: { readonly repo: string; readonly ports: HubPorts },
): Promise<string> {
  const { name, program, args, isDistributed, requirements } = spec;
  const launch = { name, program, args, isDistributed, requirements, pushEverySeconds: PUSH_EVERY_SECONDS, ...facts };
  const sources = [
    inMemory(`${name}/launch.json`, Buffer.from(JSON.stringify(launch))),
    inMemory(`${name}/${RUNNER}`, await readFile(RUNNER_FILE)),
  ];
  for (const file of spec.files) sources.push(...(await sourcesOf(file, `${name}/files/`)));
  let commit = "";
  for (const batch of inBatches(sources)) {
    const files = await Promise.all(batch.map(readSource));
    const message = `grappa: files of job ${name}`;
    ({ commit } = await pushFiles({ repo, files, message, isPublic: false }, ports));
  }
  return commit;
}

/** Refuses what leads out of the job's folder, before anything is sent. */
export function checkBundle({ files, program }: Pick<JobSpec, "files" | "program">): void {
  for (const { path } of files) checkedJobPath(path);
  checkedJobPath(program);
}

const inMemory = (path: string, bytes: Uint8Array): Source => ({ path, bytes: bytes.length, read: async () => bytes });

async function sourcesOf(file: BundleFile, prefix: string): Promise<Source[]> {
  const path = prefix + checkedJobPath(file.path).join("/");
  return "bytes" in file ? [inMemory(path, file.bytes)] : await onDisk(file.from, path);
}

async function onDisk(from: string, path: string): Promise<Source[]> {
  try {
    const info = await stat(from);
    if (info.isDirectory()) {
      const names = (await readdir(from)).sort();
      return (await Promise.all(names.map((name) => onDisk(join(from, name), `${path}/${name}`)))).flat();
    }
    if (info.size > MAX_FILE_BYTES) throw tooLarge(from, info.size);
    return [{ path, bytes: info.size, read: () => readFile(from) }];
  } catch (error) {
    throw error instanceof AppError ? error : fileError(from, error);
  }
}

function tooLarge(path: string, bytes: number): AppError {
  const hint = "name a base on the hub, which the job downloads by itself, instead of sending its weights";
  // Shards of a student that Grappa trained are smaller, unless a single tensor is not.
  const ours = "; a student with a tensor as large as that (72B's embedding) is evaluated by another launcher";
  return new AppError("limit-exceeded", `${path}: ${bytes} bytes exceed ${MAX_FILE_BYTES}, the most for a job's file`, {
    hint: path.endsWith(".safetensors") ? hint + ours : hint,
    data: { path, bytes, maxBytes: MAX_FILE_BYTES },
  });
}

function* inBatches(sources: readonly Source[]): Generator<readonly Source[]> {
  let batch: Source[] = [];
  let bytes = 0;
  for (const source of sources) {
    if (batch.length > 0 && bytes + source.bytes > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(source);
    bytes += source.bytes;
  }
  if (batch.length > 0) yield batch;
}

async function readSource({ path, read }: Source): Promise<PushedFile> {
  const bytes = await read();
  return fileInMemory(bytes, { path, sha256: createHash("sha256").update(bytes).digest("hex") });
}
