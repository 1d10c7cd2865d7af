import { openTokenSource } from "../../adapters/engine/engine-token-source.ts";
import type { EngineHost } from "../../adapters/engine/open-engine.ts";
import type { ModelFolder } from "../../adapters/model-folder.ts";
import { finishTries, RejectionTries, type TriedRequest } from "../../decode/rejection-sampling.ts";
import { sweep } from "../../decode/sweep.ts";
import type { TokenSource } from "../../decode/token-source.ts";
import { withBatch } from "../../decode/with-batch.ts";
import { gradeGeneration, type GradedReply, gradeTries } from "./grade-generation.ts";
import { openReplyGrader } from "./grade-reply.ts";
import type { Question, ThinkingSetting } from "../../schema/records.ts";
import { type ThinkingDelimiters, thinkingDelimiters } from "../../tokenize/thinking-delimiters.ts";

/** How questions are put to a model. */
export interface AnswerOptions {
  /** All greedy, or all of one temperature; all of rejection sampling, or none. */
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
  const decoding = { ...options, delimiters };
  const isTried = options.settings.some(({ maxTries }) => maxTries !== undefined);
  const grader = openReplyGrader(options.signal);
  const by = { tokenizer, grader };
  const asked = { questions, settings: options.settings };
  try {
    if (isTried) {
      const tried = await tryPrompts(source, prompts, decoding);
      return await gradeRows(tried, asked, (one, outcome) => gradeTries({ ...one, outcome }, by));
    }
    const decoded = await sweep(source, prompts, decoding);
    return await gradeRows(decoded, asked, (one, generation) => gradeGeneration({ ...one, generation }, by));
  } finally {
    await grader.close();
  }
}

/** Tries every prompt until each cap is settled; one outcome a setting. */
async function tryPrompts(
  source: TokenSource,
  prompts: readonly TriedRequest[],
  { settings, onProgress, ...decoding }: AnswerOptions & { readonly delimiters: ThinkingDelimiters },
) {
  const limits = settings.map(({ budgetTokens, maxTries = 1 }) => ({ rejectAbove: budgetTokens, maxTries }));
  let done = 0;
  return await withBatch(source, decoding, (decode) =>
    Promise.all(
      prompts.map(async (prompt) => {
        const outcomes = await finishTries(new RejectionTries(limits), prompt, decode);
        done += settings.length;
        onProgress(done, settings.length * prompts.length);
        return outcomes;
      }),
    ),
  );
}

/** Grades question by question, the settings of one at once. */
async function gradeRows<T>(
  found: readonly (readonly T[])[],
  { questions, settings }: { readonly questions: readonly Question[]; readonly settings: readonly ThinkingSetting[] },
  grade: (one: { readonly question: Question; readonly setting: ThinkingSetting }, item: T) => Promise<GradedReply>,
): Promise<GradedReply[][]> {
  const rows: GradedReply[][] = [];
  for (const [row, question] of questions.entries()) {
    const given = settings.flatMap((setting, column) => {
      const item = found[row]?.[column];
      return item === undefined ? [] : [grade({ question, setting }, item)];
    });
    rows.push(await Promise.all(given));
  }
  return rows;
}
