/** @file A ledger for people. */
import { formatUsd } from "../ledger/money.ts";
import { type SpendingSums, spentIn } from "../ledger/spending.ts";
import type { OpenPurchase, Reconciliation, RunSpending } from "../pipeline/run-spending.ts";
import { count, counted } from "../report/number-format.ts";
import { printable } from "./printable.ts";
import { shellQuote } from "./shell-quote.ts";
import { alignColumns } from "./text-table.ts";

const HEADINGS = [
  "stage",
  "model",
  "outcome",
  "calls",
  "tokens in",
  "tokens out",
  "thinking",
  "measured",
  "estimated",
  "possibly paid",
  "free calls",
];
const ALIGN = "lllrrrrrrrr";
/** So many open requests are listed one by one. */
const MOST_LISTED = 20;

/**
 * Where the money went.
 *
 * @param place the folder as a command line takes it
 */
export function describeSpending(spending: RunSpending, place: string): string {
  const { rows, total } = spending;
  const table = rows.map((row) => [row.account, `${row.provider}/${row.model}`, row.outcome, ...cells(row)]);
  return [
    headline(spending),
    "",
    ...(rows.length === 0
      ? []
      : [...alignColumns([HEADINGS, ...table, ["whole", "", "", ...cells(total)]], ALIGN), ""]),
    tracePrice(spending),
    ...openLines(spending, place),
  ]
    .map(printable)
    .join("\n");
}

function headline({ run, spentMicroUsd, capMicroUsd, leftMicroUsd }: RunSpending): string {
  const spent = formatUsd(spentMicroUsd);
  if (capMicroUsd === null || leftMicroUsd === null) return `${run}: ${spent} spent`;
  const over = spentMicroUsd - capMicroUsd;
  const rest = over > 0 ? `${formatUsd(over)} over` : `${formatUsd(leftMicroUsd)} left`;
  return `${run}: ${spent} spent of at most ${formatUsd(capMicroUsd)}, ${rest}`;
}

/** Counts and amounts; what is not there is a dash, so that a column shows at a glance whether it matters. */
function cells(sums: SpendingSums): string[] {
  const amount = (microUsd: number): string => (microUsd === 0 ? "–" : formatUsd(microUsd));
  const number = (value: number): string => (value === 0 ? "–" : count(value));
  return [
    count(sums.calls),
    number(sums.promptTokens),
    number(sums.completionTokens),
    number(sums.reasoningTokens),
    amount(sums.measuredMicroUsd),
    amount(sums.estimatedMicroUsd),
    amount(sums.unknownMicroUsd),
    number(sums.freeCalls),
  ];
}

function tracePrice({ rows, total, rightTraces, rightTraceMicroUsd }: RunSpending): string {
  if (rows.length === 0) return "nothing was bought";
  if (spentIn(total) === 0) return "all of it was free";
  if (rightTraces === null) return "a right trace: not known before the traces are graded";
  if (rightTraceMicroUsd === null) return "a right trace: there is none yet";
  return `a right trace: ${formatUsd(rightTraceMicroUsd)} (attempts, traces and judge over ${counted(rightTraces, "right trace")})`;
}

function openLines({ open, pid }: RunSpending, place: string): string[] {
  const paid = open.filter(({ worstCaseMicroUsd }) => worstCaseMicroUsd > 0);
  if (pid !== null && paid.length > 0)
    return [`${withoutReply(paid)}: in flight in process ${pid}, or left by an earlier one`];
  const lost = paid.filter(({ underWay }) => underWay === null);
  return [
    ...(lost.length === 0
      ? []
      : [
          `${withoutReply(lost)}: possibly paid`,
          ...listed(lost),
          `look at the provider's bill, then: grappa ledger ${place} --reconcile [--billed USD]`,
        ]),
    ...underWayLines(paid, place),
  ];
}

const withoutReply = (open: readonly OpenPurchase[]): string =>
  `${counted(open.length, "request")} without a reply, counted at ${formatUsd(sumOf(open))}`;

/** What may go on at a provider, a line for each batch, fine-tune and job; nothing where nothing does. */
function underWayLines(open: readonly OpenPurchase[], place: string): string[] {
  const jobs = new Map<string, OpenPurchase[]>();
  for (const one of open.filter(({ underWay }) => underWay !== null))
    jobs.set(`${one.batch}`, [...(jobs.get(`${one.batch}`) ?? []), one]);
  if (jobs.size === 0) return [];
  const lines = [...jobs.values()].map((parts) => [...jobCells(parts), `at most ${formatUsd(sumOf(parts))}`]);
  const fineTune = [...jobs].find(
    ([, parts]) => parts[0]?.underWay === "fine-tune" || parts[0]?.underWay === "job",
  )?.[0];
  return [
    "may go on at the provider, and left to the next run, which takes what it brings:",
    ...cutList(lines, "lllr"),
    ...(fineTune === undefined
      ? []
      : [
          `one that ended, and that no run will look for: grappa ledger ${place} --reconcile --job ${shellQuote(fineTune)} [--billed USD]`,
        ]),
  ];
}

function jobCells(parts: readonly OpenPurchase[]): string[] {
  const [{ account, provider, model, batch, underWay }] = parts as readonly [OpenPurchase];
  const what = {
    "fine-tune": `fine-tune ${batch}`,
    job: `job ${batch} on rented GPUs`,
    batch: `${counted(parts.length, "request")} in a batch`,
  }[underWay ?? "batch"];
  return [`  ${account}`, `${provider ?? "unknown"}/${model ?? "unknown"}`, what];
}

function listed(open: readonly OpenPurchase[]): string[] {
  const lines = open.map(({ account, provider, model, questionId, worstCaseMicroUsd }) => [
    `  ${account}`,
    `${provider ?? "unknown"}/${model ?? "unknown"}`,
    questionId === null ? "" : `question ${questionId}`,
    `at most ${formatUsd(worstCaseMicroUsd)}`,
  ]);
  return cutList(lines, "lllr");
}

function cutList(lines: readonly string[][], align: string): string[] {
  const more = lines.length > MOST_LISTED ? [`  and ${count(lines.length - MOST_LISTED)} more (--json lists all)`] : [];
  return [...alignColumns(lines.slice(0, MOST_LISTED), align), ...more];
}

const sumOf = (open: readonly OpenPurchase[]): number =>
  open.reduce((total, { worstCaseMicroUsd }) => total + worstCaseMicroUsd, 0);

/**
 * What reconciling did.
 *
 * @param place the folder as a command line takes it
 */
export function describeReconciliation(done: Reconciliation, place: string): string {
  const { run, reconciled, spared, worstCaseMicroUsd, billedMicroUsd } = done;
  const ended =
    reconciled.length === 0
      ? [`${run}: no request is open${spared.length === 0 ? "" : " that can be ended"}; nothing was written`]
      : [
          `${run}: ${counted(reconciled.length, "request")} ended`,
          ...listed(reconciled),
          `counted at ${formatUsd(worstCaseMicroUsd)} before, at ${formatUsd(billedMicroUsd)} now`,
        ];
  return [...ended, ...underWayLines(spared, place)].map(printable).join("\n");
}
