/**
 * @file Runs the controls of a finished run, in its own folder: stages that a control shares with the main line are not
 * run again, and nothing is bought twice. The main line's files are left as they are; what the controls found goes to
 * `controls.json`, which holds for one output of the main line's evaluation.
 */
import { z } from "zod";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { type ControlReplies, controlRows, type ControlSettings } from "../evaluate/control-rows.ts";
import { votesAtEqualTokens } from "../evaluate/majority-replies.ts";
import { type ControlName, ControlsRecord } from "../schema/controls.ts";
import { microUsdFromUsd } from "../ledger/money.ts";
import type { StageManifest } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { Completion, SCHEMA_VERSION, Score, type ThinkingSetting } from "../schema/records.ts";
import { settingKey } from "../evaluate/settings.ts";
import { controlRecipes } from "./control-recipes.ts";
import { orderStages } from "./order-stages.ts";
import { parseRecord } from "./parse-record.ts";
import { keepAccounts } from "./run-accounts.ts";
import { journalFolder, openRun, readRunManifest } from "./run-folder.ts";
import type { PipelinePorts, RunRequest } from "./run-request.ts";
import { settleStages, type Settling } from "./settle-stages.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";
import { openStageInput } from "./stage-files.ts";

const RECORD = "controls.json";
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Runs every control that is not done yet and writes `controls.json`.
 *
 * @param onControl told what is about to run
 * @throws AppError "file-missing" when the run is not finished; else as `runPipeline`.
 */
export async function runControls(
  request: RunRequest,
  ports: PipelinePorts,
  onControl: (what: string) => void,
): Promise<void> {
  const { folder, recipe, command, tools } = request;
  const options = { folder, recipe, version: tools.grappa ?? "unknown", command, mayChange: false, isFresh: false };
  const lock = await openRun(ports.fs, ports.processes, options);
  const keeper = keepAccounts({
    journalFolder: journalFolder(folder),
    capMicroUsd: microUsdFromUsd(recipe.maxUsd),
    warn: (message) => ports.observe({ type: "warning", message }),
  });
  try {
    const main = await readMainLine(ports.fs, folder);
    const settings = controlSettings(recipe, main.contextTokens);
    const plan = controlRecipes(recipe, votesFor(main.scores, settings));
    const replies: Partial<Record<ControlName, readonly Completion[]>> = {};
    for (const name of plan.isMain) replies[name] = main.completions;
    const stages: StageManifest[] = [];
    for (const control of plan.recipes) {
      onControl(control.what);
      const settled = await settleControl({ ...request, recipe: control.recipe }, ports, keeper.accounts);
      stages.push(...settled);
      const completions = await completionsOf(ports.fs, folder, settled);
      for (const name of control.controls) replies[name] = completions;
    }
    const record = { rows: rowsOf(main, replies, settings), skipped: [...plan.skipped], evaluate: main.outputHash };
    await writeRecord(ports.fs, folder, { ...record, stages: ownStages(stages, main.keys) });
  } finally {
    await keeper.close();
    await lock.release();
  }
}

/** The main line, as far as controls are compared with it. */
interface MainLine {
  readonly completions: readonly Completion[];
  readonly scores: readonly Score[];
  readonly contextTokens: number;
  readonly outputHash: string;
  readonly keys: ReadonlySet<string>;
}

const VerdictPlace = z.looseObject({ contextTokens: z.int() });

async function readMainLine(fs: FileSystem, folder: string): Promise<MainLine> {
  const run = await readRunManifest(fs, folder);
  const evaluated = run?.stages.find(({ stage }) => stage === "evaluate");
  if (!run || !evaluated)
    throw new AppError("file-missing", `${folder}: controls are compared with a finished run, and this one is not`);
  const place = stageFolder(folder, "evaluate", evaluated.key);
  const state = await inspectStage(fs, place, "sizes");
  if (state.status !== "done") throw new AppError("file-corrupt", `${place}: the evaluation is not whole`);
  const output = openStageInput(fs, place, state.manifest);
  return {
    completions: await output.readRows("completions.jsonl", Completion),
    scores: await output.readRows("scores.jsonl", Score),
    contextTokens: (await output.readJson("verdict.json", VerdictPlace)).contextTokens,
    outputHash: evaluated.outputHash,
    keys: new Set(run.stages.map(({ key }) => key)),
  };
}

