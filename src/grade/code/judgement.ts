/** @file The line in which the judge reports, told by its nonce from whatever the tested code may have printed. */
import { z } from "zod";
import type { GradeOutcome } from "../../schema/records.ts";
import type { CodeRunResult } from "./code-runner.ts";
import type { JudgedSpec } from "./code-program.ts";

/** What running a program says. */
export interface CodeFinding {
  readonly outcome: GradeOutcome;
  readonly explanation: string;
}

const Judgement = z.object({
  outcome: z.enum(["correct", "incorrect", "timeout", "gold_error"]),
  where: z.union([z.string(), z.int(), z.object({ line: z.int().nullable() })]).optional(),
  error: z.string().optional(),
});
type Judgement = z.infer<typeof Judgement>;

/** The finding that a run's output states; undefined where the line is missing. */
export function readJudgement(result: CodeRunResult, spec: JudgedSpec, nonce: string): CodeFinding | undefined {
  if (result.status !== "ok") return undefined;
  const line = result.stdout.split("\n").find((text) => text.startsWith(nonce));
  if (line === undefined) return undefined;
  const judgement = Judgement.safeParse(parsed(line.slice(nonce.length))).data;
  return judgement === undefined ? undefined : { outcome: judgement.outcome, explanation: explain(judgement, spec) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function explain({ outcome, where, error }: Judgement, spec: JudgedSpec): string {
  if (outcome === "correct") return "all tests passed";
  const place = placeOf(where, spec);
  if (outcome === "timeout") return "a call did not return in time";
  return `${outcome === "gold_error" ? "the test itself fails, " : ""}${place}${error ? `: ${error.slice(0, 400)}` : ""}`;
}

function placeOf(where: Judgement["where"], spec: JudgedSpec): string {
  if (typeof where === "number")
    return spec.kind === "asserts" ? `\`${short(spec.asserts[where])}\`` : `test ${where + 1}`;
  if (typeof where === "object" && where.line !== null && spec.kind === "function") {
    return `\`${short(spec.test.split("\n")[where.line - 1])}\``;
  }
  if (where === "load") return "the program does not load";
  if (where === "gone") return "the tests did not end";
  return where === "setup" ? "the test's set-up" : "the tests";
}

function short(text = ""): string {
  const line = text.trim();
  return line.length <= 160 ? line : `${line.slice(0, 157)}...`;
}
