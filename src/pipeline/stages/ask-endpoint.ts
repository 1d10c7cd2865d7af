/** @file Puts questions to one endpoint on the run's accounts: what attempts and traces share. */
import { refuseBatchedElsewhere } from "../../adapters/teacher/batch/batched-elsewhere.ts";
import { FlowGates } from "../../adapters/teacher/flow-gate.ts";
import { PurchasePlan } from "../../adapters/teacher/purchase-plan.ts";
import { systemWaiting, type Waiting } from "../../adapters/teacher/retry-delay.ts";
import {
  type TraceOptions,
  type TraceOutcome,
  type TraceProgress,
  traceQuestions,
} from "../../adapters/teacher/trace-questions.ts";
import type { ChatMessage } from "../../ledger/request-key.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Question } from "../../schema/records.ts";
import type { RunAccounts } from "../run-accounts.ts";
import type { OpenTeacher } from "./open-teacher.ts";
import type { TeacherWorld } from "./teacher-world.ts";

/** What asking needs beside the questions and the endpoint. */
export interface AskPorts {
  readonly accounts: RunAccounts;
  readonly world: TeacherWorld;
  readonly signal: AbortSignal;
  /** Seeds the jitter of retries. */
  readonly seed: number;
  /** Tries of one request after the first. */
  readonly maxRetries: number;
  /** Asks again for what was refused for good before. */
  readonly retryFailed?: boolean;
  /** Shared by all who ask, so that roles that ask one model keep to its limits together. */
  readonly flows: FlowGates;
  /** Folder of the journal; batches are remembered beside it. */
  readonly journalFolder: string;
  readonly onProgress?: (progress: TraceProgress) => void;
  /** See `traceQuestions`. */
  readonly onStopped?: () => void;
  /** Stands in for the machine's time in tests. */
  readonly waiting?: Waiting;
}

/** Of a run, what asking needs; a stage's context is one. */
export interface AskContext extends Pick<AskPorts, "signal" | "retryFailed" | "journalFolder"> {
  readonly recipe: Pick<Recipe, "seed" | "trace">;
  accounts(): Promise<RunAccounts>;
}

/** What asking needs, on the accounts and in the name of a run; models are gated anew. */
export async function askPortsOf(context: AskContext, world: TeacherWorld): Promise<AskPorts> {
  const { recipe, signal, retryFailed = false, journalFolder } = context;
  const { seed, trace } = recipe;
  const accounts = await context.accounts();
  const flows = new FlowGates(systemWaiting(seed));
  return { accounts, world, signal, seed, maxRetries: trace.maxRetries, retryFailed, flows, journalFolder };
}

/** What is asked, and on whose account. */
export interface AskRequest {
  readonly account: "attempt" | "trace" | "evaluate";
  readonly questions: readonly Question[];
  /** First sample and how many; sample i of a question is another purchase than sample j. */
  readonly samples: { readonly first: number; readonly count: number };
  readonly render?: (question: Question) => readonly ChatMessage[];
  /** What becomes of cut replies; unless told they are handed over as they are. */
  readonly salvage?: TraceOptions["salvage"];
}

/**
 * Asks one endpoint, and yields outcomes by question id and sample; see `traceQuestions`. What an earlier process put into
 * a batch is taken from there first, whether or not the recipe still buys through batches.
 *
 * @throws AppError as `traceQuestions`; "run-changed" where a batch of another stage holds what would be bought.
 */
export async function* askEndpoint(
  opened: OpenTeacher,
  request: AskRequest,
  ports: AskPorts,
): AsyncGenerator<TraceOutcome> {
  const { accounts, signal, seed, maxRetries, retryFailed = false, flows, onProgress, onStopped } = ports;
  const { waiting = systemWaiting(seed), world, journalFolder } = ports;
  const { account, questions, samples, render, salvage } = request;
  const { teacher, price, params, maxTokens, concurrency, limits } = opened;
  const batch = await opened.openBatches?.({ ...world, journalFolder, stage: account });
  const options: TraceOptions = {
    ...accounts,
    flows,
    limits,
    retryFailed,
    teacher,
    price,
    params,
    maxTokens,
    concurrency,
    stage: account,
    firstSample: samples.first,
    samplesPerQuestion: samples.count,
    maxRetries,
    waiting,
    signal,
    ...(render === undefined ? {} : { render }),
    ...(salvage === undefined ? {} : { salvage }),
    ...(batch === undefined ? {} : { batch }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(onStopped === undefined ? {} : { onStopped }),
  };
  try {
    if (opened.openBatches !== undefined) {
      const { journal } = accounts;
      const batches = { journal, journalFolder, maxTokens, statePath: batch?.statePath };
      await refuseBatchedElsewhere(new PurchasePlan(questions, options), batches);
    }
    yield* traceQuestions(questions, options);
  } finally {
    await batch?.close();
  }
}
