/** @file Where the money went: purchases added up by account, model and outcome, each amount by how it is known. Pure. */
import type { Usage } from "../schema/records.ts";
import type { CostBasis } from "./ledger.ts";

/** A purchase as a journal tells it, as far as it is added up here. */
export interface SpentPurchase {
  readonly account: string;
  readonly provider: string | null;
  readonly model: string | null;
  /** Such as `reply`, `truncated`, `malformed`, `unpaid`, `open`, `reconciled`, `charge`. */
  readonly outcome: string;
  readonly costMicroUsd: number;
  /** Null where nothing was paid. */
  readonly basis: CostBasis | null;
  readonly usage: Usage | null;
}

/** Sums of some purchases. Amounts in micro-dollars; each is in one column alone. */
export interface SpendingSums {
  readonly calls: number;
  readonly promptTokens: number;
  /** Thinking included. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
  /** Reported by the provider. */
  readonly measuredMicroUsd: number;
  /** Counted by us. */
  readonly estimatedMicroUsd: number;
  /** Possibly paid: no reply was seen, so the worst case counts. */
  readonly unknownMicroUsd: number;
  /** Calls that cost nothing. */
  readonly freeCalls: number;
}

/** Sums of one account, model and outcome. */
export interface SpendingRow extends SpendingSums {
  readonly account: string;
  readonly provider: string;
  readonly model: string;
  readonly outcome: string;
}

/** The whole. */
export interface Spending {
  /** Ordered as the purchases first came. */
  readonly rows: readonly SpendingRow[];
  readonly total: SpendingSums;
  readonly spentMicroUsd: number;
}

type MutableSums = { -readonly [K in keyof SpendingSums]: number };
const COLUMN = {
  measured: "measuredMicroUsd",
  estimated: "estimatedMicroUsd",
  unknown: "unknownMicroUsd",
} as const satisfies Record<CostBasis, keyof SpendingSums>;

const emptySums = (): MutableSums => ({
  calls: 0,
  promptTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
  measuredMicroUsd: 0,
  estimatedMicroUsd: 0,
  unknownMicroUsd: 0,
  freeCalls: 0,
});

/** Adds purchases up. What journals of before accounts do not say is `unknown`. */
export function sumSpending(purchases: Iterable<SpentPurchase>): Spending {
  const rows = new Map<string, MutableSums & Pick<SpendingRow, "account" | "provider" | "model" | "outcome">>();
  const total = emptySums();
  for (const purchase of purchases) {
    const { account, outcome } = purchase;
    const [provider, model] = [purchase.provider ?? "unknown", purchase.model ?? "unknown"];
    const name = JSON.stringify([account, provider, model, outcome]);
    let row = rows.get(name);
    if (row === undefined) rows.set(name, (row = { account, provider, model, outcome, ...emptySums() }));
    for (const sums of [row, total]) add(sums, purchase);
  }
  return { rows: [...rows.values()], total, spentMicroUsd: spentIn(total) };
}

function add(sums: MutableSums, { costMicroUsd, basis, usage }: SpentPurchase): void {
  sums.calls += 1;
  if (costMicroUsd === 0 || basis === null) sums.freeCalls += 1;
  else sums[COLUMN[basis]] += costMicroUsd;
  sums.promptTokens += usage?.promptTokens ?? 0;
  sums.completionTokens += usage?.completionTokens ?? 0;
  sums.reasoningTokens += usage?.reasoningTokens ?? 0;
}

/** Micro-dollars of some sums, what is only possibly paid included: the cap counts it too. */
export function spentIn({ measuredMicroUsd, estimatedMicroUsd, unknownMicroUsd }: SpendingSums): number {
  return measuredMicroUsd + estimatedMicroUsd + unknownMicroUsd;
}

/** Accounts whose money a verified trace has cost. */
const TRACE_ACCOUNTS: readonly string[] = ["attempt", "trace", "judge"];

/**
 * Micro-dollars that a right trace came to: all that attempts, teachers and judge took, over the right traces, rounded up.
 * Null where there is none.
 */
export function verifiedTraceMicroUsd({ rows }: Spending, rightTraces: number): number | null {
  if (rightTraces === 0) return null;
  const spent = rows
    .filter(({ account }) => TRACE_ACCOUNTS.includes(account))
    .reduce((sum, row) => sum + spentIn(row), 0);
  return Math.ceil(spent / rightTraces);
}

/**
 * Spreads a billed amount over requests in proportion to their worst cases (evenly where none has one): whole micro-dollars
 * that add up to it exactly.
 */
export function spreadBill(billedMicroUsd: number, worstCases: readonly number[]): number[] {
  const sum = worstCases.reduce((total, one) => total + one, 0);
  const weights = sum === 0 ? worstCases.map(() => 1) : worstCases;
  const whole = BigInt(sum === 0 ? worstCases.length : sum);
  let before = 0n;
  return weights.map((weight) => {
    const from = (BigInt(billedMicroUsd) * before) / (whole || 1n);
    before += BigInt(weight);
    return Number((BigInt(billedMicroUsd) * before) / (whole || 1n) - from);
  });
}
