/**
 * @file What holds for every reply of every runtime, said once, of the reply alone: nothing here asks the state machine. Kept thinking
 * never passes its cap; the answer always runs, with room of its own; what is injected counts once; who else is decoded changes
 * nothing.
 */
import fc from "fast-check";
import { expect } from "vitest";
import type { Generation } from "../src/decode/row.ts";
import type { BudgetSetting, EmittedToken } from "../src/decode/thinking-budget.ts";
import type { ThinkingRequest, ThinkingRuntime } from "../src/decode/thinking-runtime.ts";
import { delimiters, VOCABULARY } from "./decode-model.ts";

/** A reply to a request, and what was told while it came. */
export interface Observed {
  readonly request: Omit<ThinkingRequest, "sampling" | "promptIds">;
  readonly promptTokens: number;
  readonly generation: Generation;
  /** undefined: nothing is told. */
  readonly told?: readonly EmittedToken[] | undefined;
}

/** What surrounds a reply. */
export interface Surroundings {
  readonly contextTokens: number;
  /** Whether the model never chooses what is forbidden; a server may be unable to forbid. */
  readonly isObedient: boolean;
}

/** Fails unless all that is promised of any reply holds of this one. */
export function expectInvariants(observed: Observed, { contextTokens, isObedient }: Surroundings): void {
  const { generation, promptTokens, told } = observed;
  const cap = capOf(observed, contextTokens);
  expect(generation.thinkingIds.length, "kept thinking").toBeLessThanOrEqual(cap);
  expect(promptTokens + generation.ids.length, "prompt and reply").toBeLessThanOrEqual(contextTokens);
  expect(Math.max(...generation.ids), "ids that the tokenizer has").toBeLessThan(VOCABULARY);
  expectParts(observed, cap);
  expectAnswer(observed);
  expectWaits(observed, { cap, isObedient });
  if (told !== undefined) expectTold(generation, told);
}

/** The budget, or what the context leaves of it beside the prompt, the delimiters and the answer: this request's own matter. */
function capOf(
  { request: { setting, delimiters: own, answerTokens }, promptTokens }: Observed,
  context: number,
): number {
  if (setting.mode === "direct") return 0;
  const { thinkStart, answerStart, directStart, newline, cutAnswer } = own;
  const longest = thinkStart.length + Math.max(answerStart.length, newline.length + cutAnswer.length);
  const room = context - promptTokens - Math.max(longest, directStart.length) - answerTokens - 1;
  return Math.min(setting.budgetTokens, room);
}

/** Every id is one of: a heading, thinking, the answer's heading, the answer, its end; so each is counted once, in one place. */
function expectParts({ request: { delimiters: own, setting }, generation }: Observed, cap: number): void {
  const { ids, forcedMask, thinkingIds, answerIds, end, answerFinish } = generation;
  const last = thinkingIds.at(-1);
  const isOnNewLine = last !== undefined && own.newlineEndings.includes(last);
  const headings = {
    direct: own.directStart,
    natural: own.answerStart,
    cut: [...(isOnNewLine ? [] : own.newline), ...own.cutAnswer],
  };
  const opening = end === "direct" ? [] : own.thinkStart;
  const heading = headings[end];
  const closing = answerFinish === "stop" ? ids.slice(-1) : [];
  expect(ids).toEqual([...opening, ...thinkingIds, ...heading, ...answerIds, ...closing]);
  expect(end === "direct").toBe(setting.mode === "direct");
  if (end !== "direct") expect(end === "cut", "cut exactly at the cap").toBe(thinkingIds.length === cap);
  expect(forcedMask).toHaveLength(ids.length);
  const from = opening.length + thinkingIds.length;
  const isForced = (start: number, count: number): boolean[] => forcedMask.slice(start, start + count);
  for (const forced of [...isForced(0, opening.length), ...isForced(from, heading.length)]) expect(forced).toBe(true);
  expect(forcedMask.slice(from + heading.length)).toEqual([...answerIds, ...closing].map(() => false));
}

/** The answer runs, to an end of its own or of its reserve, and holds no control token. */
function expectAnswer({ request: { delimiters: own, answerTokens }, generation }: Observed): void {
  const stops = Object.values(own.stopIds);
  const { ids, answerIds, thinkingIds, answerFinish } = generation;
  if (answerFinish === "length") expect(answerIds).toHaveLength(answerTokens);
  else expect([answerIds.length < answerTokens, stops.includes(ids.at(-1) as number)]).toEqual([true, true]);
  expect([...answerIds, ...thinkingIds].filter((id) => stops.includes(id))).toEqual([]);
}

