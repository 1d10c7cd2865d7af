/** @file Reads a chat completion in OpenAI's shape, with reasoning wherever providers put it. Pure. */
import { z } from "zod";
import type { FinishReason, Provenance, Usage } from "../../schema/records.ts";
import { excerptOf } from "./excerpt.ts";
import { TeacherError, type TeacherReply } from "./teacher.ts";

/** Longest thinking and answer together, characters: a trace must fit a JSONL line even if every one is escaped. */
export const MAX_REPLY_CHARACTERS = 2_500_000;

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
export interface CompletionContext {
  /** UTF-8 bytes of the prompt, for an estimate where the provider reports no usage. */
  readonly promptBytes: number;
  /** What this provider's reasoning is. */
  readonly provenance: Provenance;
  /** What errors call the model; `the teacher` unless told. */
  readonly called?: string;
}

/** A response's body: its text, or what a stream's pieces were put together to. */
export type CompletionBody = string | Readonly<Record<string, unknown>>;

/**
 * The reply in a response body. Where several choices came back the first counts.
 * @throws {TeacherError} `malformed`: not JSON, not a completion, empty, or too long; with the usage if it can be read.
 */
export function readChatCompletion(body: CompletionBody, context: CompletionContext): TeacherReply {
  return readCompletion(body, context, {
    what: "a chat completion",
    schema: ChatCompletion,
    split: ({ message }) => splitReasoning(message),
  });
}

/** As {@link readChatCompletion}, of an endpoint that completed a text; `split` divides it into thinking and answer. */
export function readTextCompletion(
  body: CompletionBody,
  context: CompletionContext,
  split: (text: string) => Divided,
): TeacherReply {
  const shape = { what: "a text completion", schema: TextCompletion };
  return readCompletion(body, context, { ...shape, split: ({ text: whole }) => split(whole) });
}

/** A reply's two parts. */
export interface Divided {
  readonly thinking: string;
  readonly answer: string;
}

/** One API's shape of a completion. */
interface CompletionShape<C> {
  readonly what: string;
  readonly schema: z.ZodType<{ choices: C[]; usage?: UsageReport | null | undefined }>;
  readonly split: (choice: C) => Divided;
}

function readCompletion<C extends z.infer<typeof Choice>>(
  body: CompletionBody,
  { promptBytes, provenance, called = "the teacher" }: CompletionContext,
  { what, schema, split }: CompletionShape<C>,
): TeacherReply {
  const malformed = (fault: string, spent?: Usage): TeacherError =>
    new TeacherError("malformed", `${called}'s reply is ${fault}`, spent === undefined ? {} : { usage: spent });
  const shown = (): string => excerptOf(typeof body === "string" ? body : JSON.stringify(body));
  const json = typeof body === "string" ? parseJson(body) : body;
  if (json === undefined) throw malformed(`not JSON (${shownLength(body)} characters): ${shown()}`);
  const completion = schema.safeParse(json);
  if (!completion.success) {
    const [issue] = completion.error.issues;
    const where = issue?.path.join(".") || "body";
    throw malformed(`not ${what} (${where}: ${issue?.message ?? "invalid"}): ${shown()}`, reportedUsage(json));
  }
  const { choices, usage: reported } = completion.data;
  const choice = choices.find(({ index }) => index === 0) ?? choices[0];
  if (choice === undefined) throw malformed(`without choices: ${shown()}`, reportedUsage(json));
  const { thinking, answer } = split(choice);
  const counted = usageOf(reported, { promptBytes, thinking, answer });
  if (thinking === "" && answer === "") throw malformed(`an empty reply: ${shown()}`, counted);
  if (thinking.length + answer.length > MAX_REPLY_CHARACTERS) {
    const length = thinking.length + answer.length;
    throw malformed(`a reply of ${length} characters exceeds ${MAX_REPLY_CHARACTERS}`, counted);
  }
  return { thinking, answer, provenance, finishReason: finishReason(choice.finish_reason), usage: counted };
}

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

function finishReason(reported: string | null | undefined): FinishReason {
  return reported === "stop" || reported === "length" || reported === "content_filter" ? reported : "other";
}

/** Bytes of text that we take one token to stand for when nobody counted: below the usual 4, so as not to bill too little. */
const BYTES_PER_ESTIMATED_TOKEN = 3;

function usageOf(
  reported: UsageReport | null | undefined,
  { promptBytes, thinking, answer }: { promptBytes: number; thinking: string; answer: string },
): Usage {
  const estimate = (bytes: number): number => Math.ceil(bytes / BYTES_PER_ESTIMATED_TOKEN);
  const thinkingTokens = estimate(Buffer.byteLength(thinking));
  const prompt = reported?.prompt_tokens;
  const completion = reported?.completion_tokens;
  if (typeof prompt !== "number" || typeof completion !== "number") {
    return {
      promptTokens: estimate(promptBytes),
      completionTokens: thinkingTokens + estimate(Buffer.byteLength(answer)),
      reasoningTokens: thinkingTokens,
      isEstimated: true,
    };
  }
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
  if (!body.success) return undefined;
  const usage = usageOf(body.data.usage, { promptBytes: 0, thinking: "", answer: "" });
  return usage.isEstimated ? undefined : usage;
}

/** Undefined where the text is not JSON: the parser's own message adds nothing. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
