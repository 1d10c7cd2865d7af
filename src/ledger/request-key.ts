import { canonicalJson, shortHash } from "../core/hash.ts";

/** One message of a chat, as the provider will see it. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Parameters that change what a model says; absent ones are left to the provider and are not sent. */
export interface SamplingParams {
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  /** Tokens it may think (Gemini, Anthropic). */
  readonly thinkingBudget?: number;
  /** `low`, `medium` or `high`: Gemini's thinking level, OpenAI's reasoning effort. */
  readonly effort?: string;
}

/** What makes two requests the same purchase. */
export interface RequestIdentity {
  /** The endpoint's name, not its URL. */
  readonly provider: string;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly params: SamplingParams;
  readonly sampleIndex: number;
}

/**
 * 16 hex digits that name a purchase, and the trace made of it: a hash of provider, model, rendered messages,
 * parameters and sample index. Not of URL, key, row order or time, so that none of them buys a reply twice; nor of the
 * output limit, because a reply that ended by itself is the same under any larger limit (the journal decides that).
 */
export function requestKey(identity: RequestIdentity): string {
  const { provider, model, params, sampleIndex } = identity;
  const messages = identity.messages.map(({ role, content }) => ({ role, content }));
  return shortHash(canonicalJson({ provider, model, messages, params, sampleIndex }));
}