/** What is injected into thinking is the wait text, whole, so often as allowed, and each time the model thinks on. */
function expectWaits(
  { request, generation }: Observed,
  { cap, isObedient }: { cap: number; isObedient: boolean },
): void {
  const { setting, delimiters: own } = request;
  const { thinkingIds, forcedMask, end } = generation;
  const opening = end === "direct" ? 0 : own.thinkStart.length;
  const forced = forcedMask.slice(opening, opening + thinkingIds.length);
  const { length } = setting.silent ? [] : own.wait;
  if (length === 0) return expect(forced).not.toContain(true);
  const least = setting.minThinkingTokens ?? 0;
  let waits = 0;
  for (let at = forced.indexOf(true); at !== -1; at = forced.indexOf(true, at + length)) {
    expect(thinkingIds.slice(at, at + length)).toEqual(own.wait);
    expect(forced.slice(at, at + length)).toEqual(own.wait.map(() => true));
    const next = forced[at + length];
    // A server that cannot forbid may end again at once; more words are never put there.
    expect(next, "a thought after the wait text").toBe(isObedient ? false : next === undefined ? undefined : false);
    waits += at >= least ? 1 : 0;
  }
  expect(waits, "waits used").toBeLessThanOrEqual(setting.waits);
  if (end !== "natural" || !isObedient) return;
  const doesWaitFit = cap - thinkingIds.length > length;
  if (doesWaitFit) expect([waits, thinkingIds.length >= least]).toEqual([setting.waits, true]);
}

function expectTold({ ids, forcedMask, thinkingIds, answerIds }: Generation, told: readonly EmittedToken[]): void {
  expect(told.map(({ token }) => token)).toEqual(ids);
  expect(told.map(({ forced }) => forced)).toEqual(forcedMask);
  const part = (name: string): number[] => told.filter((item) => item.part === name).map(({ token }) => token);
  expect([part("thinking"), part("answer")]).toEqual([thinkingIds, answerIds]);
}

/**
 * Decodes the requests together and one by one: each reply keeps the promises, and is the same in company and alone.
 * @returns the replies
 */
export async function expectInvariantsOf(
  runtime: ThinkingRuntime,
  requests: readonly ThinkingRequest[],
  isObedient = true,
): Promise<readonly Generation[]> {
  const surroundings = { contextTokens: runtime.contextTokens, isObedient };
  const decode = async (request: ThinkingRequest): Promise<Generation> => {
    const told: EmittedToken[] = [];
    const generation = await runtime.generate(request, { onEmit: (items) => void told.push(...items) });
    expectInvariants({ request, promptTokens: request.promptIds.length, generation, told }, surroundings);
    return generation;
  };
  const together = await Promise.all(requests.map(decode));
  const alone: Generation[] = [];
  for (const request of requests) alone.push(await decode(request));
  expect(alone).toEqual(together);
  return together;
}

/** Any setting: budgets below and above the context, waits, minimums, silence, no thinking. */
export const anyBudget: fc.Arbitrary<BudgetSetting> = fc.record(
  {
    mode: fc.constantFrom("think" as const, "think" as const, "think" as const, "direct" as const),
    budgetTokens: fc.oneof(fc.integer({ min: 0, max: 24 }), fc.constant(10_000)),
    waits: fc.integer({ min: 0, max: 3 }),
    minThinkingTokens: fc.constantFrom(0, 0, 6, 40),
    silent: fc.constantFrom(true as const),
  },
  { requiredKeys: ["mode", "budgetTokens", "waits"] },
);

/** Any request over the small delimiters, with another wait text now and then. */
export function anyRequest(temperatures: readonly number[] = [0, 1]): fc.Arbitrary<ThinkingRequest> {
  return fc.record({
    promptIds: fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 12 }),
    setting: anyBudget,
    delimiters: fc.constantFrom([20], [20, 21], []).map((wait) => ({ ...delimiters, wait })),
    answerTokens: fc.integer({ min: 1, max: 6 }),
    sampling: fc.record({ temperature: fc.constantFrom(...temperatures), key: fc.string({ maxLength: 3 }) }),
  });
}
