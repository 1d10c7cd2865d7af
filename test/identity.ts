/**
 * @file The same checkpoint on several runtimes, greedily: 100 prompts under 5 budgets think, wait and answer alike, or part where
 * the reference, the embedded engine, finds the two tokens as good as equal.
 */
import { expect } from "vitest";
import { openEngine } from "../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../src/adapters/model-folder.ts";
import { prng } from "../src/core/prng.ts";
import type { Generation } from "../src/decode/row.ts";
import type { BudgetSetting } from "../src/decode/thinking-budget.ts";
import type { ThinkingRequest } from "../src/decode/thinking-runtime.ts";
import type { ServedModel } from "../src/server/served-model.ts";
import { thinkingDelimiters } from "../src/tokenize/thinking-delimiters.ts";

/** The checkpoint. */
export const IDENTITY_FOLDER = "models/demo-base";
/** Two tokens whose logits are as close as this may change places: sums are taken in another order. */
export const NEAR_TIE = 1e-3;
/** Of all replies, those that may part. */
const MOST_PARTED = 0.02;

/** Cuts and natural ends, "Wait" once and twice, a minimum, and no thinking. */
export const FIVE_BUDGETS: readonly BudgetSetting[] = [
  { mode: "think", budgetTokens: 100, waits: 0 },
  { mode: "think", budgetTokens: 12, waits: 0 },
  { mode: "think", budgetTokens: 110, waits: 1 },
  { mode: "think", budgetTokens: 120, waits: 2, minThinkingTokens: 40 },
  { mode: "direct", budgetTokens: 0, waits: 0 },
];

/** Questions on which the checkpoint thinks long, briefly and hardly at all, and texts that no demo asks. */
export function hundredQuestions(): string[] {
  const random = prng("a hundred questions");
  const number = (): number => random.int(1, 99);
  const steps = (count: number): string =>
    Array.from({ length: count }, (_, at) => ` ${"abcdef"[at]}${"+-*"[random.int(0, 2)]}${random.int(2, 40)}`).join("");
  const many = (count: number, make: () => string): string[] => Array.from({ length: count }, make);
  return [
    ...many(50, () => `${number()}${steps(6)}`),
    ...many(20, () => `${number()}${steps(1)}`),
    ...many(12, () => `${"Wait ".repeat(random.int(1, 9))}${number()}`),
    ...many(8, () => `${number()}${steps(2)}`),
    ...many(4, () => `n=${number()};a:n+=${number()};b:n*=5;puts(n)`),
    "na\u00efve \u6771\u4eac?",
    "care\n\n",
    "<|im_ 1 a+2",
    "  ",
    "Wait",
    "What is 6 plus 7?",
  ];
}

/** A question under a budget, as every runtime is asked it. */
export interface Asked {
  readonly question: string;
  readonly setting: BudgetSetting;
}

/** Each question under each budget. */
export function everyQuestion(questions = hundredQuestions()): Asked[] {
  return questions.flatMap((question) => FIVE_BUDGETS.map((setting) => ({ question, setting })));
}

/** The request that a question is. */
export function requestOf(
  { tokenizer, chatTemplate, style }: Pick<ServedModel, "tokenizer" | "chatTemplate" | "style">,
  { question, setting }: Asked,
): ThinkingRequest {
  return {
    promptIds: chatTemplate.encodePrompt([{ role: "user", content: question }]),
    setting,
    delimiters: thinkingDelimiters(tokenizer, "Wait", style),
    answerTokens: 24,
    sampling: { temperature: 0, key: "" },
  };
}

/** All replies of a model, in order. */
export function repliesOf(model: ServedModel, all: readonly Asked[]): Promise<Generation[]> {
  return Promise.all(all.map((asked) => model.runtime.generate(requestOf(model, asked))));
}

/**
 * Fails unless two runtimes agree on everything, or part at near ties, one reply in fifty at most.
 * @param reference the embedded engine's replies
 * @returns how many part
 */
export async function expectSame(
  all: readonly Asked[],
  reference: readonly Generation[],
  other: readonly Generation[],
): Promise<number> {
  expect(other).toHaveLength(reference.length);
  const parted = all.flatMap((asked, place) => {
    const [ours, theirs] = [reference[place]!, other[place]!];
    if (ours.ids.join() === theirs.ids.join()) expect(theirs).toEqual(ours);
    return ours.ids.join() === theirs.ids.join() ? [] : [{ asked, ours, theirs }];
  });
  if (parted.length > 0) {
    const gaps = await gapsAt(parted);
    for (const [place, gap] of gaps.entries()) expect(gap, JSON.stringify(parted[place])).toBeLessThan(NEAR_TIE);
  }
  expect(parted.length).toBeLessThanOrEqual(all.length * MOST_PARTED);
  return parted.length;
}

/** How far the other's token was from being chosen, by the embedded engine's logits where the two part; NaN where one ends. */
async function gapsAt(
  parted: readonly { readonly asked: Asked; readonly ours: Generation; readonly theirs: Generation }[],
): Promise<number[]> {
  const { config, tensors, tokenizer, chatTemplate, style } = await readModelFolder(IDENTITY_FOLDER);
  const engine = await openEngine({ threads: 1, memoryBytes: 1 << 28 });
  const size = { slots: 1, contextTokens: config.maxPositions, choosableIds: tokenizer.vocabularySize };
  await engine.loadDecoder({ config, tensors }, size);
  const gaps: number[] = [];
  for (const { asked, ours, theirs } of parted) {
    const { promptIds } = requestOf({ tokenizer, chatTemplate, style }, asked);
    const at = ours.ids.findIndex((id, place) => id !== theirs.ids[place]);
    await engine.truncate(0, 0);
    const [logits] = await engine.logits([{ slot: 0, ids: [...promptIds, ...ours.ids.slice(0, at)] }]);
    const gap = logits![ours.ids[at] ?? -1]! - logits![theirs.ids[at] ?? -1]!;
    gaps.push(Math.abs(gap));
  }
  await engine.close();
  return gaps;
}

/** Fails unless the budgets did what they are for: ends of every kind, and many waits. */
export function expectEveryKind(model: Pick<ServedModel, "tokenizer">, replies: readonly Generation[]): void {
  expect(new Set(replies.map(({ end }) => end))).toEqual(new Set(["natural", "cut", "direct"]));
  const wait = model.tokenizer.encodeUser("Wait").join();
  const waited = replies.filter(({ thinkingIds, ids, forcedMask }) => {
    const forced = ids.filter((_, place) => forcedMask[place]).join();
    return forced.includes(wait) && thinkingIds.join().includes(wait);
  });
  expect(waited.length).toBeGreaterThan(replies.length / 10);
}
