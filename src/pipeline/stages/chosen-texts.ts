import { Question, Selection, Trace } from "../../schema/records.ts";
import type { StageInput } from "../stage.ts";

/** A chosen trace with the question that it answers. */
export interface ChosenTexts {
  readonly question: Question;
  readonly trace: Trace;
}

/**
 * What the selection chose, in its order. Traces that were not chosen are not kept in
 * memory.
 */
export async function chosenTexts(
  input: (stage: "attempt" | "trace" | "select") => StageInput,
): Promise<ChosenTexts[]> {
  const wanted = await input("select").readRows("selection.jsonl", Selection);
  const questionIds = new Set(wanted.map(({ questionId }) => questionId));
  const traceIds = new Set(wanted.map(({ traceId }) => traceId));
  const questions = new Map<string, Question>();
  for await (const question of input("attempt").streamRows("questions.jsonl", Question))
    if (questionIds.has(question.id)) questions.set(question.id, question);
  const traces = new Map<string, Trace>();
  for await (const trace of input("trace").streamRows("traces.jsonl", Trace))
    if (traceIds.has(trace.id)) traces.set(trace.id, trace);
  return wanted.map(({ questionId, traceId }) => {
    const [question, trace] = [questions.get(questionId), traces.get(traceId)];
    if (question === undefined || trace === undefined)
      throw new Error(`bug in grappa: ${traceId} was chosen and is not there`);
    return { question, trace };
  });
}
