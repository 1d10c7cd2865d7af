/**
 * @file One pass over a journal's lines, which come in the order of time: an intent, and later what became of it. The
 * pass joins the two, so that a reader sees whole purchases and never lines.
 */
import { existsSync } from "node:fs";
import { AppError } from "../../core/errors.ts";
import type { CostBasis, Settlement } from "../../ledger/ledger.ts";
import type { FinishReason, Usage } from "../../schema/records.ts";
import { parseRecord } from "../store/jsonl.ts";
import { type FileLine, readLines } from "../store/read-lines.ts";
import { JournalLine } from "./journal-line.ts";

/**
 * What became of a purchase: a whole `reply`, a `truncated` one, a `malformed` one (paid for, useless), `unpaid`
 * (refused), still `open` (no reply was seen: possibly paid), `reconciled` by a person, or a `charge` that is no reply.
 */
export type PurchaseOutcome = "reply" | "truncated" | "malformed" | "unpaid" | "open" | "reconciled" | "charge";

/** Who buys what, from whom, for which question: all that an intent says beyond its key and worst case. */
export interface PurchaseOrigin {
  /** Stage on whose account it is bought. */
  readonly account: string;
  /** Null in journals of before accounts were written. */
  readonly provider: string | null;
  readonly model: string | null;
  readonly questionId: string | null;
  /** The provider's batch it was sent in; null: directly. */
  readonly batch: string | null;
}

/** One purchase as the journal tells it, its texts left out. */
export interface JournalPurchase extends PurchaseOrigin {
  readonly key: string;
  /** How many purchases of this key came before. */
  readonly purchase: number;
  readonly worstCaseMicroUsd: number;
  readonly outcome: PurchaseOutcome;
  /** What it is counted as: 0 for unpaid, the worst case for open. */
  readonly costMicroUsd: number;
  /** How well the cost is known; null where nothing was paid. */
  readonly basis: CostBasis | null;
  readonly usage: Usage | null;
  /** Of a reply: the limit it was made under, and how it ended. */
  readonly maxTokens: number | null;
  readonly finishReason: FinishReason | null;
  readonly timing: { readonly firstTokenMs: number; readonly totalMs: number } | null;
  /** What went wrong, or what a charge was for; empty otherwise. */
  readonly detail: string;
}

/** What a ledger is told of a purchase that cost, or may have cost, something. */
export interface SettledPurchase extends Settlement, Pick<PurchaseOrigin, "account" | "provider" | "model"> {
  readonly outcome: Exclude<PurchaseOutcome, "unpaid">;
  /** The batch or fine-tune it was sent in; absent where it was sent alone. */
  readonly batch?: string;
}

/** Account of intents that name none: before there were accounts, only the teacher's requests were journalled. */
const FIRST_ACCOUNT = "trace";

type IntentLine = Extract<JournalLine, { type: "intent" }>;
type EndLine = Exclude<JournalLine, IntentLine>;

/** Joins intents and their ends; holds the open ones alone. */
export class JournalPass {
  readonly #open = new Map<string, IntentLine>();

  /** The purchase that a line ends; undefined for an intent. */
  take(line: JournalLine): JournalPurchase | undefined {
    const id = `${line.key}/${line.purchase}`;
    if (line.type === "intent") {
      this.#open.set(id, line);
      return undefined;
    }
    const intent = this.#open.get(id);
    this.#open.delete(id);
    return { ...originOf(line, intent), ...endOf(line) };
  }

  /** The intents that no line ended, in order. */
  *open(): Generator<JournalPurchase> {
    for (const intent of this.#open.values()) {
      const costMicroUsd = intent.worstCaseMicroUsd;
      yield { ...originOf(intent, intent), ...NO_REPLY, outcome: "open", costMicroUsd, basis: basisOf(costMicroUsd) };
    }
  }
}

