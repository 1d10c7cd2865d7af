/**
 * @file Requests to a Ray dashboard. Never by `fetch`, which cannot leave out `sec-fetch-mode`: Ray takes a request with that,
 * an origin, a referer or a browser's user agent for a browser's, and refuses to change anything for it (405).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, request } from "undici";
import { AppError } from "../../core/errors.ts";
import { bearer, checkApiKey, keyRedactor } from "../teacher/api-key.ts";
import { excerptOf } from "../teacher/excerpt.ts";

/** A dashboard that says nothing for so long is gone; a busy one takes its time. */
const SILENCE_MS = 60_000;
/** As long as an upload, over a slow line, may take with its answer. */
const UPLOAD_MS = 30 * 60_000;
const TRIES = 3;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** One call. */
export interface RayCall {
  readonly method?: "GET" | "PUT" | "POST";
  /** Below the dashboard's address. */
  readonly path: string;
  readonly body?: string | Uint8Array;
  /** Statuses beside 2xx that the caller understands. */
  readonly accepts?: readonly number[];
  readonly maxBytes?: number;
  /** Whether it may be sent again where no answer came. */
  readonly isRepeatable?: boolean;
}

/** Where a cluster is, and what opens it. */
export interface RayHttpOptions {
  readonly address: string;
  /** Name of the variable that holds the token. */
  readonly tokenEnv: string | undefined;
  readonly secrets: (name: string) => string | undefined;
  /** Before the second try of a call, ms; twice as long before the third. */
  readonly pauseMs: number;
}

/** A client of one dashboard. */
export class RayHttp {
  readonly #options: RayHttpOptions;
  readonly #root: URL;
  readonly #agent = new Agent({ headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS, connect: { timeout: 15_000 } });

  constructor(options: RayHttpOptions) {
    this.#options = options;
    this.#root = parseAddress(options.address);
  }

  get origin(): string {
    return this.#root.origin;
  }

  /** The websocket address of a path. */
  socketUrl(path: string): URL {
    const url = this.#url(path);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return url;
  }

  /**
   * The authorization, if the recipe names a token.
   * @throws AppError "usage" where the variable is not set, or holds what no header can carry
   */
  headers(): Readonly<Record<string, string>> {
    return bearer(this.#token());
  }

  /** The text without the cluster's token. */
  redact(text: string): string {
    const { tokenEnv, secrets } = this.#options;
    return keyRedactor(tokenEnv === undefined ? undefined : secrets(tokenEnv)?.trim())(text);
  }

  /**
   * An answer of a good or accepted status. What may pass is tried three times, where the call may be repeated.
   * @throws AppError "usage", "provider", "provider-permanent", "interrupted"
   */
  async call(call: RayCall, signal: AbortSignal): Promise<{ readonly status: number; readonly text: string }> {
    const { method = "GET", isRepeatable = method !== "POST" } = call;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#send({ ...call, method }, signal);
      } catch (error) {
        const failure = this.#explain(error, signal);
        if (!failure.isRetryable || !isRepeatable || attempt >= TRIES) throw failure;
        const pauseMs = this.#options.pauseMs * 2 ** (attempt - 1);
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // told by the next try
      }
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #url(path: string): URL {
    const url = new URL(this.#root);
    url.pathname = `${url.pathname.replace(/\/+$/, "")}${path}`;
    return url;
  }

  #token(): string | undefined {
    const { tokenEnv, secrets } = this.#options;
    if (tokenEnv === undefined) return undefined;
    const token = secrets(tokenEnv)?.trim() ?? "";
    if (token !== "") return checkApiKey(token, "the Ray cluster");
    throw new AppError("usage", `the variable ${tokenEnv} is not set, which should hold the Ray cluster's token`, {
      hint: "set it to the token, as `ray get-auth-token` prints it on the head",
    });
  }

  async #send(
    call: RayCall & { readonly method: string },
    signal: AbortSignal,
  ): Promise<{ status: number; text: string }> {
    const { method, path, body, accepts = [], maxBytes = MAX_ANSWER_BYTES } = call;
    const isUpload = body instanceof Uint8Array;
    const response = await request(this.#url(path), {
      dispatcher: this.#agent,
      method: method as Dispatcher.HttpMethod,
      signal,
      headers: {
        "user-agent": "grappa",
        ...this.headers(),
        ...(body === undefined ? {} : { "content-type": isUpload ? "application/octet-stream" : "application/json" }),
      },
      ...(isUpload ? { headersTimeout: UPLOAD_MS } : {}), // it runs while the body is sent
      ...(body === undefined ? {} : { body: isUpload ? Buffer.from(body) : body }),
    });
    const { statusCode: status } = response;
    const isGood = (status >= 200 && status < 300) || accepts.includes(status);
    const text = await readBody(response, isGood ? { maxBytes, call: path } : { maxBytes: 64 * 1024 });
    if (isGood) return { status, text };
    throw this.#refusal(status, `${method} ${path}`, this.redact(text));
  }

  #refusal(status: number, asked: string, text: string): AppError {
    const { tokenEnv } = this.#options;
    const said = `the Ray dashboard at ${this.origin} answered ${asked} with ${status}: ${excerptOf(lastLine(text))}`;
    const data = { status };
    if ((status === 401 || status === 403) && tokenEnv === undefined)
      return new AppError("usage", said, {
        data,
        hint: "it wants a token: name its variable as train.launcher.tokenEnv",
      });
    if (status === 401 || status === 403)
      return new AppError("provider-permanent", said, { data, hint: `check the token in ${tokenEnv}` });
    if (status >= 500 || status === 429 || status === 408)
      return new AppError("provider", said, {
        data,
        isRetryable: true,
        hint: "try again; see the head's logs if it stays",
      });
    const hint =
      status === 404 || (status >= 300 && status < 400)
        ? "train.launcher.address is where the dashboard itself answers; the head needs ray[default,train], bare ray has no Jobs API"
        : "see the answer, and the version of Ray on the head";
    return new AppError("provider-permanent", said, { data, hint });
  }

  #explain(error: unknown, signal: AbortSignal): AppError {
    if (signal.aborted) return new AppError("interrupted", "stopped while the Ray cluster was asked", { cause: error });
    if (error instanceof AppError) return error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "no connection";
    return new AppError("provider", `the Ray dashboard at ${this.origin} did not answer (${code})`, {
      hint: "is the head running, and its dashboard reachable from here? `ray start --head --dashboard-host ...`, or a tunnel by ssh",
      data: { code },
      isRetryable: true,
      cause: error,
    });
  }
}

/** Ray refuses with a whole traceback; its last line says why. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines[0]?.startsWith("Traceback") === true ? (lines.at(-1) ?? "") : text;
}

async function readBody(
  { body }: Dispatcher.ResponseData,
  { maxBytes, call }: { maxBytes: number; call?: string },
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else if (call === undefined) break;
    else
      throw new AppError("limit-exceeded", `the Ray dashboard's answer for ${call} exceeds ${maxBytes} bytes`, {
        data: { maxBytes },
      });
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.search === "")
    return url;
  throw new AppError("usage", `train.launcher.address is no address of a Ray dashboard`, {
    hint: "for example http://127.0.0.1:8265; a token goes into the variable that tokenEnv names",
  });
}
