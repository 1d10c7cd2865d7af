import type { RejectionOutcome } from "../../decode/rejection-sampling.ts";
import type { Generation } from "../../decode/row.ts";
import type { Grade, Question, RejectedTries, ThinkingSetting } from "../../schema/records.ts";
import type { Tokenizer } from "../../tokenize/build-tokenizer.ts";
import type { ReplyGrader } from "./grade-reply.ts";

/** What a model replied to one question under one setting, graded. */
export interface GradedReply {
  readonly setting: ThinkingSetting;
  readonly thinking: string;
  readonly answer: string;
  readonly thinkingTokens: number;
  readonly answerTokens: number;
  readonly end: "natural" | "cut" | "direct";
  readonly answerFinish: "stop" | "length";
  readonly rejection?: RejectedTries;
  readonly grade: Grade;
}

/** The reply that rejection sampling kept; one without text where it gave up. */
export async function gradeTries(
  { question, setting, outcome }: { question: Question; setting: ThinkingSetting; outcome: RejectionOutcome },
  by: { tokenizer: Pick<Tokenizer, "decode">; grader: ReplyGrader },
): Promise<GradedReply> {
  const { tries, thrownAwayTokens } = outcome;
  const generation = outcome.generation ?? NO_REPLY;
  const reply = await gradeGeneration({ question, setting, generation }, by);
  return { ...reply, rejection: { tries, thrownAwayTokens, isGivenUp: outcome.generation === null } };
}

const NO_REPLY: Generation = {
  ids: [],
  forcedMask: [],
  thinkingIds: [],
  answerIds: [],
  end: "cut",
  answerFinish: "length",
};

/** A generation as text, with its grade. */
export async function gradeGeneration(
  { question, setting, generation }: { question: Question; setting: ThinkingSetting; generation: Generation },
  { tokenizer, grader }: { tokenizer: Pick<Tokenizer, "decode">; grader: ReplyGrader },
): Promise<GradedReply> {
  const { thinkingIds, answerIds, end, answerFinish } = generation;
  const answer = tokenizer.decode(answerIds).trim();
  return {
    setting,
    answer,
    end,
    answerFinish,
    thinking: tokenizer.decode(thinkingIds).trim(),
    thinkingTokens: thinkingIds.length,
    answerTokens: answerIds.length,
    grade: await grader.grade(question, answer),
  };
}
