/** @file A recipe's teacher as something that can be asked: the built-in one is started, others are called. */
import { type BuiltinTeacherServer, startBuiltinTeacher } from "../../adapters/teacher/builtin-teacher-server.ts";
import { openAICompatibleTeacher, readApiKey } from "../../adapters/teacher/openai-compatible.ts";
import type { Teacher } from "../../adapters/teacher/teacher.ts";
import { AppError } from "../../core/errors.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import { formatUsd, microUsdFromUsd } from "../../ledger/money.ts";
import { BUILTIN_MODEL, BUILTIN_PROVIDER, findPrice, type Price, tokenCost } from "../../ledger/price-book.ts";
import type { SamplingParams } from "../../ledger/request-key.ts";
import { questionId } from "../../questions/bucket.ts";
import { reasonAbout } from "../../questions/teacher-policy.ts";
import type { Recipe } from "../../schema/recipe.ts";

type TeacherRecipe = Recipe["trace"]["teacher"];
type BuiltinRecipe = Extract<TeacherRecipe, { type: "builtin" }>;

/** Longer than any reply of the built-in teacher, bytes (its tokens). */
const BUILTIN_MAX_TOKENS = 8192;

/** A teacher, and how to put requests to it. */
export interface OpenTeacher {
  readonly teacher: Teacher;
  readonly price: Price;
  readonly params: SamplingParams;
  readonly maxTokens: number;
  close(): Promise<void>;
}

/** The parts of a teacher's recipe that its replies depend on; not where it is reached, with which key, or how fast it is. */
export function teacherIdentity(teacher: TeacherRecipe): Partial<TeacherRecipe> {
  if (teacher.type === "builtin") {
    const { latencyMs: _latency, rateLimitRate: _refused, port: _port, ...rest } = teacher;
    return rest;
  }
  const { baseUrl: _url, apiKeyEnv: _key, ...rest } = teacher;
  return rest;
}

/** Where a teacher's key would travel readable by anybody on the way; undefined where it does not. */
export function keyInTheClear(teacher: TeacherRecipe): string | undefined {
  if (teacher.type !== "openai-compatible" || teacher.apiKeyEnv === undefined) return undefined;
  const { protocol, hostname } = new URL(teacher.baseUrl);
  const isLocal = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
  return protocol === "http:" && !isLocal ? hostname : undefined;
}

/**
 * Opens the recipe's teacher.
 *
 * @param secrets the value of an environment variable.
 * @throws AppError "usage" when the key's variable is not set, "recipe-invalid" when no price is known, "port-taken".
 */
export async function openTeacher(recipe: Recipe, secrets: (name: string) => string | undefined): Promise<OpenTeacher> {
  const { teacher } = recipe.trace;
  if (teacher.type === "builtin") return await openBuiltin(teacher, recipe.seed);
  const { baseUrl, model, apiKeyEnv, temperature, maxTokens } = teacher;
  const key = apiKeyEnv === undefined ? {} : { apiKey: readApiKey({ [apiKeyEnv]: secrets(apiKeyEnv) }, apiKeyEnv) };
  const client = openAICompatibleTeacher({ baseUrl, model, ...key });
  const price = findPrice(client.provider, model, teacher.price);
  return {
    teacher: client,
    price,
    params: temperature === undefined ? {} : { temperature },
    maxTokens,
    close: () => client.close(),
  };
}

/**
 * Throws what would stop every request to the recipe's teacher. Sends nothing; starts nothing.
 *
 * @throws AppError as `openTeacher`, and "budget-exceeded" when one reply of full length may cost more than the cap.
 */
export async function checkTeacher(recipe: Recipe, secrets: (name: string) => string | undefined): Promise<void> {
  if (recipe.trace.teacher.type === "builtin") return;
  const { price, maxTokens, close } = await openTeacher(recipe, secrets);
  await close();
  const worstCase = tokenCost(price, { promptTokens: 0, completionTokens: maxTokens });
  const cap = microUsdFromUsd(recipe.maxUsd);
  if (worstCase <= cap) return;
  throw new AppError(
    "budget-exceeded",
    `one reply of ${maxTokens} tokens may cost ${formatUsd(worstCase)}, and maxUsd allows ${formatUsd(cap)}`,
    {
      hint: "raise maxUsd, or lower trace.teacher.maxTokens",
      data: { worstCaseMicroUsd: worstCase, capMicroUsd: cap },
    },
  );
}

async function openBuiltin(teacher: BuiltinRecipe, seed: number): Promise<OpenTeacher> {
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
