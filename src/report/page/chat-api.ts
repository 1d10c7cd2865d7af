/** @file Talking to a run's student: what is asked, and what is told while it thinks. */
import { z } from "zod";
import { MOST_PROMPT_CHARACTERS, MOST_WAITS } from "./chat-limits.ts";

/** What a page asks for. */
export const ChatQuestion = z.strictObject({
  prompt: z.string().min(1).max(MOST_PROMPT_CHARACTERS),
  /** Cap of thinking tokens; null: to its natural end. */
  budgetTokens: z.int().min(0).max(1_000_000).nullable(),
  waits: z.int().min(0).max(MOST_WAITS),
  /** Tells pages apart, so that one that asks much does not keep others waiting. */
  page: z.string().max(40),
});
export type ChatQuestion = z.infer<typeof ChatQuestion>;

/** What can be asked before the student is opened. */
export interface ChatFacts {
  readonly run: string;
  /** Tokens that its context holds. */
  readonly contextTokens: number;
  /** A question of the kind that it learned, held out from its training; null where the recipe tells none. */
  readonly example: string | null;
}

/** How a reply ended. */
export interface ChatEnd {
  readonly thinkingTokens: number;
  readonly answerTokens: number;
  readonly forcedTokens: number;
  readonly end: "natural" | "cut" | "direct";
}

/** Events of a reply: where it stands, pieces in order, its end. A fault ends it too. */
export interface ChatEvents {
  readonly state: { readonly is: "waiting" | "opening" | "thinking" };
  readonly piece: { readonly part: "thinking" | "answer"; readonly text: string; readonly isForced: boolean };
  readonly end: ChatEnd;
}
