/** @file Reads a chat completion in OpenAI's shape, with reasoning wherever providers put it. Pure. */
import { z } from "zod";
import type { FinishReason, Provenance, Usage } from "../../schema/records.ts";
import { excerptOf } from "./excerpt.ts";
import { parseJson } from "./json-fields.ts";
import { abandoned, checkedReply, type Divided, malformed, type ReplyContext } from "./reply-reader.ts";
import type { TeacherReply } from "./teacher.ts";

const text = z.string().nullish();
const tokens = z.int().min(0).max(1_000_000_000).nullish().catch(undefined);

const UsageReport = z.object({
  prompt_tokens: tokens,
  completion_tokens: tokens,
  total_tokens: tokens,
  reasoning_tokens: tokens,
  completion_tokens_details: z.object({ reasoning_tokens: tokens }).nullish().catch(undefined),
});

const Choice = z.object({ index: z.int().nullish().catch(undefined), finish_reason: text });
const usage = UsageReport.nullish().catch(undefined);

type UsageReport = z.infer<typeof UsageReport>;

const ChatCompletion = z.object({
  choices: z.array(Choice.extend({ message: z.object({ content: text, reasoning_content: text, reasoning: text }) })),
  usage,
});
const TextCompletion = z.object({ choices: z.array(Choice.extend({ text: z.string() })), usage });

/** What the reader must know beyond the body. */
export interface CompletionContext extends ReplyContext {
  /** What this provider's reasoning is. */
  readonly provenance: Provenance;
}

/** A response's body: its text, or what a stream's pieces were put together to. */
export type CompletionBody = string | Readonly<Record<string, unknown>>;

/**
 * The reply in a response body. Where several choices came back the first counts.
 * @throws {TeacherError} `malformed`: not JSON, not a completion, empty, or too long; with the usage if it can be read.
 */
export function readChatCompletion(
  body: CompletionBody,
  context: CompletionContext,
  split: (message: MessageText) => Divided = splitReasoning,
): TeacherReply {
  return readCompletion(body, context, {
    what: "a chat completion",
    schema: ChatCompletion,
    split: ({ message }) => split(message),
    last: ({ message: { reasoning_content, reasoning, content } }) => lastText(reasoning_content, reasoning, content),
  });
}

/** As {@link readChatCompletion}, of an endpoint that completed a text; `split` divides it into thinking and answer. */
export function readTextCompletion(
  body: CompletionBody,
  context: CompletionContext,
  split: (text: string) => Divided,
): TeacherReply {
  const shape = { what: "a text completion", schema: TextCompletion };
  const parts = {
    split: ({ text: whole }: { text: string }) => split(whole),
    last: ({ text: whole }: { text: string }) => whole,
  };
  return readCompletion(body, context, { ...shape, ...parts });
}

/** One API's shape of a completion. */
interface CompletionShape<C> {
  readonly what: string;
  readonly schema: z.ZodType<{ choices: C[]; usage?: UsageReport | null | undefined }>;
  readonly split: (choice: C) => Divided;
  /** The text that came last, as it came. */
  readonly last: (choice: C) => string;
}

const lastText = (...fields: (string | null | undefined)[]): string =>
  fields.filter((field) => typeof field === "string" && field.trim() !== "").at(-1) ?? "";

/** A cut reply with the space on which it was cut: gone on with without it, two words would become one. */
function keepSpaceAtCut({ thinking, answer }: Divided, last: string): Divided {
  const space = last.slice(last.trimEnd().length);
  return answer === "" ? { thinking: thinking + space, answer } : { thinking, answer: answer + space };
}

function readCompletion<C extends z.infer<typeof Choice>>(
  body: CompletionBody,
  context: CompletionContext,
  { what, schema, split, last }: CompletionShape<C>,
): TeacherReply {
  const shown = (): string => excerptOf(typeof body === "string" ? body : JSON.stringify(body));
  const json = typeof body === "string" ? parseJson(body) : body;
  if (json === undefined) throw malformed(context, `not JSON (${shownLength(body)} characters): ${shown()}`);
  const completion = schema.safeParse(json);
  if (!completion.success) {
    const [issue] = completion.error.issues;
    const where = issue?.path.join(".") || "body";
    const fault = `not ${what} (${where}: ${issue?.message ?? "invalid"}): ${shown()}`;
    throw malformed(context, fault, reportedUsage(json));
  }
  const { choices, usage: reported } = completion.data;
  const choice = choices.find(({ index }) => index === 0) ?? choices[0];
  if (choice === undefined) throw malformed(context, `without choices: ${shown()}`, reportedUsage(json));
  const { finish_reason: finish } = choice;
  if (typeof finish === "string" && ABANDONED.has(finish)) throw abandoned(context, finish);
  const divided = split(choice);
  const parts = finish === "length" ? keepSpaceAtCut(divided, last(choice)) : divided;
  const found = { ...parts, provenance: context.provenance, finishReason: finishReason(finish) };
  return checkedReply({ ...found, usage: usageOf(reported), shown }, context);
}

