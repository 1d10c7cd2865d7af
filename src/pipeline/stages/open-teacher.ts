/** @file A recipe's teacher, reference student or judge as something that can be asked: the built-in teacher is started, others are called. */
import { type BuiltinTeacherServer, startBuiltinTeacher } from "../../adapters/teacher/builtin-teacher-server.ts";
import {
  type OpenBatches,
  openBatches,
  type OpenBatchesOptions,
  openLeftBatches,
} from "../../adapters/teacher/batch/open-batches.ts";
import { openEndpoint, samplingParams } from "../../adapters/teacher/open-endpoint.ts";
import { openAICompatibleTeacher } from "../../adapters/teacher/openai-compatible.ts";
import type { BuyerOptions } from "../../adapters/teacher/reply-buyer.ts";
import type { Teacher } from "../../adapters/teacher/teacher.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import { endpointPrice } from "../../ledger/endpoint-price.ts";
import { BUILTIN_MODEL, BUILTIN_PROVIDER, findPrice, type Price } from "../../ledger/price-book.ts";
import type { SamplingParams } from "../../ledger/request-key.ts";
import { questionId } from "../../questions/bucket.ts";
import { reasonAbout } from "../../questions/teacher-policy.ts";
import type { Endpoint } from "../../schema/endpoint.ts";
import { isAsked, type Recipe } from "../../schema/recipe.ts";
import { withoutFolder } from "../sources/source-places.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/** A recipe's teacher: the built-in one, or an endpoint. */
export type TeacherRecipe = Recipe["trace"]["teacher"];
type BuiltinRecipe = Extract<TeacherRecipe, { type: "builtin" }>;

/** Longer than any reply of the built-in teacher, bytes (its tokens). */
const BUILTIN_MAX_TOKENS = 8192;

/** What an open endpoint's batches need beyond itself. */
type AskedBatchesOptions = Omit<OpenBatchesOptions, "price" | "called">;

/** A model, and how to put requests to it. */
export interface OpenTeacher {
  readonly teacher: Teacher;
  readonly price: Price;
  readonly params: SamplingParams;
  readonly maxTokens: number;
  /** Requests in flight. */
  readonly concurrency: number;
  readonly limits: NonNullable<BuyerOptions["limits"]>;
  /**
   * Opens its batches, where the recipe buys through them, or did and some have not ended; undefined otherwise. Absent of
   * the built-in teacher.
   */
  openBatches?(options: AskedBatchesOptions): Promise<OpenBatches | undefined>;
  close(): Promise<void>;
}

/**
 * The parts of a teacher's recipe that its replies depend on; not where it is reached, with which key, at what price or how
 * fast it is.
 */
export function teacherIdentity(teacher: TeacherRecipe): Partial<TeacherRecipe> {
  if (teacher.type === "builtin") {
    const { latencyMs: _latency, rateLimitRate: _refused, port: _port, ...rest } = teacher;
    return rest;
  }
  if (teacher.type === "recorded") return { ...teacher, data: withoutFolder(teacher.data) };
  const { baseUrl: _url, apiKeyEnv: _key, apiKeyFile: _file, price: _price, ...said } = teacher;
  const { limits: _limits, batch: _batch, ...rest } = said;
  return rest;
}

/** Where an endpoint's key would travel readable by anybody on the way; undefined where it does not. */
export function keyInTheClear(teacher: TeacherRecipe): string | undefined {
  if (!isAsked(teacher)) return undefined;
  if (teacher.apiKeyEnv === undefined && teacher.apiKeyFile === undefined) return undefined;
  const { protocol, hostname } = new URL(teacher.baseUrl);
  const isLocal = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  return protocol === "http:" && !isLocal ? hostname : undefined;
}

/**
 * Opens an endpoint.
 *
 * @param called what errors call it, for example `the judge`.
 * @throws AppError "usage" when its key is not set, "recipe-invalid" when no price is known.
 */
export function openAsked(endpoint: Endpoint, world: TeacherWorld, called: string): OpenTeacher {
  const price = endpointPrice(endpoint, { overrides: world.prices });
  const teacher = openEndpoint(endpoint, world, called);
  const { concurrency, ...limits } = endpoint.limits;
  const { maxTokens } = endpoint;
  const params = samplingParams(endpoint);
  const batches = async (options: AskedBatchesOptions): Promise<OpenBatches | undefined> => {
    const ofBatches = endpointPrice(endpoint, { batch: true, overrides: world.prices });
    const asked = { ...options, called, price: ofBatches };
    return endpoint.batch === undefined ? await openLeftBatches(endpoint, asked) : openBatches(endpoint, asked);
  };
  const opened = { teacher, price, params, maxTokens, concurrency, limits: declared(limits) };
  return { ...opened, openBatches: batches, close: () => teacher.close() };
}

function declared({ requestsPerMinute, tokensPerMinute }: Omit<Endpoint["limits"], "concurrency">) {
  return {
    ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
    ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
  };
}

/**
 * Opens the recipe's teacher.
 *
 * @throws AppError as {@link openAsked}; "port-taken".
 */
export async function openTeacher(
  teacher: TeacherRecipe,
  { seed, trace }: Pick<Recipe, "seed" | "trace">,
  world: TeacherWorld,
): Promise<OpenTeacher> {
  if (isAsked(teacher)) return openAsked(teacher, world, "the teacher");
  if (teacher.type === "recorded") throw new Error("bug in grappa: recorded traces are read, not asked for");
  return { ...(await openBuiltin(teacher, seed)), concurrency: trace.concurrency, limits: { areRefusalsRandom: true } };
}

async function openBuiltin(teacher: BuiltinRecipe, seed: number): Promise<Omit<OpenTeacher, "concurrency" | "limits">> {
  const server = await startServer(teacher, seed);
  const client = openAICompatibleTeacher({
    provider: BUILTIN_PROVIDER,
    model: BUILTIN_MODEL,
    baseUrl: server.baseUrl,
    apiKey: server.apiKey,
  });
  const price = findPrice(client.provider, client.model);
  const close = async (): Promise<void> => {
    await client.close();
    await server.close();
  };
  return { teacher: client, price, params: { seed: requestSeed(teacher, seed) }, maxTokens: BUILTIN_MAX_TOKENS, close };
}

/** A seed that differs where the teacher behaves otherwise, so that the journal never answers for another policy. */
function requestSeed(teacher: BuiltinRecipe, seed: number): number {
  return Number.parseInt(shortHash(canonicalJson({ teacher: teacherIdentity(teacher), seed })).slice(0, 12), 16);
}

async function startServer(teacher: BuiltinRecipe, seed: number): Promise<BuiltinTeacherServer> {
  const { slipRate, checkOnceShare, checkTwiceShare, port } = teacher;
  return await startBuiltinTeacher({
    seed,
    port,
    faults: teacher,
    reason: (text, requested) =>
      reasonAbout({ id: questionId(text), text }, { slipRate, checkOnceShare, checkTwiceShare, seed: requested }),
  });
}
