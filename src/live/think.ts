/** @file One reply of one model, told piece by piece while it comes. */
import { AppError } from "../core/errors.ts";
import { generate } from "../decode/generate.ts";
import type { EmittedToken } from "../decode/thinking-budget.ts";
import type { TokenSource } from "../decode/token-source.ts";
import { gradeInteger } from "../grade/exact.ts";
import { chainFamilies } from "../questions/chain-families.ts";
import { visibleText } from "../report/plain-text.ts";
import type { LiveModelName } from "../report/live-student.ts";
import type { Grade } from "../schema/records.ts";
import type { LiveModels } from "./live-models.ts";
import type { LivePiece, LiveQuestionAsked, LiveReply } from "./live-protocol.ts";

/** What thinking needs of its surroundings. */
export interface ThinkPorts {
  readonly signal: AbortSignal;
  readonly onPieces: (pieces: readonly LivePiece[]) => void;
  /** Waited for before each of the model's tokens: lets messages in, and people read. */
  readonly pause: () => Promise<void>;
  /** Milliseconds of any clock that only runs forward. */
  readonly now: () => number;
}

/**
 * Puts a question to a model, greedily.
 *
 * @throws {AppError} interrupted (the signal), limit-exceeded (the question is too long for the context)
 */
export async function think(
  models: LiveModels,
  asked: LiveQuestionAsked & { readonly model: LiveModelName },
  ports: ThinkPorts,
): Promise<LiveReply> {
  const { tokenizer, chatTemplate, delimiters, answerTokens } = models;
  const source = models.sources.get(asked.model);
  if (source === undefined) throw new Error(`bug in grappa: the page carries no ${asked.model}`);
  const clocked = clockedSource(source, ports);
  const request = {
    promptIds: chatTemplate.encodePrompt([{ role: "user", content: asked.question }]),
    setting: asked.setting,
    answerTokens,
    sampling: { temperature: 0, key: asked.question },
    onEmit: pieceTeller(models, asked, ports.onPieces),
  };
  const [generation] = await generate(clocked.source, [request], { delimiters, signal: ports.signal });
  if (generation === undefined) throw new Error("bug in grappa: one request gives one generation");
  const answer = tokenizer.decode(generation.answerIds).trim();
  return {
    thinkingTokens: generation.thinkingIds.length,
    answer,
    end: generation.end,
    answerFinish: generation.answerFinish,
    grade: gradeLive(asked.question, answer),
    ...clocked.spent(),
  };
}

/** The source with a pause before each call, a check that nobody has stopped it meanwhile, and a clock around the work. */
function clockedSource(source: TokenSource, { signal, pause, now }: ThinkPorts) {
  let chosenTokens = 0;
  let milliseconds = 0;
  const extend: TokenSource["extend"] = async (rows) => {
    await pause();
    if (signal.aborted) throw new AppError("interrupted", "stopped", { cause: signal.reason, isRetryable: true });
    const started = now();
    const chosen = await source.extend(rows);
    milliseconds += now() - started;
    chosenTokens += rows.length;
    return chosen;
  };
  return {
    source: { ...source, extend },
    spent: () => ({ chosenTokens, computeSeconds: milliseconds / 1000 }),
  };
}

/** Ids to pieces of text. The end of thinking behind the heading opens the answer's box; direct answers have no other. */
function pieceTeller(
  { tokenizer, delimiters }: LiveModels,
  { setting }: Pick<LiveQuestionAsked, "setting">,
  onPieces: ThinkPorts["onPieces"],
): (items: readonly EmittedToken[]) => void {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let box: LivePiece["box"] = setting.mode === "direct" ? "answer" : "thinking";
  let delimiterTokens = 0;
  return (items) => {
    const pieces = items.map(({ token, forced, part }): LivePiece => {
      const isEnd = token === delimiters.stopIds.thinkingEnd && delimiterTokens >= delimiters.thinkStart.length;
      if (part === "delimiter") delimiterTokens += 1;
      if (part === "delimiter" && isEnd) box = "answer";
      const text = visibleText(decoder.decode(tokenizer.bytesOf(token), { stream: true }));
      return { text, isForced: forced, box };
    });
    onPieces(pieces.filter(({ text }) => text !== ""));
  };
}

/** The verdict of whichever family reads the question; null when none does. */
function gradeLive(question: string, answer: string): Grade | null {
  const family = Object.values(chainFamilies).find(({ parse }) => parse(question) !== null);
  return family === undefined ? null : gradeInteger(question, answer, family.verify);
}
