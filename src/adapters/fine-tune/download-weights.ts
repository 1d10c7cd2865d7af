/**
 * @file Weights of a provider, which may be tens of gigabytes, to this disk: streamed to a `.part` beside their place, gone on
 * with after a break or a kill, capped. The key goes to the provider's own origin, and along with no redirect to another.
 */
import { readFile, rm, statfs, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Agent, type Dispatcher, request } from "undici";
import { AppError } from "../../core/errors.ts";
import { withFileError } from "../file-error.ts";
import { PartFile } from "../part-file.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { systemWaiting } from "../teacher/retry-delay.ts";

const MAX_REDIRECTS = 5;
/** Breaks in a row without a byte between. */
const PATIENCE = 6;
const FIRST_PAUSE_MS = 500;
const SILENCE_MS = 120_000;

/** What is downloaded. */
export interface WeightsDownload {
  readonly url: URL;
  /** For the first origin alone: they hold the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** What errors call the provider. */
  readonly called: string;
  readonly redact: (text: string) => string;
  readonly to: string;
  readonly maxBytes: number;
  readonly onBytes: (bytes: number, total: number | null) => void;
}

/**
 * See the file's head. What is there of the same content, by its ETag, is gone on with; of another it is begun anew.
 *
 * @throws AppError "limit-exceeded", "disk-full", "provider-permanent" for a refusal, "network", "interrupted"
 */
export async function downloadWeights(download: WeightsDownload, signal: AbortSignal): Promise<void> {
  const part = await Weights.open(download.to);
  const dispatcher = new Agent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS, connect: { timeout: 15_000 } });
  try {
    const waiting = systemWaiting(0);
    for (let breaks = 0; ; ) {
      const before = part.size;
      try {
        await receive(await send(download, { part, dispatcher, signal }), download, part);
        break;
      } catch (error) {
        const failure = explained(error, download, signal);
        breaks = part.size > before ? 1 : breaks + 1;
        if (!failure.isRetryable || breaks >= PATIENCE) throw failure;
        await waiting.sleep(FIRST_PAUSE_MS * 2 ** breaks, signal);
        if (signal.aborted) throw explained(error, download, signal);
      }
    }
    await part.finish();
  } finally {
    await part.close();
    await dispatcher.destroy();
  }
}

interface Sending {
  readonly part: Weights;
  readonly dispatcher: Agent;
  readonly signal: AbortSignal;
}

async function send({ url: first, headers, called }: WeightsDownload, { part, dispatcher, signal }: Sending) {
  let url = first;
  // A range of a compressed body would be of other bytes.
  const rest = part.size > 0 && part.etag !== "" ? { range: `bytes=${part.size}-`, "if-range": part.etag } : {};
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const own = url.origin === first.origin ? headers : {};
    const all = { accept: "application/octet-stream", "accept-encoding": "identity", ...own, ...rest };
    const response = await request(url, { dispatcher, signal, headers: all });
    const location = [response.headers["location"]].flat()[0];
    if (response.statusCode < 300 || response.statusCode > 399 || location === undefined) return response;
    await response.body.dump({ limit: 64 * 1024 }).catch(() => undefined);
    url = new URL(location, url);
    if (first.protocol === "https:" && url.protocol !== "https:")
      throw new AppError(
        "provider-permanent",
        `${called} redirects to ${url.protocol}//${url.host}, which is not secure`,
      );
  }
  throw new AppError("provider-permanent", `${called}: more than ${MAX_REDIRECTS} redirects`);
}

