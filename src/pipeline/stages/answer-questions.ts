import { openTokenSource } from "../../adapters/engine/engine-token-source.ts";
import type { EngineHost } from "../../adapters/engine/open-engine.ts";
import type { ModelFolder } from "../../adapters/model-folder.ts";
import type { Generation } from "../../decode/row.ts";
import { sweep } from "../../decode/sweep.ts";
import { gradeGeneration, type GradedReply } from "./grade-generation.ts";
import { openReplyGrader } from "./grade-reply.ts";
import type { Question, ThinkingSetting } from "../../schema/records.ts";
import { thinkingDelimiters } from "../../tokenize/thinking-delimiters.ts";

/** How questions are put to a model. */
export interface AnswerOptions {
  /** Either all greedy, or all of one temperature. */
  readonly settings: readonly ThinkingSetting[];
  /** Names the sample where the settings have a temperature: with the question it seeds the draws. */
  readonly sampleKey?: string;
  /** Reserve for the answer, tokens. */
  readonly answerTokens: number;
  /** Questions decoded together; changes no result. */
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** Puts every question to a model under every setting; one array of replies a question, in the settings' order. */
export async function answerQuestions(
  engine: EngineHost,
  model: ModelFolder,
  questions: readonly Question[],
  options: AnswerOptions,
): Promise<GradedReply[][]> {
  const { tokenizer, chatTemplate, config } = model;
  const size = { slots: options.batchSize, contextTokens: config.maxPositions, choosableIds: tokenizer.vocabularySize };
  const source = await openTokenSource(engine, model, size);
  const temperature = options.settings[0]?.temperature ?? 0;
  const prompts = questions.map(({ id, text }) => ({
    promptIds: chatTemplate.encodePrompt([{ role: "user", content: text }]),
    answerTokens: options.answerTokens,
    sampling: { temperature, key: options.sampleKey === undefined ? id : `${id}/${options.sampleKey}` },
  }));
  const delimiters = thinkingDelimiters(tokenizer, "Wait", model.style);
  const generations = await sweep(source, prompts, { ...options, delimiters });
  const grader = openReplyGrader(options.signal);
  const graded = (question: Question, setting: ThinkingSetting, generation: Generation): Promise<GradedReply> =>
    gradeGeneration({ question, setting, generation }, { tokenizer, grader });
  try {
    const rows: GradedReply[][] = [];
    for (const [row, question] of questions.entries()) {
      const given = options.settings.flatMap((setting, column) => {
        const generation = generations[row]?.[column];
        return generation ? [graded(question, setting, generation)] : [];
      });
      rows.push(await Promise.all(given));
    }
    return rows;
  } finally {
    await grader.close();
  }
}
