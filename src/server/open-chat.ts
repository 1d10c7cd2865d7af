/** @file A conversation with a student or a GGUF in this process, its thoughts shown as they come. */
import { AppError } from "../core/errors.ts";
import { heldOutQuestions } from "../pipeline/stages/evaluation-passes.ts";
import { readRecipe } from "../pipeline/run-folder.ts";
import type { ChatReply, ChatSession, ChatSetting, ChatWatch, OpenChatOptions } from "../pipeline/services.ts";
import { ApiError } from "./openai/api-error.ts";
import { openAnyModel } from "./open-gguf-model.ts";
import type { ReplyEnd } from "./choice-teller.ts";
import { ReplyMaker } from "./served-model.ts";

const ANSWER_TOKENS = 512;
/** Of the context, what an answer may take at most. */
const ANSWER_SHARE = 1 / 16;
/** Longer prompts are refused before they are encoded. */
const MAX_PROMPT_CHARACTERS = 65_536;

/** Loads a student into an engine of its own. Throws as `openAnyModel` does. */
export async function openChat({ fs, folder, name, runFolder, threads, gguf }: OpenChatOptions): Promise<ChatSession> {
  const model = await openAnyModel({ folder, id: name, threads, slots: 1, waits: 0, waitText: "Wait", gguf });
  const { contextTokens } = model.runtime;
  const answerReserve = Math.max(64, Math.min(ANSWER_TOKENS, Math.floor(contextTokens * ANSWER_SHARE)));
  const maker = new ReplyMaker(model, () => "chat"); // greedy: nothing is drawn
  const reply: ChatSession["reply"] = async (prompt, setting, watch) => {
    if (prompt.length > MAX_PROMPT_CHARACTERS) throw promptTooLong(prompt.length);
    return await replyTo(maker, { prompt, setting, answerReserve }, watch);
  };
  try {
    const recipe = runFolder === undefined ? undefined : await readRecipe(fs, runFolder);
    const example = recipe && heldOutQuestions({ ...recipe, evaluate: { ...recipe.evaluate, count: 1 } })[0]?.text;
    return { model: name, maxThinkingTokens: contextTokens, example, reply, close: () => model.runtime.close() };
  } catch (error) {
    await model.runtime.close();
    throw error;
  }
}

async function replyTo(
  maker: ReplyMaker,
  { prompt, setting, answerReserve }: { prompt: string; setting: ChatSetting; answerReserve: number },
  { signal, onPiece }: ChatWatch,
): Promise<ChatReply> {
  const { budgetTokens, waits } = setting;
  const thinking = { waits, answerReserve, ...(budgetTokens === undefined ? {} : { budgetTokens }) };
  const asked = { model: maker.model.id, isStreamed: true, withUsage: false, temperature: 0, choices: 1, stops: [] };
  const texts = { thinking: "", answer: "" };
  let ended: ReplyEnd | undefined;
  try {
    const messages = [{ role: "user" as const, content: prompt }];
    const prepared = maker.prepare({ ...asked, messages, thinking, seed: undefined });
    const listener = {
      onPiece: (piece: Parameters<NonNullable<ChatWatch["onPiece"]>>[0]) => {
        texts[piece.part] += piece.text;
        onPiece?.(piece);
      },
      onEnd: (end: ReplyEnd) => void (ended = end),
    };
    await prepared.run(listener, { signal, caller: "chat" });
  } catch (error) {
    // What an API says with a status, a person at a terminal reads as any other error.
    throw error instanceof ApiError ? new AppError("limit-exceeded", error.message, { cause: error }) : error;
  }
  const { thinkingTokens, answerTokens, forcedTokens, end } = ended as ReplyEnd;
  return { ...texts, thinkingTokens, answerTokens, forcedTokens, end: end ?? "natural" };
}

function promptTooLong(length: number): AppError {
  return new AppError(
    "limit-exceeded",
    `the prompt has ${length} characters, at most ${MAX_PROMPT_CHARACTERS} are taken`,
  );
}