async function receive(response: Dispatcher.ResponseData, download: WeightsDownload, part: Weights): Promise<void> {
  const { statusCode: status, headers, body } = response;
  const header = (name: string): string => [headers[name]].flat()[0] ?? "";
  if (status === 416) {
    await body.dump({ limit: 64 * 1024 }).catch(() => undefined);
    return await checkWhole(header("content-range"), download, part);
  }
  if (status !== 200 && status !== 206) {
    const text = excerptOf(download.redact((await body.text().catch(() => "")).slice(0, 4096)));
    throw new AppError(
      status === 429 || status >= 500 ? "provider" : "provider-permanent",
      `${download.called} gave no weights (${status}): ${text}`,
      {
        hint: "run again later; what was downloaded is kept",
        data: { status },
        isRetryable: status === 408 || status === 429 || status >= 500,
      },
    );
  }
  const range = /^bytes ([0-9]+)-[0-9]+\/([0-9]+)$/.exec(header("content-range"));
  if (status === 200 || Number(range?.[1]) !== part.size) await part.begin(header("etag"));
  const length = status === 206 ? range?.[2] : header("content-length");
  const total = /^[0-9]+$/.test(length ?? "") ? Number(length) : null;
  await checkRoom(download, { total, has: part.size });
  for await (const chunk of body as AsyncIterable<Buffer>) {
    await part.append(chunk);
    if (part.size > download.maxBytes) throw tooLarge(download, part.size);
    download.onBytes(part.size, total);
  }
  if (total !== null && part.size !== total)
    throw new AppError("network", `${download.called} sent ${part.size} of ${total} bytes`, { isRetryable: true });
}

/** Nothing comes after what is here: it is the whole, which a kill left under its name for the time being, or is begun anew. */
async function checkWhole(range: string, { called }: WeightsDownload, part: Weights): Promise<void> {
  if (range === `bytes */${part.size}`) return;
  await part.begin("");
  throw new AppError("network", `${called} has no rest of these weights (${range || "no range"})`, {
    isRetryable: true,
  });
}

async function checkRoom(download: WeightsDownload, { total, has }: { total: number | null; has: number }) {
  if (total === null) return;
  if (total > download.maxBytes) throw tooLarge(download, total);
  const { bavail, bsize } = await statfs(dirname(download.to));
  const free = bavail * bsize;
  if (total - has <= free) return;
  throw new AppError("disk-full", `${download.to}: ${total - has} bytes are to come, and ${free} are free`, {
    hint: "make room and run again: what was downloaded is kept",
    data: { path: download.to, bytes: total - has, free },
  });
}

function tooLarge({ called, maxBytes, to }: WeightsDownload, bytes: number): AppError {
  return new AppError(
    "limit-exceeded",
    `${called} sends weights of ${bytes} bytes, more than the ${maxBytes} expected`,
    {
      hint: "this is more than a model of that size takes: download it by hand if it is right",
      data: { bytes, maxBytes, path: to },
    },
  );
}

function explained(error: unknown, { called }: WeightsDownload, signal: AbortSignal): AppError {
  if (signal.aborted) return new AppError("interrupted", "stopped; what was downloaded of the weights is kept");
  if (error instanceof AppError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "no connection";
  return new AppError("network", `${called} broke off while it sent the weights (${code})`, {
    hint: "run the same command again: it goes on from what is there",
    data: { code },
    isRetryable: true,
  });
}

/** The file under way, and beside it the ETag of what it is a part of. */
class Weights {
  readonly #tag: string;
  readonly #part: PartFile;
  #etag: string;

  private constructor(to: string, part: PartFile, etag: string) {
    this.#tag = tagOf(to);
    this.#part = part;
    this.#etag = etag;
  }

  static async open(to: string): Promise<Weights> {
    const part = await PartFile.open(to);
    return new Weights(to, part, await readFile(tagOf(to), "utf8").catch(() => ""));
  }

  get size(): number {
    return this.#part.size;
  }

  get etag(): string {
    return this.#etag;
  }

  /** Starts from nothing. */
  async begin(etag: string): Promise<void> {
    // A weak one does not promise the same bytes.
    this.#etag = /^"[\x21\x23-\x7e]{1,256}"$/.test(etag) ? etag : "";
    await this.#part.cut();
    await withFileError(this.#tag, () => writeFile(this.#tag, this.#etag));
  }

  async append(chunk: Buffer): Promise<void> {
    await this.#part.append(chunk);
  }

  async finish(): Promise<void> {
    await this.#part.finish();
    await withFileError(this.#tag, () => rm(this.#tag, { force: true }));
  }

  async close(): Promise<void> {
    await this.#part.close();
  }
}

const tagOf = (to: string): string => `${to}.etag`;
