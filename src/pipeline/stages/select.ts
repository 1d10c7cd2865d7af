import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { checkQuality } from "../../curate/quality.ts";
import { type Candidate, sourceOf } from "../../curate/candidate.ts";
import { selectExamples } from "../../curate/select.ts";
import { partition, type StageResult } from "../../curate/stage-result.ts";
import { Dropped, type FunnelStage, GradedTrace, Question, Trace } from "../../schema/records.ts";
import { countedThinkingTokens } from "./hosted/counted-tokens.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { traceRules, traceRulesConfig } from "./trace-rules.ts";

/** Chooses what to train on: quality, then s1's seeded choice over domains. Outputs `selection.jsonl` and `dropped.jsonl`. */
export function selectStage(): Stage {
  return {
    name: "select",
    inputs: ["attempt", "trace", "grade"],
    facts: ({ student }) => (student.hosted ? [] : ["tokenizer"]),
    codeVersion: 1,
    config: ({ select, seed, order, student, curate }) => ({
      ...select,
      seed,
      ...traceRulesConfig({ curate }),
      ...(order === "s1" ? { order } : {}),
      ...(student.hosted ? { lengths: "as the teacher counted" } : {}),
    }),
    plan: ({ select }) =>
      `${select.method === "all" ? "all" : select.count} traces by method ${select.method}${select.requireCorrect ? ", correct ones only" : ""}`,
    run: select,
  };
}

async function select({ recipe, baseFolder, input, output, warn }: StageContext): Promise<StageSummary> {
  const lengthOf = recipe.student.hosted ? countedThinkingTokens : await tokenizerLengths(baseFolder);
  const questions = new Map(
    (await input("attempt").readRows("questions.jsonl", Question)).map((question) => {
      const { id, domain } = question;
      return [id, { domain, source: sourceOf(question) }];
    }),
  );
  const traced = await input("trace").readRows("traces.jsonl", Trace);
  const { kept: traces, dropped: tooEasy } = await dropTooEasy(traced, { input, isLeft: (id) => questions.has(id) });
  const grades = new Map(
    (await input("grade").readRows("grades.jsonl", GradedTrace)).map(({ traceId, grade }) => [traceId, grade]),
  );
  const lengths = new Map(traces.map((trace) => [trace.id, lengthOf(trace)]));
  const thinkingTokensOf = ({ id }: Trace): number => lengths.get(id) ?? 0;
  const quality = checkQuality(traces, {
    rules: traceRules(recipe),
    gradeOf: ({ id }) => grades.get(id),
    thinkingTokensOf,
  });
  const candidates = quality.kept.map(
    (trace): Candidate => ({
      questionId: trace.questionId,
      traceId: trace.id,
      domain: questions.get(trace.questionId)?.domain ?? "unknown",
      source: questions.get(trace.questionId)?.source ?? "unknown",
      isCorrect: grades.get(trace.id)?.outcome === "correct",
      thinkingTokens: thinkingTokensOf(trace),
    }),
  );
  const { kept, dropped } = selectExamples(candidates, { ...recipe.select, seed: recipe.seed });
  const allDropped = [...tooEasy, ...quality.dropped, ...dropped];
  const funnel = buildFunnel("select", traced.length, { kept, dropped: allDropped });
  if (kept.length === 0) throw nothingLeft(funnel);
  if (kept.length < recipe.select.count && recipe.select.method !== "all")
    warn(`only ${kept.length} of the ${recipe.select.count} examples asked for: collect more questions`);
  await output.writeRows("selection.jsonl", kept);
  await output.writeRows("dropped.jsonl", allDropped);
  const thinkingTokens = kept.reduce((sum, row) => sum + row.thinkingTokens, 0);
  return {
    funnel: [funnel],
    notes: {
      domains: new Set(kept.map(({ domain }) => domain)).size,
      meanThinkingTokens: Math.round(thinkingTokens / Math.max(1, kept.length)),
    },
  };
}

async function tokenizerLengths(baseFolder: string): Promise<(trace: Trace) => number> {
  const { tokenizer } = await readTokenizerFolder(baseFolder);
  return ({ thinking }) => tokenizer.countUser(thinking);
}

/** In s1's order everything is traced, and what a reference student solved goes now, for the reason that it went there. */
async function dropTooEasy(
  traces: readonly Trace[],
  { input, isLeft }: { readonly input: StageContext["input"]; readonly isLeft: (questionId: string) => boolean },
): Promise<StageResult<Trace>> {
  if (traces.every(({ questionId }) => isLeft(questionId))) return { kept: traces, dropped: [] };
  const why = new Map((await input("attempt").readRows("dropped.jsonl", Dropped)).map((row) => [row.id, row]));
  return partition(traces, "select", ({ id, questionId }) => {
    if (isLeft(questionId)) return null;
    const { reason = "not-left", detail = "" } = why.get(questionId) ?? {};
    return { id, reason, detail };
  });
}

/** Training on nothing would end in a student that is its base, and in a report that says so at length. */
function nothingLeft({ in: traces, reasons }: FunnelStage): AppError {
  const why = Object.entries(reasons).map(([reason, rows]) => `${reason} ${rows}`);
  const what = traces === 0 ? "no trace came this far" : `all ${traces} traces were dropped (${why.join(", ")})`;
  return new AppError("recipe-invalid", `there is nothing to train on: ${what}`, {
    hint:
      traces === 0
        ? "collect more or harder questions; dropped.jsonl of each earlier stage says why they went"
        : "loosen select in the recipe, collect more questions, or ask another teacher",
    data: { traces, reasons },
  });
}
