/** @file What `grappa demo` and `grappa run` share: from a recipe to a finished run and its result. */
import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import type { PriceOverride } from "../ledger/price-override.ts";
import { confirmCost } from "./confirm-cost.ts";
import { type LoadedRecipe, recipeSeenFrom } from "../pipeline/load-recipe.ts";
import { bringBaseWeights } from "../pipeline/hub-base.ts";
import { type ControlPlan, controlRecipes } from "../pipeline/control-recipes.ts";
import { runControls } from "../pipeline/run-controls.ts";
import { type PlannedStage, planRun } from "../pipeline/plan-run.ts";
import type { RunObserver } from "../pipeline/run-events.ts";
import { type RunOutcome, runPipeline } from "../pipeline/run-pipeline.ts";
import type { RunRequest } from "../pipeline/run-request.ts";
import { STAGE_NAMES, type StageName } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import type { CommandResult, CommonFlags } from "./command-result.ts";
import type { CliContext } from "./context.ts";
import { describeError, errorAsJson } from "./error-text.ts";
import { hubAccess } from "./hub-access.ts";
import { showProgress } from "./progress.ts";
import { loadWithFlags, runFolderOf, type TargetFlags, termsOfRun } from "./recipe-target.ts";
import { shellQuote } from "./shell-quote.ts";
import { shownPath } from "./shown-path.ts";

/** Flags of the commands that run a recipe. */
export interface RunFlags extends CommonFlags, TargetFlags {
  readonly threads?: number;
  readonly until?: StageName;
  readonly from?: StageName;
  readonly update: boolean;
  readonly verify: boolean;
  readonly plan: boolean;
  readonly controls: boolean;
}

/** Flags of a run that may spend money. */
export interface SpendFlags {
  readonly price?: readonly PriceOverride[];
  readonly acceptTerms?: readonly string[];
  readonly retryFailed: boolean;
  readonly yes: boolean;
}

/** Which recipe, and how the command line called it. */
export interface RunTarget {
  /** Path or name of the recipe. */
  readonly recipe: string;
  /** The command without flags, for messages: "grappa demo". */
  readonly command: string;
  /** The flag that runs everything again. */
  readonly redo: string;
  /** Throws away an earlier run's outputs, and what it paid for. */
  readonly isFresh: boolean;
  /** Stops at the first bad row of a data set. */
  readonly strict?: boolean;
  /** What the command line says of money; absent for a run that is free. */
  readonly spending?: SpendFlags;
  /** Says what came of a run up to a stage, instead of how far it is; `command` goes on with it. */
  readonly describe?: (folder: string, command: string) => Promise<CommandResult>;
}

/** Runs a recipe as the flags say; the result is the run's, or what `--plan` found out. */
export async function executeRun(context: CliContext, flags: RunFlags, target: RunTarget): Promise<CommandResult> {
  refuseEmptyRange(flags);
  refuseControlsOfAPart(flags);
  const update = flags.update || target.isFresh;
  const loaded = await loadWithFlags(context, { ...flags, update, strict: target.strict ?? false }, target.recipe);
  if (flags.controls) refuseControlsElsewhere(loaded.recipe);
  const folder = runFolderOf(context, flags, loaded.recipe);
  const threads = flags.threads ?? context.settings.threads;
  const prices = target.spending?.price ?? [];
  const acceptedTerms = await termsOfRun(context, target.isFresh ? undefined : folder, {
    recipe: loaded.recipe,
    acceptTerms: target.spending?.acceptTerms,
  });
  const isHere = loaded.recipe.train.launcher === undefined;
  if (isHere) await bringBaseWeights(loaded.recipe, hubAccess(context));
  const services = await context.services.openRun({
    recipe: loaded.recipe,
    baseFolder: loaded.baseFolder,
    threads,
    fs: context.fs,
    secrets: context.secrets,
    recipeFolder: dirname(loaded.path),
    runFolder: folder,
    hub: hubAccess(context),
    cacheFolder: context.settings.cacheFolder,
    prices,
    acceptedTerms: acceptedTerms.map(({ provider }) => provider),
  });
  try {
    const request = {
      folder,
      recipe: recipeSeenFrom(folder, loaded),
      baseFolder: loaded.baseFolder,
      stages: services.stages,
      facts: services.facts,
      tools: { grappa: context.version, node: String(context.machine.nodeVersion) },
      verification: flags.verify ? "hashes" : "sizes",
      mayChange: flags.update,
      isFresh: target.isFresh,
      acceptedTerms,
      retryFailed: target.spending?.retryFailed ?? false,
      command: reproduction(flags, target, loaded),
      ...(flags.until === undefined ? {} : { until: flags.until }),
      ...(flags.from === undefined ? {} : { from: flags.from }),
    } as const;
    if (flags.plan) {
      const planned = (await planRun(request, context.fs)).filter(isWanted(flags.until));
      return describePlan(folder, planned, flags.controls ? controlRecipes(loaded.recipe, undefined) : undefined);
    }
    await confirmCost(context, { request, loaded, prices, isSure: target.spending?.yes ?? false });
    if (services.notes.length > 0) context.process.stderr.write(`engine: ${services.notes.join(", ")}\n`);
    const { redo, describe } = target;
    return await runToResult(context, { request, redo, threads, hasControls: flags.controls, describe });
  } finally {
    await services.close();
  }
}

