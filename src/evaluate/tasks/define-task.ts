/** @file What a module with a task of one's own is written with: a task file whose verifier may be a function. */
import type { Verdict } from "../../schema/evaluation.ts";
import type { TaskFileInput } from "../../schema/task-file.ts";

/** What a verifier of one's own is given. */
export interface VerifiedReply {
  readonly reply: string;
  /** What the model was asked. */
  readonly prompt: string;
  /** The row of the data. */
  readonly row: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

/** What a verifier says: whether it is right, or more. Throwing says nothing of the model: the reply stays unscored. */
export type VerifierAnswer =
  | boolean
  | (Pick<Verdict, "outcome"> & Partial<Pick<Verdict, "extracted" | "canonical" | "explanation">>);

/** A verifier of one's own. */
export interface FunctionVerifier {
  readonly type: "function";
  /** Stands in the log as the task's profile. */
  readonly name: string;
  /** Yours to raise when the same reply could get another verdict. */
  readonly version: string;
  verify(reply: VerifiedReply): VerifierAnswer | Promise<VerifierAnswer>;
}

/** A task as a module gives it. */
export type TaskInput = Omit<TaskFileInput, "verifier"> & {
  readonly verifier: TaskFileInput["verifier"] | FunctionVerifier;
};

/** Gives completion and type checking to a task in a JavaScript module; returns its argument. */
export function defineTask(task: TaskInput): TaskInput {
  return task;
}

/** A verifier that is a function: `defineVerifier({ name, version, verify: ({ reply, row }) => ... })`. */
export function defineVerifier(verifier: Omit<FunctionVerifier, "type">): FunctionVerifier {
  return { type: "function", ...verifier };
}
