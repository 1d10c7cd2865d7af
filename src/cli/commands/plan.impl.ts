import { dirname } from "node:path";
import { DEFAULT_HUB } from "../../adapters/datasets/hub/hub-http.ts";
import type { HfHardware } from "../../adapters/launchers/hf-jobs-client.ts";
import { AppError } from "../../core/errors.ts";
import { formatUsd } from "../../ledger/money.ts";
import type { PriceOverride } from "../../ledger/price-override.ts";
import { type LoadedRecipe, recipeSeenFrom } from "../../pipeline/load-recipe.ts";
import { planCost } from "../../pipeline/plan-cost.ts";
import { readPlanFacts } from "../../pipeline/plan-facts.ts";
import { planRun } from "../../pipeline/plan-run.ts";
import type { PilotOutcome } from "../../pipeline/run-pilot.ts";
import type { RunRequest } from "../../pipeline/run-request.ts";
import type { RunServices } from "../../pipeline/services.ts";
import type { AcceptedTerms } from "../../schema/manifest.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { counted } from "../../report/number-format.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { hubAccess } from "../hub-access.ts";
import { describeCostPlan } from "../cost-plan-text.ts";
import { hardwareLines } from "../hardware-text.ts";
import { reproduction } from "../execute-run.ts";
import { loadWithFlags, runFolderOf, type TargetFlags, termsOfRun } from "../recipe-target.ts";
import { shellQuote } from "../shell-quote.ts";
import { untilInterrupted } from "../until-interrupted.ts";

interface PlanFlags extends CommonFlags, TargetFlags {
  readonly price?: readonly PriceOverride[];
  readonly pilot?: number;
  readonly acceptTerms?: readonly string[];
  readonly hardware: boolean;
}

/** What is planned. */
interface Target {
  readonly loaded: LoadedRecipe;
  readonly folder: string;
  /** The command that makes the run. */
  readonly command: string;
  /** Now, and when the run began. */
  readonly acceptedTerms: AcceptedTerms[];
}

/** Says what a recipe will cost. */
export default presenting<PlanFlags, [string]>(async (context, flags, name) => {
  const loaded = await loadWithFlags(context, { ...flags, mayLackBase: flags.pilot === undefined }, name);
  const { recipe, baseFolder, path } = loaded;
  const folder = runFolderOf(context, flags, recipe);
  const command = reproduction(flags, { command: `grappa run ${shellQuote(name)}` }, loaded);
  const acceptedTerms = await termsOfRun(context, folder, { recipe, acceptTerms: flags.acceptTerms });
  const target = { loaded, folder, command, acceptedTerms };
  const services = await openStages(context, flags, target);
  try {
    const request = services === undefined ? undefined : requestOf(context, services, target);
    const pilot = request && flags.pilot !== undefined ? await askPilot(context, flags, request) : undefined;
    const facts = await readPlanFacts(context.fs, {
      recipe,
      recipeFolder: dirname(path),
      baseFolder,
      runFolder: folder,
      planned: request === undefined ? [] : await planRun(request, context.fs),
      now: new Date(context.clock.date()),
      overrides: flags.price ?? [],
    });
    const plan = planCost(recipe, { ...facts, solved: [...(pilot?.solved ?? []), ...facts.solved] });
    const hardware = flags.hardware ? await askHardware(context, recipe) : null;
    const text = [describeCostPlan(plan), ...(hardware === null ? [] : ["", ...hardwareLines(hardware)])].join("\n");
    return { json: { ...plan, pilot: pilot ?? null, hardware }, text };
  } finally {
    await services?.close();
  }
});

/** What Hugging Face Jobs has to rent now; the launcher's own hub where the recipe names one. */
async function askHardware(context: CliContext, { train: { launcher } }: Recipe): Promise<readonly HfHardware[]> {
  const { listHfHardware } = await import("../../adapters/launchers/hf-jobs-client.ts");
  const own = launcher?.type === "hf-jobs" ? launcher.hubUrl : undefined;
  const hubUrl = own ?? (hubAccess(context).endpoint || DEFAULT_HUB);
  return await untilInterrupted(context, "the same command asks again", (signal) => listHfHardware(hubUrl, signal));
}

/** The run's stages; none where its base is not here, which a plan without a pilot can do without. */
async function openStages(
  context: CliContext,
  { price = [], pilot }: PlanFlags,
  { loaded: { recipe, baseFolder, path }, folder, acceptedTerms }: Target,
): Promise<RunServices | undefined> {
  const { services, settings, fs, secrets } = context;
  const folders = { baseFolder, recipeFolder: dirname(path), runFolder: folder };
  const options = {
    recipe,
    ...folders,
    threads: settings.threads,
    fs,
    secrets,
    hub: hubAccess(context),
    cacheFolder: settings.cacheFolder,
  };
  try {
    return await services.openRun({ ...options, prices: price, acceptedTerms: namesOf(acceptedTerms) });
  } catch (error) {
    if (pilot === undefined && error instanceof AppError && error.code === "model-missing") return undefined;
    throw error;
  }
}

function requestOf(
  { version, machine }: CliContext,
  { stages, facts }: RunServices,
  { loaded, folder, command, acceptedTerms }: Target,
): Omit<RunRequest, "signal"> {
  const tools = { grappa: version, node: String(machine.nodeVersion) };
  return {
    folder,
    recipe: recipeSeenFrom(folder, loaded),
    baseFolder: loaded.baseFolder,
    stages,
    facts,
    tools,
    command,
    acceptedTerms,
  };
}

const namesOf = (terms: readonly AcceptedTerms[]): string[] => terms.map(({ provider }) => provider);

/** Asks about some questions first, and says on standard error what that came to. */
async function askPilot(
  context: CliContext,
  { pilot = 0, price = [] }: PlanFlags,
  request: Omit<RunRequest, "signal">,
): Promise<PilotOutcome> {
  const { stderr } = context.process;
  const { fs, clock, processes, machine, secrets } = context;
  const { runPilot } = await import("../../pipeline/run-pilot.ts");
  const { teacherWorld } = await import("../../pipeline/open-services.ts");
  const world = teacherWorld({
    secrets,
    runFolder: request.folder,
    prices: price,
    acceptedTerms: namesOf(request.acceptedTerms ?? []),
  });
  const warn = (message: string): void => stderr.write(`warning: ${message}\n`);
  stderr.write(`pilot: asking about ${counted(pilot, "question")}\n`);
  const hint = "what was bought is kept: the same command goes on from there";
  const outcome = await untilInterrupted(context, hint, (signal) =>
    runPilot(
      { request: { ...request, signal }, questions: pilot, world, warn },
      { fs, clock, processes, machine, observe: () => undefined },
    ),
  );
  stderr.write(`pilot: ${counted(outcome.questions, "question")}, ${formatUsd(outcome.spentMicroUsd)} spent\n`);
  return outcome;
}