/** The server stopped, not the model: DeepSeek; vLLM and SGLang; OpenRouter. */
const ABANDONED = new Set(["insufficient_system_resource", "abort", "error"]);

const shownLength = (body: CompletionBody): number => (typeof body === "string" ? body.length : 0);

/** A message's text, in whichever fields it came. */
export interface MessageText {
  readonly content?: string | null | undefined;
  readonly reasoning_content?: string | null | undefined;
  readonly reasoning?: string | null | undefined;
}

const OPENING = /^\s*<think>/;
const CLOSING = "</think>";

/**
 * Thinking and answer of a message, ends trimmed: from `reasoning_content` (DeepSeek, vLLM, SGLang), `reasoning`
 * (OpenRouter, Ollama), or inline before `</think>`. Chat templates that put `<think>` into the prompt leave a reply
 * without it, so the closing tag alone divides; an opening tag alone means that thinking never ended.
 */
export function splitReasoning({ content, reasoning_content, reasoning }: MessageText): Divided {
  const inline = content ?? "";
  const separate = [reasoning_content, reasoning].find((field) => typeof field === "string" && field.trim() !== "");
  if (separate !== undefined && separate !== null) return { thinking: separate.trim(), answer: inline.trim() };
  const end = inline.indexOf(CLOSING);
  const thinking = (end < 0 ? inline : inline.slice(0, end)).replace(OPENING, "");
  if (end >= 0) return { thinking: thinking.trim(), answer: inline.slice(end + CLOSING.length).trim() };
  return OPENING.test(inline) ? { thinking: thinking.trim(), answer: "" } : { thinking: "", answer: inline.trim() };
}

/**
 * What a message adds to a cut one, with its leading spaces: they may part the words. Where thinking was over, whatever
 * came is answer, even if the server's parser, which saw no closing tag, took it for reasoning.
 */
export function splitContinued(message: MessageText, isThinkingOver: boolean): Divided {
  const content = message.content ?? "";
  const separate = [message.reasoning_content, message.reasoning].find((field) => (field ?? "").trim() !== "") ?? "";
  if (isThinkingOver && content.trim() === "") return { thinking: "", answer: separate.trimEnd() };
  if (isThinkingOver) return { thinking: separate.trim(), answer: content.trimEnd() };
  if (separate !== "") return { thinking: separate.trimEnd(), answer: content.trim() };
  const end = content.indexOf(CLOSING);
  if (end < 0) return { thinking: "", answer: content.trimEnd() };
  return { thinking: content.slice(0, end).trimEnd(), answer: content.slice(end + CLOSING.length).trim() };
}

/** Names of a natural end: OpenAI's; Together's; text-generation-inference's; Anthropic's behind a proxy. */
const NATURAL = new Set(["stop", "eos", "eos_token", "stop_sequence", "end_turn"]);

function finishReason(reported: string | null | undefined): FinishReason {
  if (typeof reported === "string" && NATURAL.has(reported)) return "stop";
  return reported === "length" || reported === "content_filter" ? reported : "other";
}

/** Undefined unless prompt and completion are both counted. */
function usageOf(reported: UsageReport | null | undefined): Usage | undefined {
  const prompt = reported?.prompt_tokens;
  const completion = reported?.completion_tokens;
  if (typeof prompt !== "number" || typeof completion !== "number") return undefined;
  // Some providers leave reasoning out of completion_tokens and count it in the total alone (Gemini's endpoint, xAI).
  const completionTokens = Math.max(completion, (reported?.total_tokens ?? 0) - prompt);
  const reasoning = reported?.completion_tokens_details?.reasoning_tokens ?? reported?.reasoning_tokens ?? 0;
  return {
    promptTokens: prompt,
    completionTokens,
    reasoningTokens: Math.min(reasoning, completionTokens),
    isEstimated: false,
  };
}

/** The usage of a body that is JSON but no completion; undefined unless it reports one in full. */
function reportedUsage(json: unknown): Usage | undefined {
  const body = z.object({ usage: UsageReport }).safeParse(json);
  return body.success ? usageOf(body.data.usage) : undefined;
}
