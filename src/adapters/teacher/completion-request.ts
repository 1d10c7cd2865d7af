/** @file The body of a request for a chat completion, or for the completion of a text, in OpenAI's shape. Pure. */
import type { ChatMessage } from "../../ledger/request-key.ts";
import { splitThinking } from "../../tokenize/split-thinking.ts";
import { splitContinued, splitReasoning } from "./chat-completion.ts";
import type { Streaming } from "./provider-client.ts";
import type { Divided } from "./reply-reader.ts";
import type { PartialReply, TeacherRequest } from "./teacher.ts";

/** How messages are written as one text, for an endpoint that completes text. */
export interface TextPrompt {
  /** The text that the model goes on from; with a cut reply it ends within that. */
  render(messages: readonly ChatMessage[], goOnFrom?: PartialReply): string;
  /** Texts at which the reply ends. */
  readonly stop: readonly string[];
  /** Divides the completed text into thinking and answer. */
  split(text: string): Divided;
  /** Divides what a text adds to a cut reply, with its leading spaces: they may part the words. */
  splitContinued(text: string, isThinkingOver: boolean): Divided;
}

/** What a prompt must not spell where it is sent as text: it would be read as a control token. */
export const CONTROL_TEXT = /<\|im_(?:start|end)\|>|<\|endoftext\|>/;

const chatml = (messages: readonly ChatMessage[]): string =>
  `${messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join("")}<|im_start|>assistant\n`;

/** A chat in ChatML, with thinking between `<think>` tags, as Qwen and the models made of it write it. */
export const CHATML_TEXT: TextPrompt = {
  render: (messages, goOnFrom) => {
    if (goOnFrom === undefined) return chatml(messages);
    const { thinking, answer, isThinkingOver } = goOnFrom;
    const isOver = isThinkingOver || answer !== "";
    return `${chatml(messages)}<think>\n${thinking}${isOver ? `\n</think>\n\n${answer}` : ""}`;
  },
  stop: ["<|im_end|>"],
  split: (text) => splitReasoning({ content: text }),
  splitContinued: (text, isThinkingOver) => splitContinued({ content: text }, isThinkingOver),
};

/** A prompt as s1 writes it, without a system turn: what our students and models trained on them continue. */
export const S1_TEXT: TextPrompt = {
  render: (messages, goOnFrom) => chatml(messages) + begunReply(goOnFrom),
  stop: ["<|im_end|>"],
  split: (text) => splitThinking(text) ?? splitReasoning({ content: text }),
  splitContinued: (text, isThinkingOver) => {
    const [said = ""] = text.split("<|im_end|>", 1);
    // Servers that drop special tokens leave the delimiter's word on a line of its own.
    const delimiter = ["<|im_start|>answer", "\nanswer\n"].find((form) => said.includes(form));
    if (isThinkingOver || delimiter === undefined) return { thinking: "", answer: said.trimEnd() };
    const at = said.indexOf(delimiter);
    return { thinking: said.slice(0, at).trimEnd(), answer: said.slice(at + delimiter.length).trim() };
  },
};

function begunReply(partial: PartialReply | undefined): string {
  if (partial === undefined) return "";
  const { thinking, answer, isThinkingOver } = partial;
  const thought = `<|im_start|>think\n${thinking}`;
  return isThinkingOver || answer !== "" ? `${thought}\n<|im_start|>answer\n${answer}` : thought;
}

/** What a body is made for. */
export interface CompletionTarget {
  readonly model: string;
  readonly streaming: Streaming;
  /** Asks for the completion of a text instead of a chat. */
  readonly text: TextPrompt | undefined;
  /** DeepSeek takes begun thinking as `reasoning_content`; others read it inline, between the tags of the chat template. */
  readonly takesReasoningContent: boolean;
}

/** The request's body. */
export function completionBody(request: TeacherRequest, target: CompletionTarget): Record<string, unknown> {
  const { model, streaming, text } = target;
  const { temperature, topP, seed, effort } = request.params;
  const sampling = {
    max_tokens: request.maxTokens,
    temperature,
    top_p: topP,
    seed,
    reasoning_effort: effort,
    stream: streaming !== "none",
    ...(streaming === "with-usage" ? { stream_options: { include_usage: true } } : {}),
  };
  if (text === undefined) return { model, ...chat(request, target), ...sampling };
  // Servers that drop special tokens from their text by default are asked to leave the thinking's delimiters in.
  const prompt = text.render(request.messages, request.goOnFrom);
  return { model, prompt, stop: text.stop, skip_special_tokens: false, ...sampling };
}

function chat({ messages, goOnFrom }: TeacherRequest, { takesReasoningContent }: CompletionTarget): object {
  if (goOnFrom === undefined) return { messages };
  const { thinking, answer, isThinkingOver } = goOnFrom;
  const isOver = isThinkingOver || answer !== "";
  if (takesReasoningContent) {
    const last = { role: "assistant", content: answer, reasoning_content: thinking, prefix: true };
    return { messages: [...messages, last] };
  }
  const content = isOver ? `<think>\n${thinking}\n</think>\n\n${answer}` : `<think>\n${thinking}`;
  const last = { role: "assistant", content };
  return { messages: [...messages, last], continue_final_message: true, add_generation_prompt: false };
}
