import { EventEmitter, setMaxListeners } from "node:events";
import { Pool } from "undici";
import { AppError } from "../../core/errors.ts";

/** A whole response. */
export interface HttpResponse {
  readonly status: number;
  /** The first value of a header, by lower-case name. */
  header(name: string): string | undefined;
  readonly body: string;
}

/** Limits of one exchange. */
export interface HttpLimits {
  /** Longest wait for the response to begin, ms. Without streaming a model thinks in this time. */
  readonly firstByteTimeoutMs: number;
  /** Longest silence within the body, ms. */
  readonly idleTimeoutMs: number;
  readonly maxBodyBytes: number;
}

/** An exchange that ended without a whole response. */
export class HttpFailure extends Error {
  /** Whether the request may have reached the server, and so may be billed. */
  readonly wasSent: boolean;
  readonly kind: "network" | "tls" | "timeout" | "too-large" | "aborted";

  constructor(kind: HttpFailure["kind"], message: string, { wasSent, cause }: { wasSent: boolean; cause?: unknown }) {
    super(message, { cause });
    this.name = "HttpFailure";
    this.kind = kind;
    this.wasSent = wasSent;
  }
}

/** One server over kept-alive connections. Timeouts are ours: undici's own end a long answer after five minutes. */
export class HttpEndpoint {
  readonly #pool: Pool;
  readonly #limits: HttpLimits;

  constructor(origin: string, limits: HttpLimits) {
    this.#limits = limits;
    this.#pool = new Pool(origin, { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: 15_000 }, pipelining: 1 });
  }

  /**
   * Posts `body` and reads the whole response, whatever its status; redirects are not followed.
   * @throws {HttpFailure} no whole response came within the limits.
   */
  async post(
    path: string,
    { headers, body, signal }: { headers: Readonly<Record<string, string>>; body: string; signal: AbortSignal },
  ): Promise<HttpResponse> {
    if (signal.aborted) throw new HttpFailure("aborted", "stopped before it was sent", { wasSent: false });
    const watch = new Watch(signal, this.#limits.firstByteTimeoutMs);
    try {
      const response = await this.#pool.request({ path, method: "POST", headers, body, signal: watch.signal });
      watch.expectWithin(this.#limits.idleTimeoutMs);
      const text = await readBody(response.body, this.#limits.maxBodyBytes, watch);
      const header = (name: string): string | undefined => [response.headers[name]].flat()[0];
      return { status: response.statusCode, header, body: text };
    } catch (error) {
      throw watch.explain(error);
    } finally {
      watch.end();
    }
  }

  /** Ends all connections at once. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/**
 * Aborts an exchange when the caller does, or when nothing happens for too long. To undici it is an event emitter that
 * emits `abort`: an AbortSignal for each request cost 10 % of the client's time (Node 20).
 */
class Watch {
  readonly signal = new EventEmitter();
  readonly #outer: AbortSignal;
  readonly #onAbort = (): void => void this.signal.emit("abort");
  #limitMs: number;
  #timer: NodeJS.Timeout;
  #isTimeout = false;

  constructor(outer: AbortSignal, limitMs: number) {
    this.#outer = outer;
    this.#limitMs = limitMs;
    this.#timer = this.#start(limitMs);
    setMaxListeners(0, outer); // each request in flight listens until it ends: no leak
    outer.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** From now on silence may last so long. */
  expectWithin(limitMs: number): void {
    clearTimeout(this.#timer);
    this.#limitMs = limitMs;
    this.#timer = this.#start(limitMs);
  }

  /** Something happened. */
  tick(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener("abort", this.#onAbort);
  }

  explain(error: unknown): HttpFailure {
    if (error instanceof HttpFailure) return error;
    if (this.#outer.aborted) return new HttpFailure("aborted", "stopped by the caller", { wasSent: true });
    if (this.#isTimeout) return new HttpFailure("timeout", `nothing came for ${this.#limitMs} ms`, { wasSent: true });
    return networkFailure(error);
  }

  #start(limitMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#isTimeout = true;
      this.signal.emit("abort");
    }, limitMs);
  }
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number, watch: Watch): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    watch.tick();
    size += chunk.length;
    if (size > maxBytes)
      throw new HttpFailure("too-large", `the response exceeds ${maxBytes} bytes`, { wasSent: true });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

/** Failures before a connection stood: nothing was sent. */
const UNSENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const TLS = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|EPROTO)/;

function networkFailure(error: unknown): HttpFailure {
  if (!(error instanceof Error))
    throw new AppError("network", "the connection failed for no known reason", { cause: error });
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (TLS.test(code)) return new HttpFailure("tls", `no secure connection (${code})`, { wasSent: false, cause: error });
  return new HttpFailure("network", `the connection failed (${code})`, { wasSent: !UNSENT.has(code), cause: error });
}
