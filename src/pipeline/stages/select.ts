import { AppError } from "../../core/errors.ts";
import { type Candidate, sourceOf } from "../../curate/candidate.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { faultOf, type QualityContext, type QualityReason } from "../../curate/quality.ts";
import { UNCLASSIFIED } from "../../curate/msc-classes.ts";
import { selectWithKept } from "../../curate/select-by-hand.ts";
import { longestThinking, parametersByName } from "../../curate/student-size.ts";
import { traceRules, traceRulesConfig } from "../../curate/trace-rules.ts";
import { Dropped, type FunnelStage, GradedTrace, Question, SCHEMA_VERSION, Trace } from "../../schema/records.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { readQuestionDomains } from "./question-domains.ts";
import { readTraceLengths } from "./trace-lengths.ts";

/**
 * Chooses what to train on: quality, then the recipe's method. Asks nobody and reads nothing but the stages before it, so that
 * it can be derived again anywhere; and the decisions of whoever read the traces. Outputs `selection.jsonl`, `dropped.jsonl`,
 * and with decisions `triage.jsonl`: those that it honoured.
 */
export function selectStage(): Stage {
  return {
    name: "select",
    inputs: ["attempt", "trace", "grade"],
    facts: [],
    heedsTriage: true,
    codeVersion: 2,
    config: ({ select, seed, order, student, domain, curate }) => ({
      ...select,
      seed,
      ...traceRulesConfig({ curate }),
      ...(order === "s1" ? { order } : {}),
      ...(domain === "judge" ? { domain } : {}),
      ...(select.capBySize ? { maxThinkingTokens: longestThinking({ select, student }) } : {}),
      ...(student.hosted ? { lengths: "as the teacher counted" } : {}),
    }),
    plan: ({ select }) =>
      `${select.method === "all" ? "all" : select.count} traces by method ${select.method}${select.requireCorrect ? ", correct ones only" : ""}`,
    run: select,
  };
}

async function select({ recipe, input, output, verdicts, warn }: StageContext): Promise<StageSummary> {
  if (recipe.select.capBySize && parametersByName(recipe.student) === undefined)
    warn(`select.capBySize does nothing: ${recipe.student.base} tells no size such as 1.5B in its name`);
  const hand = byHand(verdicts);
  const sifted = await siftTraces(recipe, input, hand);
  const { kept, dropped } = selectWithKept(sifted.candidates, hand.kept, { ...recipe.select, seed: recipe.seed });
  const allDropped = [...sifted.tooEasy, ...sifted.unfit, ...sifted.byHand, ...dropped];
  const funnel = buildFunnel("select", sifted.traces, { kept, dropped: allDropped });
  if (kept.length === 0) throw nothingLeft(funnel);
  if (kept.length < recipe.select.count && recipe.select.method !== "all")
    warn(`only ${kept.length} of the ${recipe.select.count} examples asked for: collect more questions`);
  await output.writeRows("selection.jsonl", kept);
  await output.writeRows("dropped.jsonl", allDropped);
  if (verdicts.length > 0) await output.writeRows("triage.jsonl", verdicts);
  const keptByHand = kept.filter(({ reason }) => reason === "by-hand").length;
  const leftOut = sifted.keptThere - keptByHand;
  if (leftOut > 0) warn(`kept by hand and left out all the same: ${leftOut} traces; dropped.jsonl says why`);
  const gone = hand.kept.size - sifted.keptThere;
  if (gone > 0) warn(`kept by hand, but not of this run any more: ${gone} traces; triage.jsonl names them`);
  const thinkingTokens = kept.reduce((sum, row) => sum + row.thinkingTokens, 0);
  return {
    funnel: [funnel],
    notes: {
      domains: new Set(kept.map(({ domain }) => domain)).size,
      meanThinkingTokens: Math.round(thinkingTokens / Math.max(1, kept.length)),
      ...(verdicts.length > 0 ? { keptByHand, droppedByHand: sifted.byHand.length } : {}),
    },
  };
}

/** Ids of traces that somebody kept, and dropped. */
interface ByHand {
  readonly kept: ReadonlySet<string>;
  readonly dropped: ReadonlySet<string>;
}

