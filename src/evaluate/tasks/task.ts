/** @file What a task is: a benchmark's name, prompt and verifier, and the questions that its data file gives. */
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import type { Verdict } from "../../schema/evaluation.ts";

/** One question of a task, its gold already checked. */
export interface TaskQuestion {
  /** 16 hex digits: hash of the task's name and the row's own content, never of its order. */
  readonly id: string;
  /** Cluster of questions that are not independent (near-duplicates, variants); the id where it stands alone. */
  readonly cluster: string;
  /** What the model is asked, verbatim. */
  readonly prompt: string;
  /** The reference answer as a person reads it; null where only tests can tell. */
  readonly gold: string | null;
  /** Subject, level, source row and the like, for breakdowns. */
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
  /** Grades a reply to this question. Never rejects for what the reply holds. */
  verify(reply: string, ports: VerifierPorts, signal: AbortSignal): Promise<Verdict>;
}

/** A model that judges against a rubric, for what no rule can grade. */
export interface Judge {
  readonly name: string;
  ask(prompt: string, signal: AbortSignal): Promise<string>;
}

/** What verifiers may use; absent where the run has none, and a task that needs it says so before anything is generated. */
export interface VerifierPorts {
  readonly codeRunner?: CodeRunner;
  /** 32 random hex digits or more, new at every call: the mark by which a sandboxed program shows that it ran to its end. */
  readonly drawNonce?: () => string;
  readonly judge?: Judge;
}

/** A task with its questions, ready to be asked. */
export interface LoadedTask {
  readonly name: string;
  readonly version: string;
  readonly promptVersion: string;
  /** Grader profile, `code`, or the name of the user's own verifier. */
  readonly profile: string;
  readonly source: string;
  readonly sha256: string;
  readonly needs: readonly ("codeRunner" | "judge")[];
  readonly questions: readonly TaskQuestion[];
}
