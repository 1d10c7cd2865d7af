/** @file What a training job takes along: the trainer, its configuration, the examples and their order, and a base that is a folder. */
import type { BundleFile, JobSpec } from "../../../adapters/launchers/launcher.ts";
import { readTokenizerFolder } from "../../../adapters/model-folder.ts";
import { AppError } from "../../../core/errors.ts";
import { Example } from "../../../schema/records.ts";
import type { TrainingJob } from "../../../schema/training-job.ts";
import type { Tokenizer } from "../../../tokenize/build-tokenizer.ts";
import { JOB_FILES, probePlaces, trainingJob } from "../../../train/training-job.ts";
import type { StageContext, StageInput } from "../../stage.ts";
import { EXAMPLES_FILE, ORDER_FILE } from "../tokenize.ts";
import type { JobLimits } from "./job-money.ts";
import type { LaunchedWorld } from "./launched-world.ts";
import { inBundle, jobBase } from "./models.ts";

/** Longer texts are cut for a probe: twenty whole traces would be a data set of their own. */
const PROBE_TOKENS = 1_000;

/** What is the same for each try of a job. */
export interface TrainingBundle {
  readonly job: TrainingJob;
  readonly files: readonly BundleFile[];
  readonly requirements: string;
}

/** Gathers the bundle. Its configuration gets its time limit with each submission. */
export async function trainingBundle(
  context: StageContext,
  name: string,
  world: LaunchedWorld,
): Promise<TrainingBundle> {
  const { recipe, baseFolder, input } = context;
  const tokenized = input("tokenize");
  const examples = tokenized.manifest.files.find(({ path }) => path === EXAMPLES_FILE)?.rows ?? 0;
  if (examples === 0)
    throw new AppError("usage", "nothing was selected: there is no example to train on", {
      hint: "look at `grappa status`, and at select in the recipe",
    });
  const { tokenizer } = await readTokenizerFolder(baseFolder);
  const base = inBundle(jobBase(context), JOB_FILES.base);
  const job = trainingJob(recipe, {
    name,
    model: base.model,
    revision: base.revision,
    examples,
    longestTokens: Number(tokenized.manifest.notes.longestTokens),
    probes: await probesOf(tokenized, tokenizer, examples),
    vocabularySize: tokenizer.vocabularySize,
    stopAfterSeconds: null,
  });
  const python = await world.pythonFiles();
  const files: BundleFile[] = [
    ...python,
    { path: JOB_FILES.examples, from: tokenized.path(EXAMPLES_FILE) },
    { path: JOB_FILES.order, from: tokenized.path(ORDER_FILE) },
    ...base.files,
  ];
  return { job, files, requirements: requirementsOf(python) };
}

function requirementsOf(python: readonly BundleFile[]): string {
  const file = python.find(({ path }) => path === "requirements.txt");
  return file !== undefined && "bytes" in file ? new TextDecoder().decode(file.bytes) : "";
}

/**
 * Texts of the examples, read back from their ids, and our ids for each: the question and the reply up to the first control
 * token. Not taken from the traces, so that the training depends on its examples alone.
 */
async function probesOf(tokenized: StageInput, tokenizer: Tokenizer, examples: number): Promise<TrainingJob["probes"]> {
  const places = new Set(probePlaces(examples));
  const control = new Set(tokenizer.addedTokens.values());
  const probes: TrainingJob["probes"] = [];
  let place = 0;
  for await (const { inputIds } of tokenized.streamRows(EXAMPLES_FILE, Example)) {
    if (places.has(place++)) probes.push(probeOf(longestPlain(inputIds, control), tokenizer));
  }
  return probes.filter(({ ids }) => ids.length > 0);
}

function probeOf(ids: readonly number[], tokenizer: Tokenizer): TrainingJob["probes"][number] {
  // A cut may split a character.
  const text = tokenizer.decode(ids.slice(0, PROBE_TOKENS)).replace(/\ufffd+$/, "");
  return tokenizer.hasControlSpelling(text) ? { text: "", ids: [] } : { text, ids: [...tokenizer.encodeUser(text)] };
}

/** The longest stretch of ids without control tokens. */
function longestPlain(ids: readonly number[], control: ReadonlySet<number>): readonly number[] {
  let best: readonly number[] = [];
  let from = 0;
  for (let i = 0; i <= ids.length; i++) {
    if (i < ids.length && !control.has(ids[i] as number)) continue;
    if (i - from > best.length) best = ids.slice(from, i);
    from = i + 1;
  }
  return best;
}

/** Variables that a base on the hub is downloaded with, where they are set. */
const HUB_VARIABLES = ["HF_TOKEN", "HF_ENDPOINT"] as const;

/** One submission of the job. */
export function trainingSpec(
  { job, files, requirements }: TrainingBundle,
  { stopAfterSeconds, timeoutSeconds, isAgain }: JobLimits & { readonly isAgain: boolean },
  { secrets }: Pick<LaunchedWorld, "secrets">,
): JobSpec {
  const config: TrainingJob = { ...job, stopAfterSeconds };
  const variables = job.revision === null ? [] : HUB_VARIABLES;
  return {
    name: job.name,
    files: [...files, { path: JOB_FILES.config, bytes: new TextEncoder().encode(`${JSON.stringify(config)}\n`) }],
    program: "train.py",
    args: [JOB_FILES.config],
    isDistributed: true,
    ...(isAgain ? { again: true } : {}),
    requirements,
    environment: Object.fromEntries(
      variables.flatMap((name) => {
        const value = secrets(name);
        return value === undefined || value === "" ? [] : [[name, value] as const];
      }),
    ),
    timeoutSeconds,
  };
}
