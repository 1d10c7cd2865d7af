/** @file A run's examples under the x-ray: each with its roles and gates, and all of them in figures. */
import type { ExampleFault } from "./example-gates.ts";
import type { RoleSpan } from "./example-roles.ts";
import { type GateResult, gateTally } from "./gate-report.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { type EncodedSequence, IGNORED } from "./training-sequence.ts";

/** One example as it is trained, with what is known of it. */
export interface XrayRow extends EncodedSequence {
  readonly questionId: string;
  readonly traceId: string;
  /** The question's text. */
  readonly question: string;
  readonly thinkingTokens: number;
  readonly spans: readonly RoleSpan[];
  /** The gates that it fails; none for a good one. */
  readonly faults: readonly ExampleFault[];
}

/** Rows whose length is at least `from` and less than `to` tokens. */
export interface LengthBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

/** All rows in figures. */
export interface XraySummary {
  readonly rows: number;
  readonly tokens: number;
  readonly trainedTokens: number;
  readonly thinkingTokens: number;
  readonly shortest: number;
  readonly median: number;
  readonly longest: number;
  readonly lengths: readonly LengthBin[];
  /** The gates that some row fails. */
  readonly gates: readonly GateResult[];
}

/** Most bars of the histogram of lengths. */
const MOST_BINS = 12;

/** Adds rows up, one after another; keeps their lengths alone. */
export interface XrayTally {
  add(row: Pick<XrayRow, "traceId" | "inputIds" | "labels" | "thinkingTokens" | "faults">): void;
  summary(): XraySummary;
}

/** An empty tally. */
export function xrayTally(): XrayTally {
  const gates = gateTally();
  const lengths: number[] = [];
  let [trainedTokens, thinkingTokens] = [0, 0];
  return {
    add: (row) => {
      lengths.push(row.inputIds.length);
      for (const label of row.labels) if (label !== IGNORED) trainedTokens += 1;
      thinkingTokens += row.thinkingTokens;
      gates.add(row.traceId, row.faults);
    },
    summary: () => {
      const sorted = [...lengths].sort((a, b) => a - b);
      return {
        rows: sorted.length,
        tokens: sorted.reduce((sum, length) => sum + length, 0),
        trainedTokens,
        thinkingTokens,
        shortest: sorted[0] ?? 0,
        median: sorted[sorted.length >> 1] ?? 0,
        longest: sorted.at(-1) ?? 0,
        lengths: lengthBins(sorted),
        gates: gates.results(),
      };
    },
  };
}

/** Bins of equal width, a round number, from the shortest row's to the longest's. */
function lengthBins(sorted: readonly number[]): LengthBin[] {
  const [shortest, longest] = [sorted[0], sorted.at(-1)];
  if (shortest === undefined || longest === undefined) return [];
  const width = roundWidth((longest - shortest + 1) / MOST_BINS);
  const first = Math.floor(shortest / width);
  const bins = Array.from({ length: Math.floor(longest / width) - first + 1 }, () => 0);
  for (const length of sorted) {
    const bin = Math.floor(length / width) - first;
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return bins.map((rows, bin) => ({ from: (first + bin) * width, to: (first + bin + 1) * width, rows }));
}

/** The next of 1, 2, 5, 10, 20, 50 and so on. */
function roundWidth(least: number): number {
  for (let power = 1; ; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= least) return step * power;
  }
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A token's text; where it holds part of a character only, its bytes as `<e2><82>`. */
export function tokenText(tokenizer: Tokenizer, id: number): string {
  const bytes = tokenizer.bytesOf(id);
  try {
    return strict.decode(bytes);
  } catch {
    // Not UTF-8 by itself: a character that two tokens share.
    return Array.from(bytes, (byte) => `<${byte.toString(16).padStart(2, "0")}>`).join("");
  }
}

/**
 * A training example as terminal text, one line a token: position, id, `+` where it is trained and `.` where it is not,
 * and the token itself. Spaces show as U+2423, bytes that are not printable ASCII as escapes: hostile data cannot drive a terminal.
 */
export function tokenTable(tokenizer: Tokenizer, { inputIds, labels }: EncodedSequence): string[] {
  return Array.from(inputIds, (id, at) => {
    const mark = labels[at] === undefined || labels[at] === IGNORED ? "." : "+";
    return `${String(at).padStart(6)} ${String(id).padStart(6)} ${mark} ${visibleBytes(tokenizer.bytesOf(id))}`;
  });
}

/** Bytes as visible text: a space as U+2423, a newline as \\n, what is not printable ASCII as \\xHH. */
function visibleBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    if (byte === 10) return "\\n";
    if (byte === 92) return "\\\\";
    if (byte === 32) return "\u2423";
    return byte > 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}
