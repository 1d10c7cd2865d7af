/** @file A run's row and its overview, from its small files. */
import { funnelOf } from "../../report/view/funnel.ts";
import { type EarlierRun, type Forecast, forecastOf } from "../../report/page/forecast.ts";
import type { RunOverview, StageRow } from "../../report/page/run-overview.ts";
import { type RunRow, type RunState, type StageProgressView, unreadableRow } from "../../report/page/run-list.ts";
import { STAGE_NAMES } from "../../schema/manifest.ts";
import type { Spending } from "../../ledger/spending.ts";
import { microUsdFromUsd } from "../../ledger/money.ts";
import type { StageStatus } from "../run-status.ts";
import { paceOf, progressOfTry } from "./event-log.ts";
import type { PageReader } from "./page-reader.ts";
import { readFunnelStages } from "./read-funnel.ts";
import type { RunSwitches } from "./run-switches.ts";
import { presentStage, type RunFacts, studentOf } from "./run-facts.ts";

const MOST_WARNINGS = 20;

/** The run as a row of the list. */
export function rowOf(facts: RunFacts, spending: Spending, switches: RunSwitches): RunRow {
  const { name, recipe, result, stages, events } = facts;
  const present = presentStage(facts);
  return {
    name,
    state: stateOf(facts),
    problem: facts.problem ?? (present?.status === "failed" ? present.note : switches.failureOf(facts)),
    recipe: recipe?.name ?? null,
    student: studentOf(facts),
    doneStages: stages.filter(({ status }) => status === "done").length,
    stage: present?.stage ?? null,
    progress: present === undefined ? null : progressOf(facts, present),
    spentMicroUsd: spending.spentMicroUsd,
    capMicroUsd: recipe === undefined ? null : microUsdFromUsd(recipe.maxUsd),
    base: result?.base ?? null,
    score: result === undefined ? null : shareOf(result.student),
    seconds: stages.reduce((sum, { seconds }) => sum + seconds, 0),
    startedAt: events[0]?.at ?? null,
    lastAt: events.at(-1)?.at ?? null,
    control: switches.controlOf(facts),
  };
}

function shareOf({ accuracy, n, interval }: NonNullable<RunRow["score"]>): RunRow["score"] {
  return { accuracy, n, interval };
}

/** Where a run stands. */
export function stateOf(facts: RunFacts): RunState {
  if (facts.pid !== null) return "running";
  if (facts.manifest !== undefined) return "finished";
  return presentStage(facts)?.status === "failed" ? "failed" : "stopped";
}

function progressOf({ events }: RunFacts, { stage, status }: StageStatus): StageProgressView | null {
  if (status === "done" || status === "waiting") return null;
  const last = progressOfTry(events, stage).at(-1);
  if (last?.total === undefined) return null;
  return { done: last.done ?? 0, total: last.total, unit: last.unit ?? "" };
}

/** Seconds of the present try at a stage, which has no timing yet; 0 where none is under way. */
function elapsed({ events }: RunFacts, { stage, status }: StageStatus, nowMs: number): number {
  if (status !== "running") return 0;
  const start = events.filter((event) => event.type === "stage-start" && event.stage === stage).at(-1);
  return start === undefined ? 0 : Math.max(0, nowMs - Date.parse(start.at)) / 1000;
}

/** The run's first view. */
export async function overviewOf(facts: RunFacts, reader: PageReader): Promise<RunOverview> {
  const { folder, pid, header, stages, events, result } = facts;
  return {
    ...rowOf(facts, await reader.spending(facts), reader.switches),
    folder,
    pid,
    command: header.command,
    createdBy: header.createdBy,
    stages: stages.map(
      (stage): StageRow => ({
        ...stage,
        seconds: stage.seconds + elapsed(facts, stage, Date.parse(reader.ports.clock.date())),
        progress: progressOf(facts, stage),
      }),
    ),
    forecast: await forecast(facts, reader),
    warnings: events
      .filter(({ type }) => type === "warning")
      .slice(-MOST_WARNINGS)
      .map(({ at, note }) => ({ at, text: note ?? "" })),
    funnel: funnelOf(await readFunnelStages(facts, reader)),
    verdict: result?.verdict.sentence ?? null,
  };
}

/** The overview of a run of which nothing can be said but why. */
export function unreadableOverview(name: string, folder: string, problem: string): RunOverview {
  return {
    ...unreadableRow(name, problem),
    folder,
    pid: null,
    command: null,
    createdBy: null,
    stages: [],
    forecast: null,
    warnings: [],
    funnel: [],
    verdict: null,
  };
}

async function forecast(facts: RunFacts, reader: PageReader): Promise<Forecast | null> {
  const present = presentStage(facts);
  if (facts.pid === null || present?.status !== "running") return null;
  const later = facts.stages.filter(
    ({ stage, status }) => status === "waiting" && STAGE_NAMES.indexOf(stage) > STAGE_NAMES.indexOf(present.stage),
  );
  return forecastOf({
    stage: present.stage,
    pace: paceOf(facts.events, present.stage),
    later: later.map(({ stage }) => stage),
    earlier: await earlierRun(facts, reader),
    nowMs: Date.parse(reader.ports.clock.date()),
  });
}

/** The finished run of the same recipe in which something happened last; null where there is none. */
async function earlierRun({ name, recipe }: RunFacts, reader: PageReader): Promise<EarlierRun | null> {
  if (recipe === undefined) return null;
  const { runs } = await reader.list();
  const found = runs.find((run) => run.state === "finished" && run.recipe === recipe.name && run.name !== name);
  if (found === undefined) return null;
  const { stages } = await reader.facts(found.name);
  return { name: found.name, seconds: new Map(stages.map(({ stage, seconds }) => [stage, seconds])) };
}
