/** @file Where the money of a run went, what is held, what is left, and what its results came to. Pure. */
import { type Spending, type SpendingRow, type SpendingSums, spentIn } from "../../ledger/spending.ts";
import type { ShareOfRight } from "./run-list.ts";

/** What one account spent with one model; amounts in micro-dollars, each in one column alone. */
export interface MoneyRow {
  readonly account: string;
  readonly model: string;
  readonly calls: number;
  readonly freeCalls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Billed by reported usage. */
  readonly measuredMicroUsd: number;
  /** Billed, counted by us. */
  readonly estimatedMicroUsd: number;
  /** Worst case of requests without an end. */
  readonly heldMicroUsd: number;
  /** No reply was seen, and the request has ended: the worst case counts. */
  readonly unknownMicroUsd: number;
}

/** The ledger of a run, for a reader. */
export interface MoneyView {
  readonly run: string;
  readonly rows: readonly MoneyRow[];
  readonly total: Omit<MoneyRow, "account" | "model">;
  /** What the cap counts: settled, held and unknown together. */
  readonly spentMicroUsd: number;
  /** Null where no recipe stands in the folder. */
  readonly capMicroUsd: number | null;
  readonly leftMicroUsd: number | null;
  /** Requests that nobody ended. */
  readonly openRequests: number;
  /** Whether a process works on the run, so that what is held may be in flight. */
  readonly isRunning: boolean;
  /** Traces with a right answer; null while nothing was graded. */
  readonly rightTraces: number | null;
  /** What one of them came to: attempts, traces and judge together. Null where there is none. */
  readonly rightTraceMicroUsd: number | null;
  /** Null before the evaluation. */
  readonly rightAnswers: RightAnswers | null;
}

/** The student's right answers to held-out questions, and what one of them came to. */
export interface RightAnswers {
  readonly right: number;
  readonly n: number;
  /** The whole run's dollars over the right answers; null where there is none. */
  readonly microUsd: number | null;
}

/** What {@link moneyView} is made of. */
export interface MoneyFacts extends Spending {
  readonly run: string;
  readonly pid: number | null;
  readonly capMicroUsd: number | null;
  readonly leftMicroUsd: number | null;
  readonly open: readonly unknown[];
  readonly rightTraces: number | null;
  readonly rightTraceMicroUsd: number | null;
}

/** The ledger as the page shows it. */
export function moneyView(facts: MoneyFacts, score: ShareOfRight | null): MoneyView {
  const rows = mergeOutcomes(facts.rows);
  return {
    run: facts.run,
    rows,
    total: rows.reduce(addRows, EMPTY),
    spentMicroUsd: facts.spentMicroUsd,
    capMicroUsd: facts.capMicroUsd,
    leftMicroUsd: facts.leftMicroUsd,
    openRequests: facts.open.length,
    isRunning: facts.pid !== null,
    rightTraces: facts.rightTraces,
    rightTraceMicroUsd: facts.rightTraceMicroUsd,
    rightAnswers: rightAnswersOf(score, facts.spentMicroUsd),
  };
}

function rightAnswersOf(score: ShareOfRight | null, spentMicroUsd: number): RightAnswers | null {
  if (score === null || score.accuracy === null) return null;
  const right = Math.round(score.accuracy * score.n);
  return { right, n: score.n, microUsd: right === 0 ? null : Math.ceil(spentMicroUsd / right) };
}

const EMPTY: MoneyView["total"] = {
  calls: 0,
  freeCalls: 0,
  promptTokens: 0,
  completionTokens: 0,
  measuredMicroUsd: 0,
  estimatedMicroUsd: 0,
  heldMicroUsd: 0,
  unknownMicroUsd: 0,
};

/** One row for each account and model, in the order in which they first spent. */
function mergeOutcomes(rows: readonly SpendingRow[]): MoneyRow[] {
  const merged = new Map<string, MoneyRow>();
  for (const row of rows) {
    const model = `${row.provider}/${row.model}`;
    const name = JSON.stringify([row.account, model]);
    const before = merged.get(name) ?? { account: row.account, model, ...EMPTY };
    merged.set(name, { ...before, ...addRows(before, columnsOf(row, row.outcome === "open")) });
  }
  return [...merged.values()];
}

function columnsOf(sums: SpendingSums, isOpen: boolean): MoneyView["total"] {
  const { calls, freeCalls, promptTokens, completionTokens, measuredMicroUsd, estimatedMicroUsd } = sums;
  const counts = { calls, freeCalls, promptTokens, completionTokens };
  if (isOpen)
    return { ...counts, measuredMicroUsd: 0, estimatedMicroUsd: 0, heldMicroUsd: spentIn(sums), unknownMicroUsd: 0 };
  return { ...counts, measuredMicroUsd, estimatedMicroUsd, heldMicroUsd: 0, unknownMicroUsd: sums.unknownMicroUsd };
}

function addRows(a: MoneyView["total"], b: MoneyView["total"]): MoneyView["total"] {
  return {
    calls: a.calls + b.calls,
    freeCalls: a.freeCalls + b.freeCalls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    measuredMicroUsd: a.measuredMicroUsd + b.measuredMicroUsd,
    estimatedMicroUsd: a.estimatedMicroUsd + b.estimatedMicroUsd,
    heldMicroUsd: a.heldMicroUsd + b.heldMicroUsd,
    unknownMicroUsd: a.unknownMicroUsd + b.unknownMicroUsd,
  };
}
