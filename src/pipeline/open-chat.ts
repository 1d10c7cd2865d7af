/** @file A conversation with the student that a run trained. */
import { basename } from "node:path";
import { openTokenSource } from "../adapters/engine/engine-token-source.ts";
import { type EngineHost, openEngine } from "../adapters/engine/open-engine.ts";
import { type ModelFolder, readModelFolder } from "../adapters/model-folder.ts";
import { AppError } from "../core/errors.ts";
import { generate } from "../decode/generate.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { findStudent } from "./find-student.ts";
import { readRecipe } from "./run-folder.ts";
import { heldOutQuestions } from "./stages/evaluate.ts";
import type { ChatReply, ChatSession, ChatSetting, OpenChatOptions } from "./services.ts";

const CHAT_ENGINE_BYTES = 512 << 20;
const ANSWER_TOKENS = 64;
/** Longer prompts are refused before they are encoded. */
const MAX_PROMPT_CHARACTERS = 65_536;

/** Loads a run's student into an engine of its own. Throws as `findStudent` and `readModelFolder` do, or "engine". */
export async function openChat({ fs, folder, threads }: OpenChatOptions): Promise<ChatSession> {
  const model = await readModelFolder(await findStudent(fs, folder));
  const engine = await openEngine({ threads, memoryBytes: CHAT_ENGINE_BYTES });
  try {
    const recipe = await readRecipe(fs, folder);
    const example = recipe && heldOutQuestions({ ...recipe, evaluate: { ...recipe.evaluate, count: 1 } })[0]?.text;
    return { ...(await openSession(engine, model)), model: `${basename(folder)}'s student`, example };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function openSession(engine: EngineHost, model: ModelFolder): Promise<Omit<ChatSession, "model" | "example">> {
  const { tokenizer, chatTemplate, config } = model;
  const size = { slots: 1, contextTokens: config.maxPositions, choosableIds: tokenizer.vocabularySize };
  const source = await openTokenSource(engine, model, size);
  const delimiters = thinkingDelimiters(tokenizer, "Wait", model.style);
  const reply = async (prompt: string, setting: ChatSetting, signal: AbortSignal): Promise<ChatReply> => {
    if (prompt.length > MAX_PROMPT_CHARACTERS) throw promptTooLong(prompt.length);
    const promptIds = chatTemplate.encodePrompt([{ role: "user", content: prompt }]);
    const budgetTokens = setting.budgetTokens ?? config.maxPositions;
    const mode = budgetTokens === 0 ? "direct" : "think";
    const request = {
      promptIds,
      setting: { mode, budgetTokens, waits: mode === "direct" ? 0 : setting.waits },
      answerTokens: ANSWER_TOKENS,
      sampling: { temperature: 0, key: prompt },
    } as const;
    const [generation] = await generate(source, [request], { delimiters, signal });
    if (!generation) throw new AppError("engine", "the engine gave no reply");
    return {
      thinking: tokenizer.decode(generation.thinkingIds).trim(),
      answer: tokenizer.decode(generation.answerIds).trim(),
      thinkingTokens: generation.thinkingIds.length,
      answerTokens: generation.answerIds.length,
      end: generation.end,
    };
  };
  return { maxThinkingTokens: config.maxPositions, reply, close: () => engine.close() };
}

function promptTooLong(length: number): AppError {
  return new AppError(
    "limit-exceeded",
    `the prompt has ${length} characters, at most ${MAX_PROMPT_CHARACTERS} are taken`,
  );
}
