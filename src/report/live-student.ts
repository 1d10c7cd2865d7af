/**
 * @file A student that travels inside a report: what the page needs to run it, as plain data, and why a page may carry
 * none. The pipeline fills it in; `src/live` is the other end, in the browser.
 */
import type { Bucket } from "../schema/records.ts";
import type { StudentConfig } from "../student/checkpoint/student-config.ts";
import type { ThinkingStyle } from "../tokenize/thinking-style.ts";
import type { TokenizerParts } from "../tokenize/tokenizer-parts.ts";

/** Most bytes of a report with all that it carries. */
export const MAX_PAGE_BYTES = 12_000_000;

/** The models that a page can run, in the order in which it shows them. */
export const LIVE_MODELS = ["student", "base"] as const;
export type LiveModelName = (typeof LIVE_MODELS)[number];

/** {@link TokenizerParts} as JSON: maps as lists of pairs. */
export interface LiveTokenizer extends Omit<TokenizerParts, "vocabulary" | "added"> {
  readonly vocabulary: readonly (readonly [string, number])[];
  readonly added: readonly (readonly [string, number])[];
}

/** A question to pick from. */
export interface LiveQuestion {
  readonly text: string;
  /** Whether the report shows replies to it further down. */
  readonly isShown: boolean;
}

/** What the models of a page share; JSON. */
export interface LivePayload {
  readonly config: StudentConfig;
  /** Names and shapes of the tensors, in the order in which they stand in a block of weights. */
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly tokenizer: LiveTokenizer;
  /** Jinja. */
  readonly chatTemplate: string;
  /** How the student thinks, and its base beside it. */
  readonly style: ThinkingStyle;
  /** Reserve for the answer, tokens, as in the run's evaluation. */
  readonly answerTokens: number;
  readonly questions: readonly LiveQuestion[];
  /** Where the run's held-out questions come from; another one is drawn from the same place. */
  readonly heldOut: { readonly bucket: Bucket; readonly difficulty: readonly [number, number] };
}

/** Bytes in base64: little-endian f32 tensors one after another, and the kernels. */
export interface LiveBlocks {
  readonly kernels: string;
  readonly student: string;
  /** Absent where the page has no room for it, or the run's base is gone. */
  readonly base?: string | undefined;
}

/** A student on board, and the script that runs it. */
export interface CarriedStudent {
  readonly status: "carried";
  readonly payload: LivePayload;
  readonly blocks: LiveBlocks;
  /** Built by us (`dist/live/bundle.js`); stands in the page as it is. */
  readonly script: string;
}

/** A page without a student, and why, in a sentence. */
export interface AbsentStudent {
  readonly status: "absent";
  readonly reason: string;
}

/** What a report knows of its student's weights. */
export type LiveStudent = CarriedStudent | AbsentStudent;

/** Ids of the page's elements that the script looks for. */
export const LIVE_IDS = {
  link: "live-link",
  section: "live-section",
  script: "live-script",
  payload: "live-payload",
  block: (name: keyof LiveBlocks): string => `live-block-${name}`,
  form: "live-form",
  pick: "live-pick",
  question: "live-question",
  draw: "live-draw",
  facts: "live-facts",
  budget: "live-budget",
  budgetText: "live-budget-text",
  waits: "live-waits",
  slow: "live-slow",
  stop: "live-stop",
  status: "live-status",
  reply: (name: LiveModelName): string => `live-reply-${name}`,
} as const;

/** Most forced waits that the page offers. */
export const MOST_LIVE_WAITS = 3;
