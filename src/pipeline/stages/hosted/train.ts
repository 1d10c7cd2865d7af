/** @file The train stage of a student that another trains: a fine-tuning job, bought once and under the run's cap. */
import { open, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type BoughtFineTune, buyFineTune, type FineTuneTerms } from "../../../adapters/fine-tune/buy-fine-tune.ts";
import type { FineTuneJob, FineTuneOrder, FineTuner } from "../../../adapters/fine-tune/fine-tuner.ts";
import { TogetherTuner } from "../../../adapters/fine-tune/together-tuner.ts";
import { withFileError } from "../../../adapters/file-error.ts";
import { makeFolders } from "../../../adapters/make-folders.ts";
import { bearer, readApiKey } from "../../../adapters/teacher/api-key.ts";
import { systemWaiting } from "../../../adapters/teacher/retry-delay.ts";
import { canonicalJson, shortHash } from "../../../core/hash.ts";
import { billionParameters, type FineTuneRate, fineTuneRate } from "../../../ledger/fine-tune-price.ts";
import { formatUsd } from "../../../ledger/money.ts";
import type { HostedStudent, Recipe } from "../../../schema/recipe.ts";
import { SCHEMA_VERSION } from "../../../schema/records.ts";
import { learningRateOf } from "../../../schema/training-fields.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { keyInTheClear } from "../open-teacher.ts";
import type { TeacherWorld } from "../teacher-world.ts";
import { baseEndpoint } from "./base-endpoint.ts";
import { TRAINING_FILE } from "./tokenize.ts";

/** The tuned model: `student.json`. */
export const HostedModel = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  provider: z.string(),
  base: z.string(),
  method: z.enum(["full", "lora"]),
  job: z.string(),
  model: z.string(),
});
/** Where the stage puts it. */
export const HOSTED_MODEL_FILE = "student.json";

/** The provider counts with the student's tokenizer, we with the teacher's: so much more, percent, is held. */
const MARGIN_PERCENT = 30;

/** What the job depends on beside the examples; what the provider does not take (seed, AdamW's decays) is not in it. */
export function fineTuneConfig({ student, train }: Recipe): object {
  const { type, method } = student.hosted as HostedStudent;
  return { hosted: type, method, base: student.base, ...settingsOf({ train, student }) };
}

/** What the stage's output depends on: the job, and whether its weights are brought here. */
export function hostedConfig(recipe: Recipe): object {
  return { ...fineTuneConfig(recipe), ...(recipe.student.hosted?.download === true ? { download: true } : {}) };
}

/** The price of the fine-tune. Throws "recipe-invalid" where nobody knows it. */
export function hostedRate({ student }: Pick<Recipe, "student">): FineTuneRate {
  const { type, method, trainUsdPerMillion } = student.hosted as HostedStudent;
  return fineTuneRate({ provider: type, method, base: student.base, givenUsdPerMillion: trainUsdPerMillion });
}

/** Orders the fine-tune, or goes on with it. Outputs `student.json`, and the weights where they are asked for. */
export async function trainAtProvider(context: StageContext, world: TeacherWorld): Promise<StageSummary> {
  const { recipe, output } = context;
  const hosted = recipe.student.hosted as HostedStudent;
  const { base } = recipe.student;
  const tokenized = context.input("tokenize");
  const key = shortHash(canonicalJson([fineTuneConfig(recipe), tokenized.manifest.outputHash]));
  const order = orderOf(recipe, `grappa-${key}`, await readExamples(tokenized.path(TRAINING_FILE)));
  const expectedTokens = Number(tokenized.manifest.notes.tokens) * recipe.train.epochs;
  const host = keyInTheClear(baseEndpoint(recipe));
  if (host !== undefined) context.warn(`the key of ${hosted.type} goes to ${host} unencrypted: use https`);
  const tuner = openTuner(hosted, world);
  try {
    const bought = await buyFineTune(order, {
      tuner,
      key,
      expectedTokens,
      ...(await termsOf(context, expectedTokens)),
    });
    const { job, model } = bought;
    const row: z.infer<typeof HostedModel> = {
      schemaVersion: SCHEMA_VERSION,
      provider: hosted.type,
      base,
      method: hosted.method,
      job,
      model,
    };
    await output.writeJson(HOSTED_MODEL_FILE, row);
    const weightBytes = hosted.download ? await bringWeights(context, { tuner, hosted, job }) : null;
    return summaryOf(bought, weightBytes);
  } finally {
    await tuner.close();
  }
}

