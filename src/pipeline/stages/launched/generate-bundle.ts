/** @file What a generate job takes along: its program, its configuration, the prompts, and models that are folders. */
import type { BundleFile, JobSpec } from "../../../adapters/launchers/launcher.ts";
import { delimiterIds } from "../../../decode/generate-prompts.ts";
import type { GenerateJob, GeneratePrompt } from "../../../schema/generate-job.ts";
import { SCHEMA_VERSION } from "../../../schema/schema-version.ts";
import type { ThinkingDelimiters } from "../../../tokenize/thinking-delimiters.ts";
import type { JobLimits } from "./job-money.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { inBundle, type JobModel } from "./models.ts";

/** Who is asked what. */
export interface Asking {
  readonly models: readonly {
    readonly name: "base" | "student";
    readonly model: JobModel;
    readonly delimiters: ThinkingDelimiters;
  }[];
  readonly prompts: readonly GeneratePrompt[];
  readonly contextTokens: number;
  /** Ids of the tokenizer. */
  readonly choosableIds: number;
  readonly answerTokens: number;
  readonly seed: number;
  /** GPUs of the launcher; without them a stand-in serves on CPUs. */
  readonly gpus: number;
}

/** What is the same for each try. */
export interface GenerateBundle {
  readonly job: GenerateJob;
  readonly files: readonly BundleFile[];
  readonly requirements: string;
}

/** Prompts asked at once: as many as keep vLLM's batches full. */
const CONCURRENCY = 128;
/** A segment that breaks off is asked again from its start. */
const MAX_SEGMENT_TOKENS = 4096;

/** Gathers the bundle. Its configuration gets its time limit with each submission. */
export async function generateBundle(asking: Asking, name: string, world: LaunchedWorld): Promise<GenerateBundle> {
  const models = asking.models.map((each) => ({ ...each, ...inBundle(each.model, each.name) }));
  const job: GenerateJob = {
    schemaVersion: SCHEMA_VERSION,
    name,
    models: models.map(({ name: called, model, revision, delimiters }) => ({
      name: called,
      model,
      revision,
      delimiters: delimiterIds(delimiters),
    })),
    contextTokens: asking.contextTokens,
    choosableIds: asking.choosableIds,
    answerTokens: asking.answerTokens,
    prompts: "prompts.jsonl",
    output: "out",
    concurrency: CONCURRENCY,
    maxSegmentTokens: MAX_SEGMENT_TOKENS,
    server: { type: "auto", device: asking.gpus > 0 ? "auto" : "cpu", precision: "auto", tensorParallel: null },
    seed: asking.seed,
    stopAfterSeconds: null,
  };
  const prompts = asking.prompts.map((prompt) => `${JSON.stringify(prompt)}\n`).join("");
  const python = await world.pythonFiles();
  const files = [
    ...python.filter(({ path }) => PROGRAMS.includes(path)),
    await world.generateProgram(),
    { path: job.prompts, bytes: new TextEncoder().encode(prompts) },
    ...models.flatMap((each) => each.files),
  ];
  return { job, files, requirements: requirementsOf(python, asking.gpus > 0) };
}

/** The Python of a generate job. */
export const PROGRAMS = ["generate.py", "gpu_shares.py", "completions_server.py"];

/** On GPUs vLLM and Node; on CPUs the trainer's requirements, which the stand-in is made of, and Node. */
function requirementsOf(python: readonly BundleFile[], hasGpus: boolean): string {
  const text = (name: string): string => {
    const file = python.find(({ path }) => path === name);
    return file !== undefined && "bytes" in file ? new TextDecoder().decode(file.bytes) : "";
  };
  const whole = text("requirements-generate.txt");
  if (hasGpus) return whole;
  const withoutVllm = whole.split("\n").filter((line) => !line.startsWith("vllm"));
  return `${text("requirements.txt").trimEnd()}\n${withoutVllm.join("\n")}`;
}

/** Variables that a model on the hub is downloaded with, where they are set. */
const HUB_VARIABLES = ["HF_TOKEN", "HF_ENDPOINT"] as const;

/** One submission of the job. */
export function generateSpec(
  { job, files, requirements }: GenerateBundle,
  { stopAfterSeconds, timeoutSeconds, isAgain }: JobLimits & { readonly isAgain: boolean },
  { secrets }: Pick<LaunchedWorld, "secrets">,
): JobSpec {
  const config: GenerateJob = { ...job, stopAfterSeconds };
  const isOnHub = job.models.some(({ revision }) => revision !== null);
  const variables = (isOnHub ? HUB_VARIABLES : []).flatMap((name) => {
    const value = secrets(name);
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  return {
    name: job.name,
    files: [...files, { path: "job.json", bytes: new TextEncoder().encode(`${JSON.stringify(config)}\n`) }],
    program: "generate.py",
    args: ["job.json"],
    isDistributed: false,
    ...(isAgain ? { again: true } : {}),
    requirements,
    environment: Object.fromEntries(variables),
    timeoutSeconds,
  };
}
