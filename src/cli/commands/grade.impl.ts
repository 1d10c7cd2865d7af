import { AppError } from "../../core/errors.ts";
import { compileGold, gradeAnswer, type GradeProfile } from "../../grade/grade-answer.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { gradeLines, type GradeRunSummary } from "../grade-lines.ts";
import { printable } from "../printable.ts";

interface GradeFlags extends CommonFlags {
  readonly jsonl?: string;
  readonly gold?: string;
  readonly pred?: string;
  readonly profile: GradeProfile;
}

/** Grades a file of rows, or one pair. */
export default presenting<GradeFlags, []>(async (context, { jsonl, gold, pred, profile, json }) => {
  const hasPair = gold !== undefined && pred !== undefined;
  if (jsonl !== undefined && gold === undefined && pred === undefined)
    return await gradeFile(context, { path: jsonl, profile, isJson: json });
  if (jsonl === undefined && hasPair) return gradePair({ gold, pred, profile });
  throw new AppError("usage", "grade takes either --jsonl FILE, or both --gold TEXT and --pred TEXT", {
    hint: "grappa grade --help shows the form of a row",
  });
});

interface FileJob {
  readonly path: string;
  readonly profile: GradeProfile;
  readonly isJson: boolean;
}

/** Standard output is the rows themselves, so the summary goes to standard error. */
async function gradeFile(context: CliContext, { path, profile, isJson }: FileJob): Promise<undefined> {
  const controller = new AbortController();
  const stopListening = context.onInterrupt(() =>
    controller.abort(new AppError("interrupted", `${path}: stopped by the user`, { isRetryable: true })),
  );
  try {
    const { signal } = controller;
    const input = context.openBytes(path, signal);
    const summary = await gradeLines({ input, write: context.writeOut, clock: context.clock, signal }, profile);
    context.process.stderr.write(`${isJson ? JSON.stringify({ summary }) : describeSummary(summary)}\n`);
  } finally {
    stopListening();
  }
}

function describeSummary(summary: GradeRunSummary): string {
  const { rows, outcomes, accuracy, disagreements, seconds, rowsPerSecond } = summary;
  const speed = rowsPerSecond === null ? "" : `, ${Math.round(rowsPerSecond)} rows/s`;
  const share = accuracy === null ? "" : `; ${(accuracy * 100).toFixed(1)} % of what could be graded is correct`;
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${outcome} ${count}`);
  return [
    `graded ${rows} rows in ${seconds.toFixed(1)} s${speed}${share}`,
    ...(counts.length > 0 ? [`outcomes: ${counts.join(", ")}`] : []),
    `the two extractors disagree on ${disagreements} rows`,
  ].join("\n");
}

interface Pair {
  readonly gold: string;
  readonly pred: string;
  readonly profile: GradeProfile;
}

function gradePair({ gold, pred, profile }: Pair): CommandResult {
  const reading = compileGold(gold, profile);
  if (reading.status === "error")
    throw new AppError("record-invalid", `the gold cannot be read: ${reading.reason}`, {
      hint: "a gold is one answer: a number, an expression, a set, an interval, a choice or a short text",
      data: { gold, profile },
    });
  const verdict = gradeAnswer(reading.gold, pred);
  const goldCanonical = reading.gold.canonical;
  const fields = [
    ["extracted", verdict.extracted],
    ["canonical", verdict.canonical],
    ["gold", goldCanonical],
    ["rule", verdict.rule],
    ["flexible", verdict.flexible && `${verdict.flexible.outcome}: ${verdict.flexible.extracted ?? "nothing"}`],
    ["because", verdict.explanation],
  ] as const;
  const lines = fields.flatMap(([name, value]) => (value ? [`  ${name.padEnd(9)} ${printable(value)}`] : []));
  return { json: { ...verdict, goldCanonical }, text: [verdict.outcome, ...lines].join("\n") };
}
