/** @file How often each model was right, from the stages of a run that are done. */
import { readJsonl } from "../adapters/store/jsonl.ts";
import type { StageName } from "../schema/manifest.ts";
import { Attempt, GradedTrace, Trace } from "../schema/records.ts";
import type { SolvedCount } from "./plan-figures.ts";

/** Path of a finished stage's file; undefined where there is none. */
export type FinishedFile = (stage: StageName, file: string) => Promise<string | undefined>;

/** Counts of attempts and traces; a question counts as solved by a model when one of its replies is right. */
export async function readSolved(finished: FinishedFile): Promise<SolvedCount[]> {
  return [...(await readAttempts(finished)), ...(await readTraces(finished))];
}

/** Whether each question that a model was asked was solved. */
class Tally {
  readonly #models = new Map<string, Omit<SolvedCount, "asked" | "solved"> & { questions: Map<string, boolean> }>();

  add(who: Omit<SolvedCount, "asked" | "solved">, questionId: string, isRight: boolean): void {
    const name = `${who.provider}/${who.model}`;
    const { questions } = this.#models.get(name) ?? { questions: new Map<string, boolean>() };
    questions.set(questionId, isRight || questions.get(questionId) === true);
    this.#models.set(name, { ...who, questions });
  }

  counts(): SolvedCount[] {
    return [...this.#models.values()].map(({ questions, ...who }) => ({
      ...who,
      asked: questions.size,
      solved: [...questions.values()].filter(Boolean).length,
    }));
  }
}

async function readAttempts(finished: FinishedFile): Promise<SolvedCount[]> {
  const path = await finished("attempt", "attempts.jsonl");
  if (path === undefined) return [];
  const tally = new Tally();
  for await (const { model, questionId, grade } of readJsonl(path, Attempt))
    tally.add({ account: "attempt", ...attemptedBy(model) }, questionId, grade.outcome === "correct");
  return tally.counts();
}

/** The base's attempts are named by its weights, a reference student's `PROVIDER/MODEL`. */
function attemptedBy(model: string): { readonly provider: string; readonly model: string } {
  if (/^base-[0-9a-f]{16}$/.test(model)) return { provider: "base", model: "base" };
  const slash = model.indexOf("/");
  return { provider: model.slice(0, Math.max(0, slash)), model: model.slice(slash + 1) };
}

async function readTraces(finished: FinishedFile): Promise<SolvedCount[]> {
  const [traces, grades] = [await finished("trace", "traces.jsonl"), await finished("grade", "grades.jsonl")];
  if (traces === undefined || grades === undefined) return [];
  const right = new Set<string>();
  for await (const { traceId, grade } of readJsonl(grades, GradedTrace))
    if (grade.outcome === "correct") right.add(traceId);
  const tally = new Tally();
  for await (const { id, questionId, provider, model } of readJsonl(traces, Trace))
    tally.add({ account: "trace", provider, model }, questionId, right.has(id));
  return tally.counts();
}
