/** @file Data as a user names it, a file or a data set of the hub, made ready to be read row by row. */
import { basename, resolve } from "node:path";
import { fetchHubFiles } from "../adapters/datasets/hub/fetch-hub-files.ts";
import { DEFAULT_HUB } from "../adapters/datasets/hub/hub-http.ts";
import { hubSource, isHubReference, parseHubReference } from "../adapters/datasets/hub/hub-reference.ts";
import { type DataFile, openDataFile, refuseOtherHash } from "../adapters/datasets/open-data-file.ts";
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

/**
 * Opens data; a data set of several shards is read as one, and its hash is that of its shards' hashes, a line each.
 *
 * @throws AppError of reading or downloading; "usage" for hub data where no way to the hub is given.
 */
export async function openData(request: OpenDataRequest): Promise<OpenedData> {
  const pin = request.sha256 === undefined ? {} : { sha256: request.sha256 };
  if (isHubReference(request.data)) return await openHubData(request);
  const path = resolve(request.workingFolder, request.data);
  return { ...(await openDataFile(path, pin)), source: basename(path) };
}

async function openHubData({ data, hub, signal, sha256: pinned }: OpenDataRequest): Promise<OpenedData> {
  if (hub === undefined) throw new AppError("usage", `${data}: nothing is read from the hub here`);
  const reference = parseHubReference(data);
  const { cacheFolder, token, endpoint } = hub;
  const { commit, paths } = await fetchHubFiles(reference, {
    cacheFolder,
    token,
    endpoint: endpoint === undefined || endpoint === "" ? DEFAULT_HUB : endpoint,
    waiting: systemWaiting(0),
    signal,
  });
  const files: DataFile[] = [];
  for (const path of paths) files.push(await openDataFile(path));
  const [first, ...others] = files.map(({ sha256 }) => sha256);
  const sha256 = others.length === 0 && first !== undefined ? first : sha256Hex([first, ...others].join("\n"));
  refuseOtherHash(data, { expected: pinned, found: sha256 });
  return { sha256, source: hubSource(reference, commit), rows: (rawFields) => joined(files, rawFields) };
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
