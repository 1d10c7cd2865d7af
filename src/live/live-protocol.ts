/** @file What page and student say to each other; plain data, because a worker may stand between them. */
import type { LiveBlocks, LiveModelName, LivePayload } from "../report/live-student.ts";
import type { Grade, ThinkingSetting } from "../schema/records.ts";

/** A stretch of a reply as it comes: text to show, in which box, and whether the thinking-budget machine wrote it. */
export interface LivePiece {
  readonly text: string;
  readonly isForced: boolean;
  readonly box: "thinking" | "answer";
}

/** A finished reply. */
export interface LiveReply {
  readonly thinkingTokens: number;
  readonly answer: string;
  readonly end: "natural" | "cut" | "direct";
  readonly answerFinish: "stop" | "length";
  /** Null when no checker reads the question. */
  readonly grade: Grade | null;
  /** Tokens that the model chose, and the seconds it computed for them, reading pauses not counted. */
  readonly chosenTokens: number;
  readonly computeSeconds: number;
}

/** One question under one setting, put to every model of the page. */
export interface LiveQuestionAsked {
  /** Rises from question to question; replies carry it. */
  readonly id: number;
  readonly question: string;
  readonly setting: ThinkingSetting;
  /** Most tokens a second, so that people can read along; null for as fast as it goes. */
  readonly tokensPerSecond: number | null;
}

/** From the page. A new question ends the one before. */
export type ToStudent =
  | { readonly type: "open"; readonly payload: LivePayload; readonly blocks: LiveBlocks }
  | ({ readonly type: "think" } & LiveQuestionAsked)
  | { readonly type: "stop" };

/** To the page. `failed` without an id: there is no student at all. */
export type FromStudent =
  | { readonly type: "ready" }
  | {
      readonly type: "pieces";
      readonly id: number;
      readonly model: LiveModelName;
      readonly pieces: readonly LivePiece[];
    }
  | { readonly type: "reply"; readonly id: number; readonly model: LiveModelName; readonly reply: LiveReply }
  | { readonly type: "stopped"; readonly id: number; readonly model: LiveModelName }
  | { readonly type: "failed"; readonly id: number | null; readonly message: string };
