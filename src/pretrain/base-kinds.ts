/** @file What the base student's pre-training text is made of, and how much of each. */

/** Kinds of document. */
export type BaseKind =
  | "facts-quick"
  | "facts-careful"
  | "unrelated-quick"
  | "unrelated-careful"
  | "unrelated-wait"
  | "cut"
  | "copy"
  | "list"
  | "list-twice"
  | "lookup"
  | "direct";

/** One kind's place in the recipe. */
export interface BaseKindShare {
  /** Share of all bytes of text, 0 to 1; the shares add up to 1. */
  readonly textShare: number;
  /** Mean length of a document, bytes of user turn, thinking and answer; measured, and held by a test. */
  readonly meanBytes: number;
}

/** How far a lesson's documents reach. A student reasons well only as far as its base has read. */
export interface Reach {
  /** Least and most bytes of a document of facts; drawn uniformly. */
  readonly factBytes: readonly [number, number];
  /** Least and most careful passes after the quick one where a pass is checked; drawn uniformly. */
  readonly checks: readonly [number, number];
  /** Latest place where thinking is cut off, bytes. */
  readonly cutBytes: number;
  /** Longest document, bytes of user turn, thinking and answer; held by a test. */
  readonly documentBytes: number;
}

/** One part of the curriculum. */
export interface Lesson {
  /** Whether a pass over a question opens with its start value on a line of its own. */
  readonly opensWithStart: boolean;
  readonly reach: Reach;
  readonly kinds: Readonly<Record<BaseKind, BaseKindShare>>;
}

const SHORT_REACH: Reach = { factBytes: [180, 320], checks: [1, 1], cutBytes: 300, documentBytes: 450 };

/** 55 % of the text single facts in both styles, the rest as the prototype had it; most of the curriculum. */
export const STEPS_LESSON: Lesson = {
  opensWithStart: false,
  reach: SHORT_REACH,
  kinds: {
    "facts-quick": { textShare: 0.22, meanBytes: 249 },
    "facts-careful": { textShare: 0.33, meanBytes: 234 },
    "unrelated-quick": { textShare: 0.06, meanBytes: 138 },
    "unrelated-careful": { textShare: 0.06, meanBytes: 196 },
    "unrelated-wait": { textShare: 0.09, meanBytes: 242 },
    cut: { textShare: 0.07, meanBytes: 144 },
    copy: { textShare: 0.03, meanBytes: 95 },
    list: { textShare: 0.03, meanBytes: 94 },
    "list-twice": { textShare: 0.03, meanBytes: 118 },
    lookup: { textShare: 0.04, meanBytes: 93 },
    direct: { textShare: 0.04, meanBytes: 41 },
  },
};

/** The same with the start value read out first, as traces have it, and a little more care; the end of the curriculum. */
export const PASSES_LESSON: Lesson = {
  opensWithStart: true,
  reach: SHORT_REACH,
  kinds: {
    "facts-quick": { textShare: 0.19, meanBytes: 248 },
    "facts-careful": { textShare: 0.36, meanBytes: 234 },
    "unrelated-quick": { textShare: 0.06, meanBytes: 144 },
    "unrelated-careful": { textShare: 0.06, meanBytes: 198 },
    "unrelated-wait": { textShare: 0.09, meanBytes: 249 },
    cut: { textShare: 0.07, meanBytes: 148 },
    copy: { textShare: 0.03, meanBytes: 96 },
    list: { textShare: 0.03, meanBytes: 98 },
    "list-twice": { textShare: 0.03, meanBytes: 127 },
    lookup: { textShare: 0.04, meanBytes: 93 },
    direct: { textShare: 0.04, meanBytes: 40 },
  },
};

/** The same twice as far, with up to three checks in one document: what thinking past a forced "Wait" needs. */
export const LONG_LESSON: Lesson = {
  opensWithStart: true,
  reach: { factBytes: [180, 680], checks: [1, 3], cutBytes: 600, documentBytes: 900 },
  kinds: {
    "facts-quick": { textShare: 0.22, meanBytes: 427 },
    "facts-careful": { textShare: 0.33, meanBytes: 412 },
    "unrelated-quick": { textShare: 0.05, meanBytes: 144 },
    "unrelated-careful": { textShare: 0.05, meanBytes: 198 },
    "unrelated-wait": { textShare: 0.16, meanBytes: 401 },
    cut: { textShare: 0.07, meanBytes: 227 },
    copy: { textShare: 0.02, meanBytes: 96 },
    list: { textShare: 0.02, meanBytes: 98 },
    "list-twice": { textShare: 0.03, meanBytes: 127 },
    lookup: { textShare: 0.03, meanBytes: 93 },
    direct: { textShare: 0.02, meanBytes: 40 },
  },
};

/** Kind and probability that a document is of it: text share over mean length, normalised. */
export function kindWeights({ kinds }: Lesson): (readonly [BaseKind, number])[] {
  const rates = (Object.entries(kinds) as [BaseKind, BaseKindShare][]).map(
    ([kind, { textShare, meanBytes }]) => [kind, textShare / meanBytes] as const,
  );
  const total = rates.reduce((sum, [, rate]) => sum + rate, 0);
  return rates.map(([kind, rate]) => [kind, rate / total] as const);
}
