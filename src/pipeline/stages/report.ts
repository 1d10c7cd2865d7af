import { z } from "zod";
import { checkModelFiles } from "../../adapters/model-files.ts";
import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { rowOfCompletion } from "../../evaluate/evaluation-rows.ts";
import { equalTokens, methodRows } from "../../evaluate/methods.ts";
import type { SweepMetrics } from "../../evaluate/scaling.ts";
import { INTERVAL_METHOD } from "../../evaluate/score.ts";
import type { Verdict } from "../../evaluate/verdict.ts";
import { billionParameters } from "../../ledger/fine-tune-price.ts";
import { LaunchedJob } from "../../schema/launched-job.ts";
import { STAGE_NAMES, type StageManifest, type StageName } from "../../schema/manifest.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { Completion, Example, Question, SCHEMA_VERSION, Score, Selection, TrainStep } from "../../schema/records.ts";
import type { Findings, StageTokens } from "../findings.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { chooseShownQuestions } from "./shown-questions.ts";
import { chooseShownTraces } from "./shown-traces.ts";
import { PROVENANCE_NOTE } from "./trace.ts";

const EARLIER = STAGE_NAMES.filter((name) => name !== "report");

/**
 * Gathers what the run found: `findings.json`, everything that is the same in each equal run. The pages with times and
 * machine facts are rendered from it into the run's folder (see render-report.ts).
 */
export function reportStage(): Stage {
  return {
    name: "report",
    inputs: EARLIER,
    facts: ({ student }) => (student.hosted ? [] : ["tokenizer"]),
    codeVersion: 2,
    config: () => ({}),
    plan: () => "report.html, report.md, result.json",
    run: report,
  };
}

const VerdictFile = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  contextTokens: z.int(),
  verdict: z.custom<Verdict>((value) => typeof value === "object" && value !== null),
  scaling: z.custom<SweepMetrics | null>((value) => typeof value === "object"),
});

async function report({ recipe, input, output }: StageContext): Promise<StageSummary> {
  const { contextTokens, verdict, scaling } = await input("evaluate").readJson("verdict.json", VerdictFile);
  const questions = await input("evaluate").readRows("questions.jsonl", Question);
  const completions = await input("evaluate").readRows("completions.jsonl", Completion);
  const manifests = EARLIER.map((name) => input(name).manifest);
  const findings: Findings = {
    schemaVersion: SCHEMA_VERSION,
    ...(recipe.student.hosted ? hostedFindings(recipe) : await ownFindings(input, recipe)),
    naturalBudgetTokens: contextTokens,
    funnel: manifests.flatMap(({ funnel }) => funnel),
    scores: await input("evaluate").readRows("scores.jsonl", Score),
    intervalMethod: INTERVAL_METHOD,
    verdict,
    metrics: scaling,
    ...methodsOf(completions, recipe),
    ...judgeOf(input("grade").manifest, recipe),
    ...provenanceOf(input("trace").manifest),
    costs: manifests.map((manifest) => stageTokens(manifest, recipe)),
    examples: chooseShownQuestions(questions, completions, contextTokens),
  };
  await output.writeJson("findings.json", findings);
  return { notes: { verdict: verdict.sentence }, outcome: "report.html, report.md, result.json" };
}

/** Votes, best of n and rejection sampling beside the sweep, where the student was sampled. */
function methodsOf(completions: readonly Completion[], { seed }: Recipe): Pick<Findings, "methods"> {
  const rows = completions.filter(({ model }) => model === "student").map(rowOfCompletion);
  if (rows.every(({ setting }) => setting.temperature === undefined)) return {};
  const key = `methods/${seed}`;
  return { methods: { rows: methodRows(rows, key), equalTokens: equalTokens(rows, key) } };
}