function byHand(verdicts: StageContext["verdicts"]): ByHand {
  const idsOf = (wanted: string) =>
    new Set(verdicts.filter(({ decision }) => decision === wanted).map(({ traceId }) => traceId));
  return { kept: idsOf("keep"), dropped: idsOf("drop") };
}

/** What nobody can overrule: a student cannot be trained on it, or would learn not to stop. */
const FINAL: ReadonlySet<QualityReason> = new Set([
  "not-finished",
  "empty-thinking",
  "empty-answer",
  "control-text",
  "too-long",
  "exceeds-context",
]);

/** The traces without their texts, which need not fit into memory. */
interface Sifted {
  /** How many traces there were. */
  readonly traces: number;
  readonly candidates: readonly Candidate[];
  /** In s1's order everything is traced, and what a reference student solved goes now, for the reason that it went there. */
  readonly tooEasy: readonly Dropped[];
  readonly unfit: readonly Dropped[];
  readonly byHand: readonly Dropped[];
  /** Of those that somebody kept, how many there are; others were of traces that the run has no more. */
  readonly keptThere: number;
}

async function siftTraces(recipe: Recipe, input: StageContext["input"], hand: ByHand): Promise<Sifted> {
  const questions = await readQuestions(recipe, input);
  const lengths = await readTraceLengths(input("grade"));
  const grades = new Map(
    (await input("grade").readRows("grades.jsonl", GradedTrace)).map(({ traceId, grade }) => [traceId, grade]),
  );
  const context: QualityContext = {
    rules: traceRules(recipe),
    gradeOf: ({ id }) => grades.get(id),
    thinkingTokensOf: ({ id }) => lengths.get(id) ?? 0,
  };
  const whyGone = await whyQuestionsWent(recipe, input);
  const [candidates, tooEasy, unfit]: [Candidate[], Dropped[], Dropped[]] = [[], [], []];
  const byHand: Dropped[] = [];
  let keptThere = 0;
  for await (const trace of input("trace").streamRows("traces.jsonl", Trace)) {
    const { id, questionId } = trace;
    if (hand.kept.has(id)) keptThere += 1;
    if (hand.dropped.has(id)) {
      byHand.push({ schemaVersion: SCHEMA_VERSION, stage: "triage", detail: "", id, reason: "dropped-by-hand" });
      continue;
    }
    const question = questions.get(questionId);
    if (question === undefined) {
      const { reason = "not-left", detail = "" } = whyGone.get(questionId) ?? {};
      tooEasy.push({ schemaVersion: SCHEMA_VERSION, stage: "difficulty", detail, id, reason });
      continue;
    }
    const outcome = grades.get(id)?.outcome;
    const fault = faultOf(trace, context);
    if (fault === null || (hand.kept.has(id) && !FINAL.has(fault.reason)))
      candidates.push({
        ...question,
        questionId,
        traceId: id,
        isCorrect: outcome === "correct",
        thinkingTokens: context.thinkingTokensOf(trace),
      });
    else
      unfit.push({
        schemaVersion: SCHEMA_VERSION,
        stage: "quality",
        detail: fault.detail,
        id,
        reason: fault.reason,
      });
  }
  const traces = candidates.length + tooEasy.length + unfit.length + byHand.length;
  return { traces, candidates, tooEasy, unfit, byHand, keptThere };
}

/** Domain and source of each question that is left, by its id. */
async function readQuestions(
  { domain: toldBy }: Recipe,
  input: StageContext["input"],
): Promise<Map<string, Pick<Candidate, "domain" | "source">>> {
  const told = toldBy === "judge" ? await readQuestionDomains(input("grade")) : undefined;
  const questions = new Map<string, Pick<Candidate, "domain" | "source">>();
  for await (const question of input("attempt").streamRows("questions.jsonl", Question))
    questions.set(question.id, {
      // Nobody was asked about a question none of whose traces can be selected.
      domain: told === undefined ? question.domain : (told.get(question.id) ?? UNCLASSIFIED),
      source: sourceOf(question),
    });
  return questions;
}

/** Why questions went before they could be traced; only in s1's order were they traced all the same. */
async function whyQuestionsWent({ order }: Recipe, input: StageContext["input"]): Promise<Map<string, Dropped>> {
  if (order !== "s1") return new Map();
  return new Map((await input("attempt").readRows("dropped.jsonl", Dropped)).map((row) => [row.id, row]));
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
