/** @file Questions as the prompts of a generate job. Pure; what asks and what reads the replies is elsewhere. */
import { AppError } from "../core/errors.ts";
import type { GenerateModel, GeneratePrompt } from "../schema/generate-job.ts";
import type { ThinkingSetting } from "../schema/records.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import type { ChatTemplate } from "../tokenize/chat.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { sweepOrder } from "./sweep.ts";
import { overheadTokens } from "./thinking-budget.ts";

/** Delimiters as plain data. */
export function delimiterIds(delimiters: ThinkingDelimiters): GenerateModel["delimiters"] {
  const { thinkStart, answerStart, directStart, cutAnswer, newline, newlineEndings, wait, stopIds } = delimiters;
  return {
    thinkStart: [...thinkStart],
    answerStart: [...answerStart],
    directStart: [...directStart],
    cutAnswer: [...cutAnswer],
    newline: [...newline],
    newlineEndings: [...newlineEndings],
    wait: [...wait],
    stopIds: { ...stopIds },
  };
}

/** One model's turn at the questions: all greedy, or one sample of each. */
export interface PromptPass {
  readonly model: string;
  readonly settings: readonly ThinkingSetting[];
  /** Names the pass among those of the model; the first part of its prompts' keys. */
  readonly name: string;
  /** Names the sample where the settings have a temperature: with the question it seeds the draws. */
  readonly sampleKey?: string | undefined;
}

/** What a prompt must fit. */
export interface PromptRoom {
  readonly chatTemplate: Pick<ChatTemplate, "encodePrompt">;
  readonly delimiters: ThinkingDelimiters;
  readonly contextTokens: number;
  readonly answerTokens: number;
}

/** The key of a question's prompt in a pass. */
export function promptKey({ name }: Pick<PromptPass, "name">, questionId: string): string {
  return `${name}/${questionId}`;
}

/**
 * The prompts of a pass, settings in the order that costs least.
 * @throws {AppError} limit-exceeded: a question and an answer do not fit the context; told before anything is rented
 */
export function promptsOf(
  questions: readonly { readonly id: string; readonly text: string }[],
  pass: PromptPass,
  room: PromptRoom,
): GeneratePrompt[] {
  const settings = sweepOrder(pass.settings).map((place) => pass.settings[place] as ThinkingSetting);
  const temperature = pass.settings[0]?.temperature ?? 0;
  return questions.map(({ id, text }) => {
    const ids = room.chatTemplate.encodePrompt([{ role: "user", content: text }]);
    if (ids.length + overheadTokens(room) > room.contextTokens) throw tooLong(id, ids.length, room);
    const key = pass.sampleKey === undefined ? id : `${id}/${pass.sampleKey}`;
    return {
      schemaVersion: SCHEMA_VERSION,
      model: pass.model,
      key: promptKey(pass, id),
      ids,
      sampling: { temperature, key },
      settings,
    };
  });
}

function tooLong(id: string, promptTokens: number, { contextTokens, answerTokens }: PromptRoom): AppError {
  const message = `question ${id} of ${promptTokens} tokens with ${answerTokens} for its answer does not fit a context of ${contextTokens}`;
  return new AppError("limit-exceeded", message, {
    hint: "lower answerTokens, or ask shorter questions",
    data: { id, promptTokens, answerTokens, contextTokens },
  });
}
