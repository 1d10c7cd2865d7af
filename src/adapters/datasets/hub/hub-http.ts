/** @file Requests to the hub: redirects followed by hand, so that the token goes to the hub's own origin and nowhere else. */
import { Agent, type Dispatcher, request } from "undici";
import { AppError } from "../../../core/errors.ts";
import { retryAfterMs } from "../../teacher/retry-after.ts";
import { retryDelayMs, type Waiting } from "../../teacher/retry-delay.ts";
import { isRetryableStatus, statusError } from "./hub-error.ts";
import { bytesSource, uploadBody, type UploadSource } from "./upload-body.ts";

/** What talking to the hub needs. */
export interface HubPorts {
  /** Origin of the hub, `https://huggingface.co` unless HF_ENDPOINT says otherwise. */
  readonly endpoint: string;
  /** The user's access token; undefined for public sets. Never logged, never sent elsewhere. */
  readonly token: string | undefined;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
  /** What its repositories are; data sets unless told. */
  readonly kind?: HubKind;
}

/** Kinds of repositories, as the API's paths name them. */
export type HubKind = "datasets" | "models";

/** The hub that everybody uses. */
export const DEFAULT_HUB = "https://huggingface.co";

const MAX_TRIES = 5;
const MAX_REDIRECTS = 5;
/** A server that says nothing for so long is gone. */
const SILENCE_MS = 30_000;
/** One that takes nothing of what is sent, or has all and does not answer: commits of large sets take their time. */
const UPLOAD_SILENCE_MS = 120_000;

/** What is asked for, for the messages about it. */
export interface HubRequest {
  readonly url: URL;
  /** The data set, for the page where access is asked for. */
  readonly repo: string;
  /** An authorization among them takes the token's place, and goes along with no redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses beside 2xx that the caller understands. */
  readonly accepts?: readonly number[];
  /** What is sent; with it the request is a POST unless told. */
  readonly body?: string | Uint8Array | UploadSource;
  readonly method?: "POST" | "PUT";
}

/** An answer whose body has not been read. */
export interface HubAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Buffer>;
  /** Leaves the body unread and ends the connection. */
  drop(): void;
}

/** A client of one hub. */
export class HubHttp {
  readonly endpoint: URL;
  readonly kind: HubKind;
  readonly #ports: HubPorts;
  readonly #agent = new Agent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS, connect: { timeout: 15_000 } });

  constructor(ports: HubPorts) {
    this.endpoint = parseEndpoint(ports.endpoint);
    this.kind = ports.kind ?? "datasets";
    this.#ports = { ...ports, token: cleanToken(ports.token) };
  }

