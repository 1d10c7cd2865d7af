/** @file A scripted model and the plainest decoder there can be: what the decoders' tests measure against. */
import fc from "fast-check";
import { shortHash } from "../src/core/hash.ts";
import type { ThinkingDelimiters } from "../src/tokenize/thinking-delimiters.ts";
import type { GenerateRequest } from "../src/decode/generate.ts";
import type { Generation } from "../src/decode/row.ts";
import {
  forbidden,
  startThinking,
  step,
  type BudgetSetting,
  type EmittedToken,
} from "../src/decode/thinking-budget.ts";
import type { ExtendRow, TokenSource } from "../src/decode/token-source.ts";

export const delimiters: ThinkingDelimiters = {
  thinkStart: [1, 5],
  answerStart: [1, 6],
  directStart: [1, 6],
  cutAnswer: [1, 6, 10, 7],
  newline: [10],
  newlineEndings: [10],
  wait: [20],
  stopIds: { thinkingEnd: 1, imEnd: 2, endOfText: 3 },
};
export const VOCABULARY = 24;

/** A model that is nothing but a hash of all it has read: one id changed anywhere changes all that follows. */
export function hashedToken(sequence: readonly number[], row: Pick<ExtendRow, "forbidden" | "sampling">): number {
  for (let attempt = 0; ; attempt++) {
    const draw = Number.parseInt(
      shortHash(`${sequence.join()};${row.sampling.temperature};${attempt}`).slice(0, 8),
      16,
    );
    const token = draw % 5 === 0 ? 1 + (draw % 3) : 4 + (draw % (VOCABULARY - 4));
    if (!row.forbidden.includes(token)) return token;
  }
}

/**
 * A source over that model which checks every promise that a caller makes, and counts what it is asked.
 * @param canCopy whether slots can be copied
 */
export function hashedSource(slots: number, contextTokens: number, canCopy = true) {
  const held: number[][] = Array.from({ length: slots }, () => [99]);
  const counts = { calls: 0, ids: 0, choices: 0, truncations: 0, copied: 0 };
  const source: TokenSource = {
    slots,
    contextTokens,
    truncate: (slot, length) => {
      const ids = held[slot] as number[];
      if (length < 0 || length > ids.length) throw new Error(`cannot keep ${length} of ${ids.length} ids`);
      ids.length = length;
      counts.truncations++;
    },
    ...(canCopy
      ? {
          copy: (from: number, to: number, length: number) => {
            const ids = held[from] as number[];
            if (from === to || length > ids.length) throw new Error(`cannot copy ${length} of ${ids.length} ids`);
            held[to] = ids.slice(0, length);
            counts.copied += length;
          },
        }
      : {}),
    extend: async (rows) => {
      if (new Set(rows.map((row) => row.slot)).size !== rows.length) throw new Error("a slot twice in one call");
      counts.calls++;
      return Int32Array.from(rows, (row) => {
        const ids = held[row.slot] as number[];
        if (row.ids.length === 0) throw new Error("a row without ids");
        ids.push(...row.ids);
        if (ids.length > contextTokens) throw new Error("past the context");
        counts.ids += row.ids.length;
        counts.choices++;
        return hashedToken(ids, row);
      });
    },
  };
  return { source, counts };
}

/** The plainest decoder there can be: one row, no cache, no slots; the yardstick for everything else. */
export function decodeAlone(request: GenerateRequest, contextTokens: number, wait = delimiters.wait): Generation {
  const overhead = 2 + 5 + request.answerTokens + 1;
  const room = contextTokens - request.promptIds.length - overhead;
  const setting = { ...request.setting, budgetTokens: Math.min(request.setting.budgetTokens, room) };
  const emitted: EmittedToken[] = [];
  let { state, emit, done } = startThinking({
    delimiters: { ...delimiters, wait },
    setting,
    answerTokens: request.answerTokens,
  });
  emitted.push(...emit);
  while (!done) {
    const sequence = [...request.promptIds, ...emitted.map((item) => item.token)];
    ({ state, emit, done } = step(
      state,
      hashedToken(sequence, { forbidden: forbidden(state), sampling: request.sampling }),
    ));
    emitted.push(...emit);
  }
  const part = (name: string) => emitted.filter((item) => item.part === name).map((item) => item.token);
  return {
    ids: emitted.map((item) => item.token),
    forcedMask: emitted.map((item) => item.forced),
    thinkingIds: part("thinking"),
    answerIds: part("answer"),
    end: state.end!,
    answerFinish: state.answerFinish!,
  };
}

export const anySetting: fc.Arbitrary<BudgetSetting> = fc
  .record({
    mode: fc.constantFrom("think" as const, "think" as const, "direct" as const),
    budgetTokens: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(10_000)),
    waits: fc.integer({ min: 0, max: 3 }),
    minThinkingTokens: fc.constantFrom(0, 0, 0, 6),
    stopsAtCap: fc.constantFrom(false, false, true),
  })
  // Stopped at a cap of 0 a row asks nothing of the model at all; no caller does so.
  .map(({ stopsAtCap, ...setting }) => (stopsAtCap && setting.budgetTokens > 0 ? { ...setting, stopsAtCap } : setting));
export const anyPrompt = fc.record({
  promptIds: fc.array(fc.integer({ min: 4, max: VOCABULARY - 1 }), { minLength: 1, maxLength: 12 }),
  answerTokens: fc.integer({ min: 1, max: 5 }),
  sampling: fc.record({ temperature: fc.constantFrom(0, 1), key: fc.string({ maxLength: 3 }) }),
});
export const slotCount = fc.integer({ min: 1, max: 5 });
export const CONTEXT = 60;