/** The judge's agreement with the rules, as the grade stage measured it. */
function judgeOf({ notes }: StageManifest, { judge }: Recipe): Pick<Findings, "judge"> {
  if (judge === undefined) return {};
  const whole = (name: string): number => Number(notes[name] ?? 0);
  const share = (name: string): number | null => (typeof notes[name] === "number" ? notes[name] : null);
  const [low, high] = [share("judgeAgreementLow"), share("judgeAgreementHigh")];
  return {
    judge: {
      model: judge.model,
      n: whole("judgeN"),
      silent: whole("judgeSilent"),
      agreement: share("judgeAgreement"),
      interval: low === null || high === null ? null : [low, high],
      kappa: share("judgeKappa"),
      bothCorrect: whole("judgeBothCorrect"),
      bothIncorrect: whole("judgeBothIncorrect"),
      onlyJudge: whole("judgeOnlyJudgeCorrect"),
      onlyRule: whole("judgeOnlyRuleCorrect"),
    },
  };
}

/** Traces by what their thinking is, where it is not raw; the trace stage counted them. */
function provenanceOf({ notes }: StageManifest): Pick<Findings, "provenance"> {
  const kinds = Object.entries(notes).flatMap(([name, rows]) =>
    name.startsWith(PROVENANCE_NOTE) ? [[name.slice(PROVENANCE_NOTE.length), Number(rows)] as const] : [],
  );
  return kinds.length === 0 ? {} : { provenance: Object.fromEntries(kinds) };
}

/** What is known of a student and its training. */
type StudentFindings = Pick<Findings, "student" | "trainSteps" | "traces" | "training">;

async function ownFindings(input: StageContext["input"], { train }: Recipe): Promise<StudentFindings> {
  const folder = input("train").path("student");
  const { tokenizer } = await readTokenizerFolder(folder);
  // Its weights may be larger than any memory.
  const { parameters, maxPositions } = await checkModelFiles(folder);
  const selection = await input("select").readRows("selection.jsonl", Selection);
  const examples = await input("tokenize").readRows("examples.jsonl", Example);
  return {
    student: { parameters, contextTokens: maxPositions ?? 0 },
    ...(train.launcher === undefined ? {} : { training: await input("train").readJson("job.json", LaunchedJob) }),
    trainSteps: await input("train").readRows("losses.jsonl", TrainStep),
    traces: chooseShownTraces(selection, examples, tokenizer),
  };
}

/** Of a student that another trains no loss is seen and no example tokenized; its size is what its name says. */
function hostedFindings({ student }: Recipe): StudentFindings {
  const parameters = Math.round(1e9 * (billionParameters(student.base) ?? 0));
  return { student: { parameters, contextTokens: student.hosted?.maxTokens ?? 0 }, trainSteps: [], traces: [] };
}

/** Notes in which stages say how many tokens they worked through. */
const TOKEN_NOTES: Partial<Record<StageName, { readonly input?: string; readonly output: readonly string[] }>> = {
  attempt: { input: "askedTokens", output: ["decodedTokens", "answeredTokens"] },
  trace: { input: "promptTokens", output: ["completionTokens"] },
  tokenize: { output: ["tokens"] },
  train: { output: ["trainedTokens"] },
  evaluate: { input: "askedTokens", output: ["decodedTokens"] },
};

function stageTokens({ stage, notes }: StageManifest, recipe: Recipe): StageTokens {
  const names = TOKEN_NOTES[stage];
  const numberOf = (name: string | undefined): number => (name === undefined ? 0 : Number(notes[name] ?? 0));
  const isSimulated = stage === "trace" && recipe.trace.teacher.type === "builtin";
  return {
    stage,
    inputTokens: numberOf(names?.input),
    outputTokens: (names?.output ?? []).reduce((sum, name) => sum + numberOf(name), 0),
    tokensBasis: isSimulated ? "simulated" : notes.isEstimated === true ? "estimated" : "measured",
    costUsd: numberOf(stage === "trace" ? "costMicroUsd" : undefined) / 1_000_000,
    costBasis: notes.isEstimated === true ? "estimated" : "measured",
  };
}
