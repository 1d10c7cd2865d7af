import { AppError } from "../core/errors.ts";
import { EXAMPLE_GATES, type ExampleFault, type GateName } from "./example-gates.ts";

/** Most ids that a gate names; all are counted. */
const MOST_IDS = 20;

/** What one gate found over all rows. */
export interface GateResult {
  readonly gate: GateName;
  readonly what: string;
  /** How many rows failed it. */
  readonly rows: number;
  /** Their traces' ids, the first twenty. */
  readonly traceIds: readonly string[];
  /** What was wrong with the first of them. */
  readonly detail: string;
}

/** Collects what the gates find, row by row. */
export interface GateTally {
  add(traceId: string, faults: readonly ExampleFault[]): void;
  /** Every gate that some row failed, in the order of {@link EXAMPLE_GATES}. */
  results(): GateResult[];
}

/** An empty tally. */
export function gateTally(): GateTally {
  const found = new Map<GateName, { rows: number; traceIds: string[]; detail: string }>();
  return {
    add: (traceId, faults) => {
      for (const reason of new Set(faults.map((fault) => fault.reason))) {
        const detail = faults.find((fault) => fault.reason === reason)?.detail ?? "";
        const one = found.get(reason) ?? { rows: 0, traceIds: [], detail };
        found.set(reason, one);
        one.rows += 1;
        if (one.traceIds.length < MOST_IDS) one.traceIds.push(traceId);
      }
    },
    results: () =>
      (Object.keys(EXAMPLE_GATES) as GateName[]).flatMap((gate) => {
        const one = found.get(gate);
        return one === undefined ? [] : [{ gate, what: EXAMPLE_GATES[gate], ...one }];
      }),
  };
}

/** One line a gate: how many rows, what was wrong with the first, and which they are. */
export function describeGate({ gate, rows, traceIds, detail }: GateResult): string {
  const more = rows > traceIds.length ? `, and ${rows - traceIds.length} more` : "";
  return `${gate}: ${rows} ${rows === 1 ? "row" : "rows"}, the first: ${detail}; ${traceIds.join(", ")}${more}`;
}

/** The error that stops a run whose rows did not pass; "limit-exceeded" where all of them are merely too long. */
export function gatesFailed(results: readonly GateResult[], { rows }: { readonly rows: number }): AppError {
  const isOnlyLength = results.every(({ gate }) => gate === "too-long");
  const lines = results.map((result) => `  ${describeGate(result)}`);
  return new AppError(
    isOnlyLength ? "limit-exceeded" : "record-invalid",
    `of ${rows} examples some cannot be trained on\n${lines.join("\n")}`,
    {
      hint: isOnlyLength
        ? "raise tokenize.maxLength, or lower select.maxThinkingTokens"
        : "docs/xray.md says what each gate means and what to do",
      data: { rows, gates: results.map(({ what: _, ...result }) => result) },
    },
  );
}