function controlSettings({ evaluate }: Recipe, contextTokens: number): ControlSettings {
  const think = (waits: number): ThinkingSetting => ({ mode: "think", budgetTokens: contextTokens, waits });
  const [fewest] = [...evaluate.waits].sort((a, b) => a - b);
  return { natural: think(0), wait: fewest === undefined ? null : think(fewest) };
}

/** Samples that cost at least the tokens of thinking with Wait. */
function votesFor(scores: readonly Score[], { natural, wait }: ControlSettings): number {
  const tokensAt = (setting: ThinkingSetting): number =>
    scores.find(
      (score) =>
        score.model === "student" && score.family === "all" && settingKey(score.setting) === settingKey(setting),
    )?.thinkingTokens ?? 0;
  return wait === null ? 1 : votesAtEqualTokens(tokensAt(natural), tokensAt(wait));
}

function rowsOf(main: MainLine, replies: ControlReplies, settings: ControlSettings): ControlsRecord["rows"] {
  return controlRows(main.completions, replies, { settings, votes: votesFor(main.scores, settings) });
}

/** All stages up to the evaluation; those done before pass in silence, since the main line has just told of them. */
async function settleControl(
  request: RunRequest,
  ports: PipelinePorts,
  accounts: Settling["accounts"],
): Promise<StageManifest[]> {
  const stages = orderStages(request.stages, request.recipe).filter(({ name }) => name !== "report");
  const observe: PipelinePorts["observe"] = (event) => {
    if (event.type !== "stage-skip") ports.observe(event);
  };
  return await settleStages(stages, request, {
    ports: { ...ports, observe },
    accounts,
    beforeRun: () => Promise.resolve(),
  });
}

async function completionsOf(
  fs: FileSystem,
  folder: string,
  manifests: readonly StageManifest[],
): Promise<Completion[]> {
  const manifest = manifests.at(-1);
  if (manifest?.stage !== "evaluate") throw new Error("bug in grappa: a control ended without an evaluation");
  return await openStageInput(fs, stageFolder(folder, "evaluate", manifest.key), manifest).readRows(
    "completions.jsonl",
    Completion,
  );
}

/** Stages that only controls needed, each once. */
function ownStages(stages: readonly StageManifest[], mainKeys: ReadonlySet<string>): ControlsRecord["stages"] {
  const own = stages.filter(({ key }) => !mainKeys.has(key)).map(({ stage, key }) => [key, { stage, key }] as const);
  return [...new Map(own).values()];
}

async function writeRecord(
  fs: FileSystem,
  folder: string,
  record: Omit<ControlsRecord, "schemaVersion">,
): Promise<void> {
  const whole = ControlsRecord.parse({ schemaVersion: SCHEMA_VERSION, ...record });
  await fs.writeAtomic(joinPath(folder, RECORD), `${JSON.stringify(whole, null, 2)}\n`);
}

/**
 * What the controls found; undefined when they were not run, or were run beside another output of the evaluation.
 *
 * @param evaluate output hash of the main line's evaluation
 */
export async function readControls(
  fs: FileSystem,
  folder: string,
  evaluate: string | undefined,
): Promise<ControlsRecord | undefined> {
  const path = joinPath(folder, RECORD);
  if ((await fs.kind(path)) !== "file") return undefined;
  const record = parseRecord(await fs.readText(path, MAX_RECORD_BYTES), ControlsRecord, path);
  return record.evaluate === evaluate ? record : undefined;
}
