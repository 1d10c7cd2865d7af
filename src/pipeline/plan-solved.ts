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

/** Who was asked. */
type Asked = Pick<SolvedCount, "provider" | "model">;

/** Counts, by model, the questions it was asked and those of them it solved. */
export class SolvedTally {
  readonly #account: SolvedCount["account"];
  readonly #models = new Map<string, { readonly who: Asked; readonly questions: Map<string, boolean> }>();

  constructor(account: SolvedCount["account"]) {
    this.#account = account;
  }

  /** Counts one reply, or its absence. */
  add(who: Asked, questionId: string, isRight: boolean): void {
    const name = JSON.stringify([who.provider, who.model]);
    let model = this.#models.get(name);
    if (model === undefined) this.#models.set(name, (model = { who, questions: new Map() }));
    model.questions.set(questionId, isRight || model.questions.get(questionId) === true);
  }

  counts(): SolvedCount[] {
    return [...this.#models.values()].map(({ who, questions }) => ({
      account: this.#account,
      provider: who.provider,
      model: who.model,
      asked: questions.size,
      solved: [...questions.values()].filter(Boolean).length,
    }));
  }
}

async function readAttempts(finished: FinishedFile): Promise<SolvedCount[]> {
  const path = await finished("attempt", "attempts.jsonl");
  if (path === undefined) return [];
  const tally = new SolvedTally("attempt");
  for await (const { model, questionId, grade } of readJsonl(path, Attempt))
    tally.add(attemptedBy(model), questionId, grade.outcome === "correct");
  return tally.counts();
}

/** The base's attempts are named by its weights, a reference student's `PROVIDER/MODEL`. */
function attemptedBy(model: string): Asked {
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
  const tally = new SolvedTally("trace");
  for await (const { id, questionId, provider, model } of readJsonl(traces, Trace))
    tally.add({ provider, model }, questionId, right.has(id));
  return tally.counts();
}