async function termsOf(
  context: StageContext,
  expectedTokens: number,
): Promise<Omit<FineTuneTerms, "tuner" | "key" | "expectedTokens">> {
  const { recipe, signal, warn } = context;
  const { ledger, journal } = await context.accounts();
  return {
    ledger,
    journal,
    provider: (recipe.student.hosted as HostedStudent).type,
    rate: hostedRate(recipe),
    mostTokens: Math.ceil((expectedTokens * (100 + MARGIN_PERCENT)) / 100),
    waiting: systemWaiting(recipe.seed),
    signal,
    onProgress: ({ state }) => tell(context, state),
    onQuote: ({ microUsd, trainedTokens }) => {
      const tokens = trainedTokens === null ? "" : ` for ${trainedTokens} tokens`;
      context.measure("quotedUsd", microUsd / 1e6);
      context.progress({ done: 0, total: 1, unit: "steps", note: `estimated there: ${formatUsd(microUsd)}${tokens}` });
    },
    warn,
  };
}

/** Weights as the provider packs them. */
export const WEIGHTS_FILE = "student/weights.tar.zst";
/** What a parameter takes at most, in f32, and what lies beside the weights. */
const BYTES_PER_PARAMETER = 4.5;
const OTHER_BYTES = 2e9;
/** Where the base's name tells no size. */
const MOST_BYTES = 500e9;
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Downloads to the stage's scratch space, which a kill leaves as it is; the bytes. */
async function bringWeights(
  { recipe, output, workFolder, signal, progress, warn }: StageContext,
  { tuner, hosted, job }: { readonly tuner: FineTuner; readonly hosted: HostedStudent; readonly job: string },
): Promise<number> {
  const size = billionParameters(recipe.student.base);
  const maxBytes = size === undefined ? MOST_BYTES : size * 1e9 * BYTES_PER_PARAMETER + OTHER_BYTES;
  const part = join(workFolder, "weights.tar.zst");
  const onBytes = (bytes: number, total: number | null): void => {
    const megabytes = Math.floor(bytes / 1e6);
    progress({ done: megabytes, total: Math.ceil((total ?? bytes) / 1e6), unit: "MB", note: "weights" });
  };
  await tuner.download({ job, method: hosted.method, to: part, maxBytes, onBytes }, signal);
  const path = output.path(WEIGHTS_FILE);
  return await withFileError(path, async () => {
    await makeFolders(dirname(path));
    await rename(part, path);
    const handle = await open(path, "r");
    const { buffer } = await handle.read(Buffer.alloc(ZSTD.length), 0, ZSTD.length, 0).finally(() => handle.close());
    if (!buffer.equals(ZSTD)) warn(`${WEIGHTS_FILE} is not packed by zstd, as ${hosted.type} is known to: look at it`);
    return (await stat(path)).size;
  });
}

/** Opens the provider's fine-tuning API. Throws "usage" when the key is not set. */
export function openTuner({ baseUrl, apiKeyEnv }: HostedStudent, { secrets }: TeacherWorld): TogetherTuner {
  const apiKey = readApiKey({ [apiKeyEnv]: secrets(apiKeyEnv) }, apiKeyEnv);
  return new TogetherTuner({ baseUrl, apiKey, headers: bearer(apiKey), called: "Together" });
}

async function readExamples(path: string): Promise<Buffer> {
  return await withFileError(path, async () => {
    return await readFile(path);
  });
}

function orderOf({ student, train }: Recipe, name: string, examples: Uint8Array): FineTuneOrder {
  const { method } = student.hosted as HostedStudent;
  return { name, base: student.base, method, ...settingsOf({ train, student }), examples };
}

/** What of the training the provider lets its caller set. */
function settingsOf({ train, student }: Pick<Recipe, "train" | "student">) {
  const { epochs, batchSize, warmupShare, weightDecay, maxGradientNorm } = train;
  const learningRate = learningRateOf(train, student.hosted);
  return { epochs, batchSize, learningRate, warmupShare, weightDecay, maxGradientNorm };
}

function tell({ progress }: StageContext, state: FineTuneJob["state"]): void {
  if (state.type !== "running") return;
  progress({ done: state.step, total: state.totalSteps ?? state.step, unit: "steps", note: state.phase });
}

function summaryOf(
  { model, trainedTokens, costMicroUsd, isEstimated }: BoughtFineTune,
  weightBytes: number | null,
): StageSummary {
  const brought =
    weightBytes === null
      ? ""
      : `; its weights are in ${WEIGHTS_FILE} of the stage's folder (${(weightBytes / 1e9).toFixed(1)} GB): unpack them with tar --zstd -xf`;
  return {
    notes: { trainedTokens, costMicroUsd, isEstimated },
    outcome: `${model}: ${trainedTokens} tokens trained, ${formatUsd(costMicroUsd)}${brought}`,
  };
}