/** A free request without a reply cannot have been billed. */
const basisOf = (possiblyPaidMicroUsd: number): CostBasis | null => (possiblyPaidMicroUsd === 0 ? null : "unknown");

function originOf({ key, purchase }: JournalLine, intent: IntentLine | undefined) {
  return {
    key,
    purchase,
    worstCaseMicroUsd: intent?.worstCaseMicroUsd ?? 0,
    account: intent?.account ?? FIRST_ACCOUNT,
    provider: intent?.provider ?? null,
    model: intent?.model ?? null,
    questionId: intent?.questionId ?? null,
    batch: intent?.batch ?? null,
  };
}

type End = Omit<JournalPurchase, keyof ReturnType<typeof originOf>>;

const NO_REPLY = { usage: null, maxTokens: null, finishReason: null, timing: null, detail: "" } as const;

function endOf(line: EndLine): End {
  switch (line.type) {
    case "reply": {
      const { usage, costMicroUsd, maxTokens, finishReason, timing = null } = line;
      const outcome = finishReason === "length" ? "truncated" : "reply";
      const basis = costBasis(usage);
      return { outcome, costMicroUsd, basis, usage, maxTokens, finishReason, timing, detail: "" };
    }
    case "malformed": {
      const { usage, costMicroUsd, detail } = line;
      return { ...NO_REPLY, outcome: "malformed", costMicroUsd, basis: costBasis(usage), usage, detail };
    }
    case "unpaid":
      return { ...NO_REPLY, outcome: "unpaid", costMicroUsd: 0, basis: null, detail: line.detail };
    case "reconciled":
      return { ...NO_REPLY, outcome: "reconciled", costMicroUsd: line.costMicroUsd, basis: "measured" };
    case "charge": {
      const { costMicroUsd, isEstimated, detail } = line;
      return { ...NO_REPLY, outcome: "charge", costMicroUsd, basis: isEstimated ? "estimated" : "measured", detail };
    }
    default:
      return line satisfies never;
  }
}

/** How well the cost of a reply is known, from the usage it reported. */
export function costBasis(usage: Usage | null): CostBasis {
  return usage === null || usage.isEstimated ? "estimated" : "measured";
}

/** What a ledger is told of a purchase; undefined where there is nothing to book. */
export function settledPurchase(purchase: JournalPurchase): SettledPurchase | undefined {
  const { account, provider, model, batch, outcome, costMicroUsd, basis, usage } = purchase;
  if (outcome === "unpaid" || basis === null) return undefined;
  if (outcome === "reconciled" && costMicroUsd === 0) return undefined;
  const sentIn = batch === null ? {} : { batch };
  return { account, provider, model, ...sentIn, outcome, costMicroUsd, basis, ...(usage === null ? {} : { usage }) };
}

/** A line of the journal; a broken one must not be answered by deleting a file that was paid for. */
export function readJournalLine(path: string, line: FileLine): JournalLine {
  try {
    return parseRecord(path, line, JournalLine);
  } catch (error) {
    if (!(error instanceof AppError) || error.code === "schema-version") throw error;
    throw new AppError(error.code, error.message, {
      hint: "this file holds replies that were paid for: keep a copy, then delete the broken line alone",
      data: error.data,
      cause: error,
    });
  }
}

/**
 * Every purchase of a journal, in the order in which they ended, the open ones last. Changes nothing: another process may
 * be writing the file, and a last line that is not whole yet is left out. Nothing where there is no such file.
 * @throws {AppError} `file-corrupt`, `record-invalid` or `schema-version`, with file and line.
 */
export async function* readJournal(path: string): AsyncGenerator<JournalPurchase> {
  if (!existsSync(path)) return;
  const pass = new JournalPass();
  for await (const line of readLines(path)) {
    if (!line.isTerminated) break;
    const purchase = pass.take(readJournalLine(path, line));
    if (purchase !== undefined) yield purchase;
  }
  yield* pass.open();
}
