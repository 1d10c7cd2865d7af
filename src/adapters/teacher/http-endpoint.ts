import type { IncomingHttpHeaders } from "node:http";
import { setMaxListeners } from "node:events";
import { StringDecoder } from "node:string_decoder";
import { type Dispatcher, Pool } from "undici";
import { AppError } from "../../core/errors.ts";

/** A response's status and headers. */
export interface HttpHead {
  readonly status: number;
  /** The first value of a header, by lower-case name. */
  header(name: string): string | undefined;
}

/** A whole response. */
export interface HttpResponse extends HttpHead {
  /** Empty where a reader took it piece by piece. */
  readonly body: string;
}

/** Takes the text of a body as it comes, and may throw to end the exchange. */
export type PieceReader = (piece: string) => void;

/** What is posted. */
export interface HttpPost {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** Decides, once the head is there, who reads the body; undefined gathers it. What the reader throws comes out of `post`. */
  readonly readerFor?: (head: HttpHead) => PieceReader | undefined;
}

/** Limits of one exchange. There is none on the whole: a long reply may take an hour, as long as it goes on. */
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
   * @throws {HttpFailure} no whole response came within the limits; or whatever the reader threw.
   */
  post(path: string, post: HttpPost): Promise<HttpResponse> {
    if (post.signal.aborted)
      return Promise.reject(new HttpFailure("aborted", "stopped before it was sent", { wasSent: false }));
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(post, this.#limits, { resolve, reject });
      const { headers, body } = post;
      this.#pool.dispatch({ path, method: "POST", headers, body }, exchange);
    });
  }

  /** Ends all connections at once. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

interface Ends {
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One request and its response, as undici's dispatcher drives it. Its callbacks take the bytes as they come off the
 * socket, without the stream, the signal and the promise a piece that `request` makes (a third of the client's time).
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #post: HttpPost;
  readonly #limits: HttpLimits;
  readonly #ends: Ends;
  readonly #decoder = new StringDecoder("utf8");
  readonly #onAbort = (): void =>
    this.#fail(new HttpFailure("aborted", "stopped by the caller", { wasSent: this.#isStarted }));
  #controller: Dispatcher.DispatchController | undefined;
  #isStarted = false;
  #isOver = false;
  #limitMs: number;
  #timer: NodeJS.Timeout;
  #head: HttpHead | undefined;
  #reader: PieceReader | undefined;
  #gathered: string[] = [];
  #bytes = 0;

  constructor(post: HttpPost, limits: HttpLimits, ends: Ends) {
    this.#post = post;
    this.#limits = limits;
    this.#ends = ends;
    this.#limitMs = limits.firstByteTimeoutMs;
    this.#timer = this.#watch();
    setMaxListeners(0, post.signal); // each request in flight listens until it ends: no leak
    post.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#isStarted = true;
    if (this.#isOver) controller.abort(new Error("stopped"));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // informational; the response is still to come
    const header = (name: string): string | undefined => {
      const value = headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    this.#head = { status, header };
    clearTimeout(this.#timer);
    this.#limitMs = this.#limits.idleTimeoutMs;
    this.#timer = this.#watch();
    this.#guard(() => (this.#reader = this.#post.readerFor?.(this.#head as HttpHead)));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#timer.refresh();
    this.#bytes += chunk.length;
    const { maxBodyBytes } = this.#limits;
    if (this.#bytes > maxBodyBytes)
      return this.#fail(new HttpFailure("too-large", `the response exceeds ${maxBodyBytes} bytes`, { wasSent: true }));
    this.#take(this.#decoder.write(chunk));
  }

  onResponseEnd(): void {
    this.#take(this.#decoder.end());
    if (this.#isOver) return;
    this.#close();
    this.#ends.resolve({ ...(this.#head as HttpHead), body: this.#gathered.join("") });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#close();
    try {
      const failure = networkFailure(error);
      // Once a response has begun the request was sent, whatever the error's name says of connections in general.
      const { message, cause } = failure;
      const isBegun = this.#head !== undefined && !failure.wasSent;
      this.#ends.reject(isBegun ? new HttpFailure("network", message, { wasSent: true, cause }) : failure);
    } catch (unknown) {
      this.#ends.reject(unknown);
    }
  }

  #take(piece: string): void {
    if (piece === "" || this.#isOver) return;
    const reader = this.#reader;
    if (reader === undefined) this.#gathered.push(piece);
    else this.#guard(() => reader(piece));
  }

  /** What a reader throws ends the exchange and goes to the caller. */
  #guard(work: () => unknown): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#close();
    this.#ends.reject(error);
    this.#controller?.abort(new Error("stopped"));
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#post.signal.removeEventListener("abort", this.#onAbort);
  }

  #watch(): NodeJS.Timeout {
    return setTimeout(
      () => this.#fail(new HttpFailure("timeout", `nothing came for ${this.#limitMs} ms`, { wasSent: true })),
      this.#limitMs,
    );
  }
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

/** What a connection's error means: whether the request may have reached the server, and whether trust failed. */
export function networkFailure(error: unknown): HttpFailure {
  if (!(error instanceof Error))
    throw new AppError("network", "the connection failed for no known reason", { cause: error });
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (TLS.test(code)) return new HttpFailure("tls", `no secure connection (${code})`, { wasSent: false, cause: error });
  return new HttpFailure("network", `the connection failed (${code})`, { wasSent: !UNSENT.has(code), cause: error });
}
