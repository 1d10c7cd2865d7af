import { buildFunnel } from "../../curate/funnel.ts";
import { type GradedTrace, type GradeOutcome, Question, SCHEMA_VERSION, Trace } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { gradeReply } from "./grade-reply.ts";

/** Checks every trace's answer by rule. It drops nothing: what a grade means is the selection's to say. Outputs `grades.jsonl`. */
export function gradeStage(): Stage {
  return {
    name: "grade",
    inputs: ["attempt", "trace"],
    facts: [],
    codeVersion: 1,
    config: () => ({}),
    plan: () => "every trace, by its family's verifier",
    run: grade,
  };
}

async function grade({ input, output, progress }: StageContext): Promise<StageSummary> {
  const questions = new Map(
    (await input("attempt").readRows("questions.jsonl", Question)).map((question) => [question.id, question]),
  );
  const traces = await input("trace").readRows("traces.jsonl", Trace);
  const grades = traces.flatMap(({ id, questionId, answer }): GradedTrace[] => {
    const question = questions.get(questionId);
    return question
      ? [{ schemaVersion: SCHEMA_VERSION, traceId: id, questionId, grade: gradeReply(question, answer) }]
      : [];
  });
  progress({ done: grades.length, total: traces.length, unit: "traces" });
  await output.writeRows("grades.jsonl", grades);
  return { funnel: [buildFunnel("grade", traces.length, { kept: grades, dropped: [] })], notes: countOutcomes(grades) };
}

function countOutcomes(grades: readonly GradedTrace[]): Partial<Record<GradeOutcome, number>> {
  const counts: Partial<Record<GradeOutcome, number>> = {};
  for (const {
    grade: { outcome },
  } of grades)
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
