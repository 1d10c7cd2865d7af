/** @file Whether a trace is fit to learn from, by rule and without a model. */
import { canonicalInteger } from "../grade/integer-answer.ts";
import { extractAnswer } from "../grade/extract-answer.ts";
import type { Grade, Trace } from "../schema/records.ts";
import { controlTextIn } from "./control-text.ts";
import { notEnglish } from "./language.ts";
import { isLooping } from "./looping.ts";
import { partition, type StageResult } from "./stage-result.ts";

/** Why a trace is dropped, in the order in which the checks run; the first that applies is the reason. */
export type QualityReason =
  | "not-finished"
  | "empty-thinking"
  | "empty-answer"
  | "control-text"
  | "too-long"
  | "exceeds-context"
  | "wrong-language"
  | "ungraded"
  | "not-correct"
  | "looping"
  | "answer-not-concluded";

/** Which checks run. A trace that was cut, is empty, or spells a control token is dropped under any rules. */
export interface QualityRules {
  /** Drop what is graded other than correct. */
  readonly requireCorrect: boolean;
  /** Drop what nobody could grade, as s1 dropped whatever lacked a grade; absent: only where correctness is required. */
  readonly requireGrade?: boolean | undefined;
  /** Drop longer thinking, tokens; it is never cut, since a cut trace teaches not to stop. */
  readonly maxThinkingTokens: number;
  readonly refuseLoops: boolean;
  /** Drop a trace whose answer does not stand in the last lines of its thinking. */
  readonly requireConclusion: boolean;
  /** Drop what is plainly of another language; absent: any will do. */
  readonly language?: "en" | undefined;
  /** Drop an example, prompt and answer included, that the student's context does not hold, tokens; absent: not checked. */
  readonly contextTokens?: number | undefined;
}

/** Everything is checked; what the demo's student, which must learn to conclude, is taught with. */
export function strictQuality(limits: Omit<QualityRules, "refuseLoops" | "requireConclusion">): QualityRules {
  return { ...limits, refuseLoops: true, requireConclusion: true };
}

/** As lenient as s1, which kept wrong and repetitive traces (46 % of s1K is wrong by design), though none without a grade. */
export const S1_QUALITY: QualityRules = {
  requireCorrect: false,
  requireGrade: true,
  maxThinkingTokens: Number.POSITIVE_INFINITY,
  refuseLoops: false,
  requireConclusion: false,
};

/** What is known about traces beside themselves. */
export interface QualityContext {
  readonly rules: QualityRules;
  readonly gradeOf: (trace: Trace) => Grade | undefined;
  /** Length of the thinking in the student's tokens. */
  readonly thinkingTokensOf: (trace: Trace) => number;
  /** Length of the whole example in the student's tokens; needed where `contextTokens` is set. */
  readonly exampleTokensOf?: (trace: Trace) => number;
}

/** Lines at the end of the thinking in which the answer must stand. */
const CONCLUSION_LINES = 3;

/** The traces that are fit to learn from; one dropped row, with its first reason, for each other. */
export function checkQuality(traces: readonly Trace[], context: QualityContext): StageResult<Trace> {
  return partition(traces, "quality", (trace) => {
    const fault = faultOf(trace, context);
    return fault && { id: trace.id, ...fault };
  });
}

/** What is wrong with a trace, or null. */
export function faultOf(trace: Trace, context: QualityContext): { reason: QualityReason; detail: string } | null {
  const { rules } = context;
  const fault = (reason: QualityReason, detail = "") => ({ reason, detail });
  if (trace.finishReason !== "stop") return fault("not-finished", trace.finishReason);
  if (trace.thinking.trim() === "") return fault("empty-thinking");
  if (trace.answer.trim() === "") return fault("empty-answer");
  const control = controlTextIn(trace.thinking) ?? controlTextIn(trace.answer);
  if (control !== undefined) return fault("control-text", control);
  const tokens = context.thinkingTokensOf(trace);
  if (tokens > rules.maxThinkingTokens) return fault("too-long", `${tokens} tokens, limit ${rules.maxThinkingTokens}`);
  const whole = rules.contextTokens === undefined ? 0 : (context.exampleTokensOf?.(trace) ?? 0);
  if (rules.contextTokens !== undefined && whole > rules.contextTokens)
    return fault("exceeds-context", `${whole} tokens, limit ${rules.contextTokens}`);
  const foreign = rules.language === "en" ? notEnglish(trace.thinking) : null;
  if (foreign !== null) return fault("wrong-language", foreign);
  const outcome = context.gradeOf(trace)?.outcome;
  if (outcome === undefined && (rules.requireCorrect || rules.requireGrade === true)) return fault("ungraded");
  if (rules.requireGrade === true && (outcome === "unscored" || outcome === "gold_error"))
    return fault("ungraded", outcome);
  if (rules.requireCorrect && outcome !== "correct") return fault("not-correct", outcome);
  if (rules.refuseLoops && isLooping(trace.thinking)) return fault("looping");
  if (rules.requireConclusion && !concludes(trace, context.gradeOf(trace))) return fault("answer-not-concluded");
  return null;
}

/**
 * Whether the answer stands, whole, in the last lines of the thinking: `8` does not stand in `98`. It is what the reply states, or
 * what its grader read there. A program is longer than any conclusion, so none is asked for.
 */
function concludes({ thinking, answer }: Trace, grade: Grade | undefined): boolean {
  if (grade?.rule.startsWith("code/")) return true;
  const extraction = extractAnswer(answer);
  const stated = extraction.status === "found" ? extraction.text : answer.trim();
  const conclusion = thinking.trimEnd().split("\n").slice(-CONCLUSION_LINES).join("\n");
  const integer = canonicalInteger(stated);
  return [stated, integer, grade?.extracted].some(
    (text) => typeof text === "string" && text !== "" && standsIn(conclusion, text),
  );
}

function standsIn(text: string, part: string): boolean {
  const isWordPart = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1)) {
    if (!isWordPart(text[at - 1]) && !isWordPart(text[at + part.length])) return true;
  }
  return false;
}
