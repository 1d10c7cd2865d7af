/** @file Puts what is missing to a model, grades each reply, and hands over each sample once: the heart of an evaluation. */
import { AppError } from "../core/errors.ts";
import type { EvaluationSample, SandboxFacts, Verdict } from "../schema/evaluation.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import type { AnswerContext, EvaluatedModel, ModelOutcome, ModelReply, ModelRequest } from "./evaluated-model.ts";
import type { TaskQuestion, VerifierPorts } from "./tasks/task.ts";

/** What answering and grading needs. */
export interface AnswerAndGradeOptions {
  readonly model: EvaluatedModel;
  readonly requests: readonly ModelRequest[];
  readonly questions: ReadonlyMap<string, TaskQuestion>;
  readonly ports: VerifierPorts;
  readonly graderVersion: string;
  readonly sandbox: SandboxFacts | null;
  /** Keeps a sample; resolves when it is safe. */
  readonly write: (sample: EvaluationSample) => Promise<unknown>;
  readonly context: AnswerContext;
}

/** Replies graded at once; a sandbox has a queue of its own. */
const MAX_GRADING = 64;

/**
 * Answers, grades and writes until nothing is missing. Whatever stops it, every sample whose grading had begun is
 * written before it rejects, unless the signal stopped the grading too.
 *
 * @throws AppError as the model, the verifier or `write`; "provider" when replies are missing that may be had later.
 */
export async function answerAndGrade(options: AnswerAndGradeOptions): Promise<void> {
  const { model, requests, context } = options;
  const grading = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  let outcomes = 0;
  const begin = (outcome: ModelOutcome): void => {
    const work: Promise<void> = gradeAndWrite(outcome, options)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => grading.delete(work));
    grading.add(work);
  };
  try {
    for await (const outcome of model.answer(requests, context)) {
      outcomes += 1;
      begin(outcome);
      if (grading.size >= MAX_GRADING) await Promise.race(grading);
      if (failure !== undefined) break;
    }
  } finally {
    await Promise.all(grading);
  }
  if (failure !== undefined) throw failure.error;
  const wanted = requests.reduce((sum, { settings }) => sum + settings.length, 0);
  if (outcomes < wanted) throw missingReplies(wanted - outcomes);
}

async function gradeAndWrite(outcome: ModelOutcome, options: AnswerAndGradeOptions): Promise<void> {
  const question = options.questions.get(outcome.questionId);
  if (question === undefined) throw new Error(`bug in grappa: ${outcome.questionId} was answered and never asked`);
  await options.write(
    sampleOf(question, outcome, { ...options, verdict: await gradeOutcome(question, outcome, options) }),
  );
}

async function gradeOutcome(
  question: TaskQuestion,
  outcome: ModelOutcome,
  { ports, context }: AnswerAndGradeOptions,
): Promise<Verdict> {
  if (outcome.type === "failure") return unscored(outcome.reason);
  return await question.verify(outcome.reply.answer, ports, context.signal);
}

/** The verdict on a sample that the model never gave: it counts neither as right nor as wrong. */
function unscored(reason: string): Verdict {
  return {
    outcome: "unscored",
    extracted: null,
    canonical: null,
    rule: "no-reply",
    explanation: reason.slice(0, 500),
    flexible: null,
  };
}

function sampleOf(
  question: TaskQuestion,
  outcome: ModelOutcome,
  { verdict, graderVersion, sandbox }: Pick<AnswerAndGradeOptions, "graderVersion" | "sandbox"> & { verdict: Verdict },
): EvaluationSample {
  const { setting, sampleIndex } = outcome;
  const reply = outcome.type === "reply" ? outcome.reply : noReply(outcome);
  return {
    schemaVersion: SCHEMA_VERSION,
    questionId: question.id,
    cluster: question.cluster,
    setting,
    sampleIndex,
    ...reply,
    verdict,
    graderVersion,
    sandbox,
  };
}

function noReply({ promptHash, costMicroUsd }: Pick<ModelReply, "promptHash" | "costMicroUsd">): ModelReply {
  return {
    promptHash,
    thinking: "",
    answer: "",
    promptTokens: 0,
    thinkingTokens: 0,
    completionTokens: 0,
    finishReason: "other",
    isThinkingCut: false,
    costMicroUsd,
  };
}

function missingReplies(count: number): AppError {
  return new AppError("provider", `${count} ${count === 1 ? "reply" : "replies"} could not be had for now`, {
    hint: "run the same command again: it asks for what is missing alone",
    data: { missing: count },
    isRetryable: true,
  });
}