/** `--from` after `--until` would throw outputs away and make none. */
function refuseEmptyRange({ from, until }: RunFlags): void {
  if (from === undefined || isWanted(until)({ stage: from })) return;
  throw new AppError("usage", `--from ${from} comes after --until ${until}: nothing would run`, {
    hint: `the stages are ${STAGE_NAMES.join(", ")}, in this order`,
  });
}

function refuseControlsOfAPart({ controls, until }: RunFlags): void {
  if (!controls || until === undefined || until === "report") return;
  throw new AppError("usage", `--controls are compared with a finished run, and --until ${until} does not finish it`);
}

/** Each control is another fine-tune: on this machine it takes minutes, elsewhere it is bought. */
function refuseControlsElsewhere({ student, train: { launcher } }: Recipe): void {
  if (student.hosted === undefined && (launcher === undefined || launcher.type === "torchrun")) return;
  throw new AppError(
    "usage",
    "--controls train a student for each control, and this recipe's is trained elsewhere, for money",
  );
}

/** Whether a stage is not after the last one wanted. */
function isWanted(until: StageName | undefined): (planned: { readonly stage: StageName }) => boolean {
  return ({ stage }) => until === undefined || STAGE_NAMES.indexOf(stage) <= STAGE_NAMES.indexOf(until);
}

interface Prepared {
  readonly request: Omit<RunRequest, "signal">;
  readonly redo: string;
  readonly threads: number;
  readonly hasControls: boolean;
  readonly describe: RunTarget["describe"] | undefined;
}

async function runToResult(
  context: CliContext,
  { request, redo, threads, hasControls, describe }: Prepared,
): Promise<CommandResult> {
  const { fs, clock, processes, services } = context;
  const machine = { ...context.machine, threads };
  const { stderr } = context.process;
  const observe = showProgress({ write: (text) => stderr.write(text), clock, ...context.terminal });
  const outcome = await runUntilInterrupted(
    context,
    { ...request, observe: watchSkips(observe, stderr, hasControls ? undefined : redo) },
    async (whole) => {
      const ports = { fs, processes, clock, machine };
      const finished = await runPipeline(whole, { ...ports, observe: whole.observe });
      if (hasControls) await runControls(whole, { ...ports, observe }, (what) => stderr.write(`control ${what}\n`));
      return finished;
    },
  );
  if (describe !== undefined) return await describe(request.folder, request.command);
  const place = shownPath(context, request.folder);
  if (!outcome.isComplete) return describePartial(place, outcome, request.command);
  const { summary, lines, html } = await services.renderReport({ fs, folder: request.folder });
  return { json: summary, text: ["", ...lines, "", `  report: ${shownPath(context, html)}`].join("\n") };
}

/**
 * Tells in one line what was done before, also when that is all: a user who runs the demo twice expects to see something.
 *
 * @param redo the flag that runs everything again; undefined when more is to come
 */
