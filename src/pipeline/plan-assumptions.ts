/** @file What a plan assumes where nothing was measured: round figures, dear rather than cheap, each shown in the plan. */
import type { Quantity, Share } from "../ledger/forecast-draws.ts";

type Assumed<T> = Extract<T, { type: "assumed" }>;

/** Tokens of one reply and its chance, by role. */
export interface RoleAssumption {
  readonly completion: { readonly median: number; readonly p90: number };
  readonly solves: Assumed<Share>;
}

/** By role. A teacher's length is about that of s1's traces, 4,700 tokens on average; later teachers get what others failed at. */
export const ASSUMED: Readonly<Record<"student" | "teacher" | "laterTeacher" | "judge" | "answer", RoleAssumption>> = {
  student: { completion: { median: 1_500, p90: 4_000 }, solves: { type: "assumed", mean: 0.4, weight: 4 } },
  teacher: { completion: { median: 5_000, p90: 10_000 }, solves: { type: "assumed", mean: 0.7, weight: 6 } },
  laterTeacher: { completion: { median: 8_000, p90: 16_000 }, solves: { type: "assumed", mean: 0.4, weight: 4 } },
  judge: { completion: { median: 200, p90: 800 }, solves: { type: "assumed", mean: 0, weight: 1 } },
  answer: { completion: { median: 4_000, p90: 8_000 }, solves: { type: "assumed", mean: 0, weight: 1 } },
};

/** What the base solves by itself on this machine. */
export const ASSUMED_OWN: Assumed<Share> = { type: "assumed", mean: 0.2, weight: 4 };

/** A question whose text is not there to be counted, tokens. */
export const ASSUMED_PROMPT: Assumed<Quantity> = { type: "assumed", median: 150, p90: 300 };
/** What a judge is shown beside the question: the end of a reply, and what to say. */
export const ASSUMED_JUDGED_TOKENS = 1_000;

/** Tokens a second of one reply: typical, and of a slow server. */
const ASSUMED_SPEED = { typical: 60, slow: 30 } as const;

/** Seconds of one reply by its assumed length. */
export function assumedSeconds({ median, p90 }: { readonly median: number; readonly p90: number }): Assumed<Quantity> {
  return { type: "assumed", median: median / ASSUMED_SPEED.typical, p90: p90 / ASSUMED_SPEED.slow };
}

/** Fewer replies than this are no sample: the plan then assumes. */
export const FEWEST_MEASURED = 5;

/** Tokens of a text without its tokenizer. */
export const BYTES_PER_TOKEN = 3;
/** Tokens that a chat template puts around a question, about. */
export const TEMPLATE_TOKENS = 16;
