/** @file What a sceptic should know: who the teacher is, and what this run does not show. */
import type { Recipe } from "../../schema/recipe.ts";
import { count, percent } from "../number-format.ts";
import { oneLine } from "../plain-text.ts";
import type { RunResults } from "../run-results.ts";
import { naturalStudent, totals } from "../settings.ts";

type BuiltinTeacher = Extract<Recipe["trace"]["teacher"], { type: "builtin" }>;

/** How the teacher is called: one short phrase. */
export function teacherName({ trace }: Recipe): string {
  const { teacher } = trace;
  if (teacher.type === "builtin") return "built-in program (simulated teacher)";
  return teacher.type === "recorded" ? `recorded traces of ${oneLine(teacher.model)}` : oneLine(teacher.model);
}

function builtinTeacher(teacher: BuiltinTeacher): string {
  const faults = `${percent(teacher.wrongRate, 0)} wrong, ${percent(teacher.truncateRate, 0)} cut off, ${percent(teacher.malformedRate, 0)} badly formatted, ${percent(teacher.rateLimitRate, 0)} refused at first`;
  return `The teacher is programmatic and simulated: a program that knows the rules, not a language model. By design it ${teacher.slipRate === 0 ? "never slips" : `slips in ${percent(teacher.slipRate, 0)} of its quick passes`}, checks once after Wait in ${percent(teacher.checkOnceShare, 0)} of traces and twice in ${percent(teacher.checkTwiceShare, 0)}. Faults are injected so that the client is tested: ${faults}.`;
}

/** Who taught the student, said plainly. */
export function teacherHonesty({ trace }: Recipe, provenance: RunResults["provenance"] = {}): string {
  const { teacher } = trace;
  if (teacher.type === "builtin") return builtinTeacher(teacher);
  if (teacher.type === "recorded")
    return `No teacher was asked: the traces were there already (${oneLine(teacher.data)}), written by ${oneLine(teacher.model)} as the recipe says. How they were made and chosen is not known to this run.${provenanceSentence(provenance)}`;
  return `The teacher is ${oneLine(teacher.model)}, asked through ${API_WORDS[teacher.type]}. What it writes is sampled: a second run may buy other traces.${provenanceSentence(provenance)}`;
}

const API_WORDS: Readonly<Record<Exclude<Recipe["trace"]["teacher"]["type"], "builtin" | "recorded">, string>> = {
  "openai-compatible": "an OpenAI-compatible interface",
  gemini: "Google's Gemini API",
  anthropic: "Anthropic's Messages API",
  openai: "OpenAI's Responses API",
};

function provenanceSentence(provenance: NonNullable<RunResults["provenance"]>): string {
  const kinds = Object.entries(provenance).map(([kind, rows]) => `${count(rows)} ${kind}`);
  return kinds.length === 0 ? "" : ` Not all of its thinking is raw: ${kinds.join(", ")} of its traces.`;
}

function scaleLimits(results: RunResults): readonly string[] {
  const sources = results.recipe.collect.sources.flatMap((source) => (source.type === "family" ? [source.family] : []));
  const families = [...new Set(sources)].sort().join(" and ");
  return [
    families === ""
      ? "The questions are the user's own. A gain here holds for questions like them."
      : `The questions are generated (${families}) and easy for people. A gain here shows that the method works end to end, not that the student is good at mathematics or programming.`,
    `One seed (${results.recipe.seed}). The intervals cover the choice of questions, not the luck of a training run; run other seeds before you believe a small difference.`,
    "Replies are greedy, one for each question. Intervals are for each setting alone; nothing is corrected for looking at many.",
  ];
}

function budgetLimits(results: RunResults): readonly string[] {
  const limits: string[] = [];
  if (totals(results, "student").some((score) => score.cutShare > 0.05)) {
    limits.push(
      "A low score at a small budget partly shows that cutting hurts: the student is made to answer in the middle of its work. What longer thinking adds of itself is seen beyond the natural end, in the rows with Wait.",
    );
  }
  const natural = naturalStudent(results);
  if (natural !== undefined && natural.cutShare > 0) {
    limits.push(
      `Even at its natural end ${percent(natural.cutShare)} of replies ran into the context's cap of ${count(natural.setting.budgetTokens)} tokens.`,
    );
  }
  if (natural !== undefined && natural.noAnswerShare > 0) {
    limits.push(
      `${percent(natural.noAnswerShare)} of replies at the natural end hold no answer that the grader could read; they count as wrong.`,
    );
  }
  return limits;
}

function hostedLimits({ recipe }: RunResults): readonly string[] {
  if (recipe.student.hosted === undefined) return [];
  return [
    "Another trained and serves the student, by a chat template and a loss mask of its own that were not verified: thinking budgets, forced continuations and training losses were not measured, and lengths are as teacher and server counted them. The base was asked the question alone, as the student was.",
  ];
}

function waitLimits({ verdict, recipe }: RunResults): readonly string[] {
  const worst = verdict.waits.reduce((most, wait) => Math.max(most, wait.rightToWrong), 0);
  if (worst === 0) return [];
  const harm = `Wait also does harm: up to ${count(worst)} right answers turned wrong.`;
  if (recipe.trace.teacher.type !== "builtin") return [harm];
  return [
    `${harm} A second pass can help because the teacher was built so that careful steps are more reliable than quick ones.`,
  ];
}

/** Known weaknesses of this run, most general first; each is true of these results, not boilerplate. */
export function knownLimits(results: RunResults): readonly string[] {
  return [...scaleLimits(results), ...hostedLimits(results), ...budgetLimits(results), ...waitLimits(results)];
}
