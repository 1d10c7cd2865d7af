/** @file What a server of completions says of the models it serves: whether one is there, and how long its sequences may be. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { bearer, keyRedactor } from "../teacher/api-key.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { parseJson } from "../teacher/json-fields.ts";

/** Where to ask, and after which model. */
export interface UpstreamAddress {
  /** Up to and with `/v1`. */
  readonly baseUrl: string;
  readonly apiKey?: string | undefined;
  readonly model: string;
}

/** What is known of it. */
export interface UpstreamModel {
  /** Most ids in one sequence; undefined where the server does not tell. */
  readonly contextTokens: number | undefined;
}

const MAX_BYTES = 4 << 20;
const TIMEOUT_MS = 15_000;
const MAX_CONTEXT = 1 << 24;
/** Without the route, or, as `transformers serve` on a machine without a hub cache, unable to make the list. */
const UNKNOWN: ReadonlySet<number> = new Set([404, 405, 500, 501]);
/** Names shown where the one asked for is missing. */
const SHOWN_NAMES = 10;

const Models = z.object({
  data: z.array(z.object({ id: z.string(), max_model_len: z.int().min(1).max(MAX_CONTEXT).nullish() })),
});

/**
 * Asks `/v1/models`, once. A server without that route, or with an empty list, is taken at its word: nothing is known of its model.
 * @throws {AppError} network (it cannot be reached), model-missing (it serves others), provider-permanent (refused), provider
 */
export async function readUpstreamModel(address: UpstreamAddress): Promise<UpstreamModel> {
  const { baseUrl, model } = address;
  const { status, body } = await get(address);
  if (UNKNOWN.has(status)) return { contextTokens: undefined };
  if (status !== 200) throw refused(address, status, body);
  const models = Models.safeParse(parseJson(body)).data?.data;
  if (models === undefined)
    throw new AppError("provider", `the server ${baseUrl} sent no list of models: ${excerptOf(body)}`, {
      hint: "give the address of a server of completions, up to and with /v1",
    });
  const found = models.find(({ id }) => id === model);
  if (found !== undefined || models.length === 0) return { contextTokens: found?.max_model_len ?? undefined };
  const names = models.slice(0, SHOWN_NAMES).map(({ id }) => excerptOf(id));
  throw new AppError("model-missing", `the server ${baseUrl} does not serve "${model}"`, {
    hint: `it serves ${names.join(", ")}`,
    data: { model, names },
  });
}

async function get({ baseUrl, apiKey }: UpstreamAddress): Promise<{ status: number; body: string }> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${baseUrl}/models`, { headers: bearer(apiKey), redirect: "manual", signal });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw new AppError("provider", `the server ${baseUrl} sent more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
    return { status: response.status, body: Buffer.concat(chunks).toString("utf8") };
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("network", `the server ${baseUrl} cannot be reached (${reasonOf(error)})`, {
      hint: "start it first, or check the address: it ends in /v1",
      cause: error,
      isRetryable: true,
    });
  }
}

function reasonOf(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown }; name?: unknown };
  return typeof cause?.code === "string" ? cause.code : typeof name === "string" ? name : "no reply";
}

function refused({ baseUrl, apiKey }: UpstreamAddress, status: number, body: string): AppError {
  const said = keyRedactor(apiKey)(excerptOf(body));
  const isKey = status === 401 || status === 403;
  return new AppError(
    status >= 500 ? "provider" : "provider-permanent",
    `the server ${baseUrl} does not tell its models (HTTP ${status}): ${said}`,
    isKey
      ? { hint: "name the variable that holds its key (--upstream-key-env)", data: { status } }
      : { data: { status } },
  );
}
