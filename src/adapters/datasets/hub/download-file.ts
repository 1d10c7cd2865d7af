/**
 * @file One file of the hub, downloaded in ranges to a `.part` beside its place: a kill in the middle loses nothing, the next
 * try asks for the rest. The file gets its name when size and hash are what the hub's list says.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { AppError } from "../../../core/errors.ts";
import { fileError } from "../../file-error.ts";
import { PartFile } from "../../part-file.ts";
import type { HubFile } from "./hub-files.ts";
import type { HubAnswer, HubHttp } from "./hub-http.ts";

/** What to download, and where to. */
export interface Download {
  readonly repo: string;
  readonly commit: string;
  readonly file: HubFile;
  readonly path: string;
  /** Where it lies; absent: at its path in the data set's commit. */
  readonly url?: URL;
  /** More is refused; absent: {@link MAX_DOWNLOAD_BYTES}. */
  readonly maxBytes?: number;
}

/** Larger files are refused before a byte is asked for. */
export const MAX_DOWNLOAD_BYTES = 8 * 1024 ** 3;

/**
 * Downloads a file, going on where an earlier try stopped.
 *
 * @throws AppError "limit-exceeded" for its size, "file-corrupt" where two whole downloads have another hash than the hub says,
 *   and the errors of HubHttp and of the disk.
 */
export async function downloadFile(http: HubHttp, download: Download): Promise<void> {
  const { file, path, maxBytes = MAX_DOWNLOAD_BYTES } = download;
  if (file.size > maxBytes) {
    throw new AppError("limit-exceeded", `${file.path}: ${file.size} bytes exceed the limit of ${maxBytes}`, {
      data: { path: file.path, bytes: file.size, maxBytes },
    });
  }
  const part = await PartFile.open(path);
  try {
    await fetchVerified(http, part, download);
    await part.finish();
  } finally {
    await part.close();
  }
}

/** Whether a file is what the hub's list says: its size, and the SHA-256 of a large file or git's SHA-1 of a small one. */
export async function isWhole(path: string, file: HubFile): Promise<boolean> {
  const found = await stat(path).catch(() => undefined); // any failure means that it is not there to use
  return found?.isFile() === true && found.size === file.size && (await hasHash(path, file));
}

async function fetchVerified(http: HubHttp, part: PartFile, download: Download): Promise<void> {
  // What an earlier try left may be another's or damaged: the second try starts from nothing.
  for (const isLast of [false, true]) {
    await fetchRest(http, part, download);
    if (await hasHash(part.path, download.file)) return;
    await part.cut();
    if (isLast) throw damaged(download);
  }
}

async function fetchRest(http: HubHttp, part: PartFile, { repo, commit, file, url: given }: Download): Promise<void> {
  if (part.size > file.size) await part.cut();
  if (part.size === file.size) return;
  const url = given ?? http.fileUrl(repo, commit, file.path);
  // A range of a compressed body would be of other bytes.
  const headers = (): Record<string, string> => ({ range: `bytes=${part.size}-`, "accept-encoding": "identity" });
  await http.try(
    () => ({ url, repo, headers: headers(), accepts: [416] }),
    (answer) => receive(answer, part, { file, url }),
  );
}

async function receive(answer: HubAnswer, part: PartFile, { file, url }: { file: HubFile; url: URL }): Promise<void> {
  const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(answer.header("content-range") ?? "");
  const isRest =
    answer.status === 206 &&
    Number(range?.[1]) === part.size &&
    (range?.[2] === "*" || Number(range?.[2]) === file.size);
  // A server that knows no ranges sends the whole from its start.
  if (!isRest) await part.cut();
  if (!isRest && answer.status !== 200) {
    answer.drop();
    throw broken(url, `the range ${answer.header("content-range") ?? "(none)"} for ${file.size} bytes`);
  }
  for await (const chunk of answer.body) {
    if (part.size + chunk.length > file.size) {
      answer.drop();
      await part.cut();
      throw broken(url, `more than the ${file.size} bytes of its list`);
    }
    await part.append(chunk);
  }
  if (part.size < file.size) throw broken(url, `${part.size} of ${file.size} bytes`);
}

function broken(url: URL, what: string): AppError {
  return new AppError("network", `${url.origin} sent ${what} for ${url.pathname}`, {
    hint: "run the same command again: it goes on from what is there",
    data: { url: url.href },
    isRetryable: true,
  });
}

function damaged({ repo, commit, file }: Download): AppError {
  return new AppError(
    "file-corrupt",
    `${repo}@${commit}: ${file.path} has another hash than the hub's list says, twice`,
    {
      hint: "something between here and the hub changes the file: check HF_ENDPOINT and proxies",
      data: { repo, commit, path: file.path, expected: file.lfs?.oid ?? file.oid },
    },
  );
}

async function hasHash(path: string, { oid, lfs, size }: HubFile): Promise<boolean> {
  const hash = lfs === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw fileError(path, error);
  }
  return hash.digest("hex") === (lfs?.oid ?? oid);
}