  /** The URL of a path below the endpoint; each part of `parts` is escaped. */
  url(parts: readonly string[], query: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(this.endpoint);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/${parts.map(encodeURIComponent).join("/")}`;
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /** The API's URL of a repository. */
  apiUrl(repo: string, parts: readonly string[], query: Readonly<Record<string, string>> = {}): URL {
    return this.url(["api", this.kind, ...repo.split("/"), ...parts], query);
  }

  /** The URL of a file at a commit. */
  fileUrl(repo: string, commit: string, path: string): URL {
    const prefix = this.kind === "models" ? [] : [this.kind];
    return this.url([...prefix, ...repo.split("/"), "resolve", commit, ...path.split("/")]);
  }

  /** Ends all connections. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /**
   * Runs `exchange` on an answer of a good status. What may pass (no connection, a broken body, 429, 5xx) is tried five times
   * with growing pauses, `exchange` included.
   *
   * @throws AppError "file-denied" (gated), "file-missing", "network", "provider", "interrupted"; what `exchange` throws.
   */
  async try<T>(asked: () => HubRequest, exchange: (answer: HubAnswer) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await exchange(await this.#send(asked()));
      } catch (error) {
        const failure = this.#explain(error, asked());
        if (!failure.isRetryable || attempt >= MAX_TRIES) throw failure;
        await this.#pause(failure, attempt, asked().url.pathname);
      }
    }
  }

  async #pause(failure: AppError, retry: number, key: string): Promise<void> {
    const asked = failure.data["retryAfterMs"];
    const { waiting, signal } = this.#ports;
    const ms = retryDelayMs({ key, retry, retryAfterMs: typeof asked === "number" ? asked : 0 }, waiting.seed);
    await waiting.sleep(ms, signal);
    if (signal.aborted) throw interrupted();
  }

  async #send(asked: HubRequest): Promise<HubAnswer> {
    let url = asked.url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await this.#request(url, asked);
      const location = [response.headers["location"]].flat()[0];
      if (![301, 302, 303, 307, 308].includes(response.statusCode) || location === undefined)
        return this.#accept(response, asked);
      await drain(response);
      url = nextUrl(url, location);
    }
    throw new AppError("provider", `${asked.url.href}: more than ${MAX_REDIRECTS} redirects`);
  }

  async #request(url: URL, asked: HubRequest): Promise<Dispatcher.ResponseData> {
    const { signal } = this.#ports;
    const headers = this.#headers(url, asked);
    const { body, method = "POST" } = asked;
    if (body === undefined) return await request(url, { dispatcher: this.#agent, signal, headers });
    const source =
      typeof body === "string" ? bytesSource(Buffer.from(body)) : body instanceof Uint8Array ? bytesSource(body) : body;
    const upload = uploadBody(source, UPLOAD_SILENCE_MS, url);
    try {
      return await request(url, {
        dispatcher: this.#agent,
        signal: AbortSignal.any([signal, upload.signal]),
        headersTimeout: 0, // it would run while the body is sent
        method,
        headers: { ...headers, "content-length": String(source.length) },
        body: upload.stream,
      });
    } finally {
      upload.end();
    }
  }

  /** One authorization at most: the request's own for its own origin, else the token for the hub's. */
  #headers(url: URL, asked: HubRequest): Record<string, string> {
    const given = Object.entries(asked.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
    const { authorization, ...headers } = Object.fromEntries<string>(given);
    const own = url.origin === asked.url.origin ? authorization : undefined;
    const { token } = this.#ports;
    const ours = url.origin === this.endpoint.origin && token !== undefined ? `Bearer ${token}` : undefined;
    const sent = own ?? ours;
    return { "user-agent": "grappa", ...headers, ...(sent === undefined ? {} : { authorization: sent }) };
  }

  async #accept(response: Dispatcher.ResponseData, asked: HubRequest): Promise<HubAnswer> {
    const { statusCode: status, headers, body } = response;
    const header = (name: string): string | undefined => [headers[name]].flat()[0];
    if ((status >= 200 && status < 300) || asked.accepts?.includes(status) === true)
      return { status, header, body, drop: () => void body.on("error", () => undefined).destroy() };
    await drain(response);
    const pauseMs = isRetryableStatus(status) ? retryAfterMs({ header }, Date.now()) : 0;
    throw statusError({
      status,
      header,
      asked,
      endpoint: this.endpoint,
      kind: this.kind,
      hasToken: this.#ports.token !== undefined,
      pauseMs,
    });
  }

  #explain(error: unknown, { url }: HubRequest): AppError {
    if (this.#ports.signal.aborted) return interrupted();
    if (error instanceof AppError) return error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "no connection";
    return new AppError("network", `${url.origin} did not answer for ${url.pathname} (${code})`, {
      hint: "check the connection; what was downloaded is kept, and a revision that is in the cache needs no network",
      data: { url: url.href, code },
      cause: error,
      isRetryable: true,
    });
  }
}

const interrupted = (): AppError =>
  new AppError("interrupted", "stopped; what was downloaded is kept", { hint: "the same command goes on from there" });

/** Reads a short body away so that its connection can be used again. */
async function drain({ body }: Dispatcher.ResponseData): Promise<void> {
  await body.dump({ limit: 64 * 1024 }).catch(() => undefined); // only a courtesy to the connection
}

function nextUrl(from: URL, location: string): URL {
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    throw new AppError("provider", `${from.href} redirects to no address`, { isRetryable: false });
  }
  const isDowngrade = from.protocol === "https:" && url.protocol !== "https:";
  if (isDowngrade || !["http:", "https:"].includes(url.protocol))
    throw new AppError("provider", `${from.origin} redirects to ${url.protocol}//${url.host}, which is not secure`);
  return url;
}

function parseEndpoint(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // said below
  }
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.search === "")
    return url;
  throw new AppError("usage", "HF_ENDPOINT is no address of a hub", { hint: `for example ${DEFAULT_HUB}` });
}

function cleanToken(token: string | undefined): string | undefined {
  const text = token?.trim();
  if (text === undefined || text === "") return undefined;
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new AppError("usage", "HF_TOKEN holds characters that no token has", { hint: "copy the token anew" });
}