function watchSkips(
  observe: RunObserver,
  stderr: { write(text: string): void },
  redo: string | undefined,
): RunObserver {
  const skipped: StageName[] = [];
  let hasRun = false;
  return (event) => {
    if (event.type === "stage-skip" && !hasRun) return void skipped.push(event.stage);
    if (event.type === "stage-start") {
      if (!hasRun && skipped.length > 0) stderr.write(`done before: ${skipped.join(", ")}\n`);
      hasRun = true;
    }
    observe(event);
    if (event.type === "run-end" && event.isComplete && !hasRun)
      stderr.write(
        `${event.run} is finished${redo === undefined ? "" : `; this is its result (${redo} runs it again)`}\n`,
      );
  };
}

type Watched = Prepared["request"] & { readonly observe: RunObserver };

async function runUntilInterrupted(
  context: CliContext,
  watched: Watched,
  work: (request: RunRequest & { readonly observe: RunObserver }) => Promise<RunOutcome>,
): Promise<RunOutcome> {
  const controller = new AbortController();
  const hint = `what is finished is kept; the same command goes on from there: ${watched.command}`;
  const stopListening = context.onInterrupt(() => {
    context.process.stderr.write("\nstopping (once more to stop at once)\n");
    controller.abort(
      new AppError("interrupted", `${shownPath(context, watched.folder)}: stopped by the user`, {
        hint,
        isRetryable: true,
      }),
    );
  });
  try {
    return await work({ ...watched, signal: controller.signal });
  } finally {
    stopListening();
  }
}

/** The command that makes the same run, on any machine. */
export function reproduction(
  flags: Pick<RunFlags, "set" | "run"> & { readonly controls?: boolean },
  { command }: Pick<RunTarget, "command">,
  { recipe }: LoadedRecipe,
): string {
  const sets = (flags.set ?? []).map(
    ({ path, value }) =>
      `--set ${shellQuote(`${path.join(".")}=${typeof value === "string" ? value : JSON.stringify(value)}`)}`,
  );
  const run = flags.run === undefined ? [] : [`--run ${shellQuote(flags.run)}`];
  const controls = flags.controls ? ["--controls"] : [];
  return [command, `--seed ${recipe.seed}`, ...sets, ...run, ...controls].join(" ");
}

function describePartial(place: string, { manifests }: RunOutcome, command: string): CommandResult {
  const stages = manifests.map(({ stage, key, notes }) => ({ stage, key, notes }));
  const last = manifests.at(-1)?.stage ?? "nothing";
  return {
    json: { run: place, isComplete: false, stages },
    text: `${place}: finished up to ${last}. Go on: ${command}`,
  };
}

function describePlan(
  folder: string,
  planned: readonly PlannedStage[],
  controls: ControlPlan | undefined,
): CommandResult {
  const words = {
    done: "done",
    run: "to run",
    resume: "to go on",
    "run-again": "damaged, to run again",
    later: "after these",
  } as const;
  const rows = planned.map(({ stage, status, work }) => `${stage.padEnd(10)} ${words[status].padEnd(11)} ${work}`);
  const stages = planned.map(({ stage, status, key, work, obstacle }) => ({
    stage,
    status,
    key: key ?? null,
    work,
    obstacle: obstacle === undefined ? null : errorAsJson(obstacle).error,
  }));
  const obstacles = planned.flatMap(({ stage, obstacle }) =>
    obstacle === undefined ? [] : [`${stage} cannot run yet: ${describeError(obstacle).replace(/^error: /, "")}`],
  );
  const beside = controls?.recipes.map(({ what }) => `control    after it    ${what}`) ?? [];
  const skipped = controls?.skipped.map(({ control, reason }) => `control    not to run  ${control}: ${reason}`) ?? [];
  return {
    json: {
      folder,
      stages,
      ...(controls && { controls: controls.recipes.map(({ what }) => what), skippedControls: controls.skipped }),
    },
    text: [`plan for ${folder}`, ...rows, ...beside, ...skipped, ...obstacles].join("\n"),
  };
}
