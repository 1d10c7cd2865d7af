import { buildFunnel } from "../../curate/funnel.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Dropped, Question, SCHEMA_VERSION, type Trace } from "../../schema/records.ts";
import type { HubAccess } from "../open-data.ts";
import { recordedFile, withoutFolder } from "../sources/source-places.ts";
import type { RowWriter, Stage, StageContext, StageOutput, StageSummary } from "../stage.ts";
import { askPortsOf } from "./ask-endpoint.ts";
import { traceByTeachers, type TeacherOutcome } from "./ask-teachers.ts";
import { checkTeachers } from "./gates.ts";
import { purchaseProgress } from "./purchase-progress.ts";
import { keyInTheClear, teacherIdentity, type TeacherRecipe } from "./open-teacher.ts";
import { recordedTraces } from "./recorded-traces.ts";
import { judgeIdentity, openVerify } from "./verify-answers.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/**
 * Asks the teachers about every question that is left (in s1's order: every question), never past the budget and never
 * twice for the same thing. Outputs `traces.jsonl`, `failed.jsonl` and `dropped.jsonl`.
 */
export function traceStage(world: TeacherWorld, hub?: HubAccess): Stage {
  return {
    name: "trace",
    inputs: ({ order }) => [askedFrom(order)],
    facts: (recipe) => (recordedFile(recipe) === undefined ? [] : ["questionFiles"]),
    codeVersion: 2,
    config: traceConfig,
    plan: ({ trace: { teacher, escalate, samplesPerQuestion }, maxUsd }) =>
      `${samplesPerQuestion} trace${samplesPerQuestion === 1 ? "" : "s"} a question from ${[teacher, ...escalate].map(calledInPlan).join(", then ")}, at most $${maxUsd}`,
    check: async (recipe) => checkTeachers(recipe, world),
    run: (context) => trace(context, world, hub),
  };
}

function calledInPlan(teacher: TeacherRecipe): string {
  if (teacher.type === "builtin") return "the built-in teacher (free)";
  return teacher.type === "recorded" ? `${withoutFolder(teacher.data)} (recorded)` : teacher.model;
}

/** Begins the notes that count traces by what their thinking is, where it is not raw. */
export const PROVENANCE_NOTE = "provenance-";

/** The stage whose questions are traced. */
export function askedFrom(order: Recipe["order"]): "collect" | "attempt" {
  return order === "s1" ? "collect" : "attempt";
}

function traceConfig({ trace, seed, judge }: Recipe): unknown {
  const { teacher, escalate, samplesPerQuestion, stopWhenVerified, maxRetries, system, allowSummaries, salvage } =
    trace;
  const isVerified = stopWhenVerified || escalate.length > 0;
  return {
    teacher: teacherIdentity(teacher),
    escalate: escalate.map(teacherIdentity),
    samplesPerQuestion,
    stopWhenVerified,
    maxRetries,
    allowSummaries,
    salvage,
    ...(system === undefined ? {} : { system }),
    ...(isVerified && judge !== undefined ? { judge: judgeIdentity(judge) } : {}),
    // A model behind a server knows nothing of our seed; the built-in teacher is made of it.
    seed: teacher.type === "builtin" ? seed : null,
  };
}

async function trace(context: StageContext, world: TeacherWorld, hub: HubAccess | undefined): Promise<StageSummary> {
  const { recipe, progress, measure } = context;
  const questions = await context.input(askedFrom(recipe.order)).readRows("questions.jsonl", Question);
  const { teacher: first } = recipe.trace;
  if (first.type === "recorded")
    return await writeOutcomes(context.output, recordedTraces(questions, first, { context, hub }));
  for (const teacher of [first, ...recipe.trace.escalate]) {
    const host = keyInTheClear(teacher);
    if (host !== undefined) context.warn(`the teacher's key goes to ${host} unencrypted: use https`);
  }
  const asking = await askPortsOf(context, world);
  const verifying = openVerify(recipe, asking);
  try {
    const outcomes = traceByTeachers(questions, {
      ...asking,
      recipe,
      verify: verifying.verify,
      onProgress: (now) => {
        progress(purchaseProgress(now, "traces"));
        measure("retries", now.retries);
        measure("fromJournal", now.fromJournal);
      },
    });
    return await writeOutcomes(context.output, outcomes);
  } finally {
    await verifying.close();
    measure("spentMicroUsd", asking.accounts.ledger.snapshot().spentMicroUsd);
  }
}

/** What was counted while rows went to the disk: traces are too long to be kept. */
interface Counted {
  readonly kept: { readonly id: string }[];
  readonly dropped: Dropped[];
  promptTokens: number;
  completionTokens: number;
  costMicroUsd: number;
  isEstimated: boolean;
  readonly provenance: Record<string, number>;
}

async function writeOutcomes(output: StageOutput, outcomes: AsyncIterable<TeacherOutcome>): Promise<StageSummary> {
  const counted: Counted = {
    kept: [],
    dropped: [],
    promptTokens: 0,
    completionTokens: 0,
    costMicroUsd: 0,
    isEstimated: false,
    provenance: {},
  };
  const traces = await output.openRows("traces.jsonl");
  const failed = await output.openRows("failed.jsonl");
  try {
    for await (const outcome of outcomes) await take(outcome, counted, { traces, failed });
  } catch (error) {
    await Promise.all([traces.abandon(), failed.abandon()]);
    throw error;
  }
  await traces.close();
  await failed.close();
  await output.writeRows("dropped.jsonl", counted.dropped);
  const { kept, dropped, promptTokens, completionTokens, costMicroUsd, isEstimated, provenance } = counted;
  const kinds = Object.entries(provenance).filter(([kind]) => kind !== "raw");
  return {
    funnel: [buildFunnel("trace", kept.length + dropped.length, { kept, dropped })],
    notes: {
      promptTokens,
      completionTokens,
      costMicroUsd,
      isEstimated,
      ...Object.fromEntries(kinds.map(([kind, rows]) => [`${PROVENANCE_NOTE}${kind}`, rows])),
    },
  };
}

async function take(
  outcome: TeacherOutcome,
  counted: Counted,
  files: { readonly traces: RowWriter; readonly failed: RowWriter },
): Promise<void> {
  if (outcome.type === "failure") {
    const { questionId, reason, detail } = outcome.failure;
    counted.dropped.push({ schemaVersion: SCHEMA_VERSION, id: questionId, stage: "trace", reason, detail });
    await files.failed.write(outcome.failure);
    return;
  }
  count(outcome.trace, counted);
  await files.traces.write(outcome.trace);
}

function count({ id, usage, costMicroUsd, provenance }: Trace, counted: Counted): void {
  counted.kept.push({ id });
  counted.promptTokens += usage.promptTokens;
  counted.completionTokens += usage.completionTokens;
  counted.costMicroUsd += costMicroUsd;
  counted.isEstimated ||= usage.isEstimated;
  counted.provenance[provenance] = (counted.provenance[provenance] ?? 0) + 1;
}
