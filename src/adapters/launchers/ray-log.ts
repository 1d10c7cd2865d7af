/** @file The lines of a Ray job's log, each once, as they come: by websocket, and by asking for the whole where that gives none. */
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { openChannel } from "../../core/channel.ts";
import { AppError } from "../../core/errors.ts";
import { isOver, type RayJob } from "./ray-jobs.ts";

/** What following a log needs. */
export interface RayLogSource {
  readonly url: URL;
  headers(): Readonly<Record<string, string>>;
  /** @throws AppError where the cluster does not answer */
  job(signal: AbortSignal): Promise<RayJob | undefined>;
  /** The whole log so far. */
  whole(signal: AbortSignal): Promise<string>;
  redact(text: string): string;
  /** First pause before the log is asked for again, ms; it doubles up to thirty times that while nothing new comes. */
  readonly pauseMs: number;
  /** A cluster that cannot be reached for so long is given up. */
  readonly patienceMs: number;
}

const PING_MS = 20_000;
const MAX_LINE = 1024 * 1024;
const MAX_FRAME_BYTES = 64 * 1024 * 1024;
/** Frames that wait for the reader before the socket is paused. */
const MAX_WAITING = 256;

/**
 * See the file's head. A socket that closes says nothing about the job, not even with code 1000: its status does.
 *
 * @throws AppError "provider" where the cluster stays away, or does not know the job any more; "interrupted"
 */
export async function* rayLogLines(source: RayLogSource, signal: AbortSignal): AsyncGenerator<string> {
  const lines = new LinesOnce();
  let lastSeen = performance.now();
  let pauseMs = source.pauseMs;
  for (;;) {
    const before = lines.given;
    lines.restart();
    for await (const frame of tail(source, signal)) yield* cleaned(lines.take(frame), source);
    try {
      const job = await source.job(signal);
      if (job === undefined) throw unknownJob();
      // Also where the socket gave nothing: some proxies let none through.
      if (isOver(job.status) || lines.given === before) {
        lines.restart();
        yield* cleaned(lines.take(await source.whole(signal)), source);
      }
      lastSeen = performance.now();
      if (isOver(job.status)) {
        yield* cleaned(lines.rest(), source);
        return;
      }
    } catch (error) {
      const mayPass = error instanceof AppError && error.isRetryable && error.data["isUnknownJob"] !== true;
      if (!mayPass || performance.now() - lastSeen > source.patienceMs) throw error;
    }
    pauseMs = lines.given > before ? source.pauseMs : Math.min(2 * pauseMs, 30 * source.pauseMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // the next call tells
  }
}

const unknownJob = (): AppError =>
  new AppError("provider", "the Ray cluster does not know the job any more: its head was started anew", {
    hint: "submit it again: it goes on from its last checkpoint",
    data: { isUnknownJob: true },
    isRetryable: true,
  });

/** Lines of a text that comes again from its beginning: each is given once. */
class LinesOnce {
  /** Lines given so far. */
  given = 0;
  #skip = 0;
  #partial = "";

  /** The text begins anew. */
  restart(): void {
    this.#skip = this.given;
    this.#partial = "";
  }

  *take(text: string): Generator<string> {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      const line = this.#partial + text.slice(from, at);
      this.#partial = "";
      from = at + 1;
      if (this.#skip > 0) this.#skip -= 1;
      else {
        this.given += 1;
        yield line.slice(0, MAX_LINE);
      }
    }
    this.#partial = (this.#partial + text.slice(from)).slice(0, MAX_LINE);
  }

  /** The last line, where it has no end. */
  *rest(): Generator<string> {
    if (this.#partial !== "" && this.#skip === 0) yield this.#partial;
  }
}

/** Without colours and other things that a terminal would obey. */
function* cleaned(lines: Iterable<string>, source: RayLogSource): Generator<string> {
  for (const line of lines)
    yield source.redact(line.replace(/\x1b\[[0-?]*[ -/]*[@-~]/g, "").replace(/[^\P{Cc}\t]/gu, ""));
}

/** What one socket gives until it ends, however that is. Only the signal throws. */
async function* tail(source: RayLogSource, signal: AbortSignal): AsyncGenerator<string> {
  if (signal.aborted) throw interrupted();
  const frames = openChannel<string>();
  let waiting = 0;
  // Ray closes, with 1000 and without a word, where compression is agreed on.
  const socket = new WebSocket(source.url, {
    headers: { ...source.headers() },
    perMessageDeflate: false,
    handshakeTimeout: 30_000,
    maxPayload: MAX_FRAME_BYTES,
  });
  const stop = (): void => {
    frames.fail(interrupted());
    socket.terminate();
  };
  signal.addEventListener("abort", stop, { once: true });
  socket.on("message", (data) => {
    frames.put(textOf(data));
    if (++waiting > MAX_WAITING) socket.pause();
  });
  socket.on("error", () => frames.end()); // the job's status says whether it matters
  socket.on("close", () => frames.end());
  const pings = pingUntilSilent(socket);
  try {
    for await (const frame of frames) {
      yield frame;
      if (--waiting < MAX_WAITING / 2 && socket.isPaused) socket.resume();
    }
  } finally {
    clearInterval(pings);
    signal.removeEventListener("abort", stop);
    socket.terminate();
  }
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString("utf8");
}

/** A connection that broke without a word would be waited on for ever. */
function pingUntilSilent(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  const alive = (): void => void (isAlive = true);
  socket.on("pong", alive).on("message", alive);
  return setInterval(() => {
    if (socket.readyState !== WebSocket.OPEN || socket.isPaused) return;
    if (!isAlive) socket.terminate();
    isAlive = false;
    socket.ping();
  }, PING_MS);
}

const interrupted = (): AppError => new AppError("interrupted", "stopped while the log of a Ray job was followed");
