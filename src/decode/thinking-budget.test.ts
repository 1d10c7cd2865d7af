import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import type { ThinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import {
  forbidden,
  overheadTokens,
  startThinking,
  step,
  type EmittedToken,
  type ThinkingPlan,
  type ThinkingState,
} from "./thinking-budget.ts";

const IM_START = 1;
const IM_END = 2;
const END_OF_TEXT = 3;
const NEWLINE = 10;
const BLANK_LINE = 11;
const WAIT = [20, 21];
const stopIds = { thinkingEnd: IM_START, imEnd: IM_END, endOfText: END_OF_TEXT };
const delimiters: ThinkingDelimiters = {
  thinkStart: [IM_START, 5],
  answerStart: [IM_START, 6],
  directStart: [IM_START, 6],
  cutAnswer: [IM_START, 6, NEWLINE, 7, 8],
  newline: [NEWLINE],
  newlineEndings: [NEWLINE, BLANK_LINE],
  wait: WAIT,
  stopIds,
};

/** What a row did: `s` sampled thinking, `w` injected thinking, `d` forced delimiter, `e` sampled end, `a` answer. */
function run(plan: ThinkingPlan, model: (state: ThinkingState, index: number) => number) {
  const emitted: EmittedToken[] = [];
  const states: ThinkingState[] = [];
  const sampled: number[] = [];
  let { state, emit, done } = startThinking(plan);
  emitted.push(...emit);
  while (!done) {
    if (sampled.length > 10_000) throw new Error("the machine does not end");
    states.push(state);
    const token = model(state, sampled.length);
    sampled.push(token);
    ({ state, emit, done } = step(state, token));
    emitted.push(...emit);
  }
  return { emitted, states, sampled, state };
}

function scripted(tokens: readonly number[]) {
  return (_: ThinkingState, index: number) => tokens[index] ?? IM_END;
}

function plan(setting: Partial<ThinkingPlan["setting"]>, answerTokens = 4): ThinkingPlan {
  return { delimiters, answerTokens, setting: { mode: "think", budgetTokens: 10, waits: 0, ...setting } };
}

const codes = {
  "delimiter/true": "d",
  "delimiter/false": "e",
  "thinking/true": "w",
  "thinking/false": "s",
  "answer/false": "a",
};
function shape(emitted: readonly EmittedToken[]): string {
  return emitted.map(({ part, forced }) => codes[`${part}/${forced}` as keyof typeof codes] ?? "?").join("");
}

describe("what is written, token by token", () => {
  const rows: [name: string, plan: ThinkingPlan, sampled: number[], ids: number[], shape: string][] = [
    [
      "a natural end writes the heading and leaves the newline to the model",
      plan({}),
      [10, 30, 10, 1, 10, 40, 2],
      [1, 5, 10, 30, 10, 1, 6, 10, 40, 2],
      "ddsssddaae",
    ],
    [
      "a cut writes a newline, the heading and the forced answer",
      plan({ budgetTokens: 2 }),
      [10, 30, 40, 2],
      [1, 5, 10, 30, 10, 1, 6, 10, 7, 8, 40, 2],
      "ddssddddddae",
    ],
    [
      "a cut behind a newline writes none of its own",
      plan({ budgetTokens: 2 }),
      [30, 10, 40, 2],
      [1, 5, 30, 10, 1, 6, 10, 7, 8, 40, 2],
      "ddssdddddae",
    ],
    [
      "a cut behind a token that ends in a newline writes none either",
      plan({ budgetTokens: 1 }),
      [11, 2],
      [1, 5, 11, 1, 6, 10, 7, 8, 2],
      "ddsddddde",
    ],
    [
      "a budget of 0 cuts at once, below the heading",
      plan({ budgetTokens: 0 }),
      [40, 2],
      [1, 5, 10, 1, 6, 10, 7, 8, 40, 2],
      "ddddddddae",
    ],
    [
      "direct mode writes only the answer's heading, whatever the budget",
      plan({ mode: "direct", budgetTokens: 0, waits: 2 }),
      [10, 40, 2],
      [1, 6, 10, 40, 2],
      "ddaae",
    ],
    ["im_end ends thinking, not the row", plan({}), [30, 2, 40, 2], [1, 5, 30, 1, 6, 40, 2], "ddsddae"],
    ["end of text ends thinking, and then the answer", plan({}), [30, 3, 40, 3], [1, 5, 30, 1, 6, 40, 3], "ddsddae"],
    ["thinking may be empty", plan({}), [1, 40, 2], [1, 5, 1, 6, 40, 2], "ddddae"],
    [
      "one wait swallows one end",
      plan({ waits: 1 }),
      [30, 1, 31, 1, 40, 2],
      [1, 5, 30, 20, 21, 31, 1, 6, 40, 2],
      "ddswwsddae",
    ],
    [
      "a silent end is swallowed, with nothing in its place",
      plan({ waits: 1, silent: true }),
      [30, 1, 31, 1, 40, 2],
      [1, 5, 30, 31, 1, 6, 40, 2],
      "ddssddae",
    ],
    [
      "a silent end needs room for a thought and nothing else (cap 2 = 1 + 1)",
      plan({ waits: 1, silent: true, budgetTokens: 2 }),
      [30, 1, 31, 2],
      [1, 5, 30, 31, 10, 1, 6, 10, 7, 8, 2],
      "ddssdddddde",
    ],
    [
      "a wait that would leave no room for a thought ends thinking (cap 3 = 1 + 2)",
      plan({ waits: 1, budgetTokens: 3 }),
      [30, 1, 40, 2],
      [1, 5, 30, 1, 6, 40, 2],
      "ddsddae",
    ],
    [
      "a wait with room for one thought is cut behind it",
      plan({ waits: 1, budgetTokens: 4 }),
      [30, 1, 31, 2],
      [1, 5, 30, 20, 21, 31, 10, 1, 6, 10, 7, 8, 2],
      "ddswwsdddddde",
    ],
    [
      "a minimum waits without using up waits",
      plan({ waits: 1, minThinkingTokens: 2 }),
      [30, 1, 31, 1, 32, 1, 2],
      [1, 5, 30, 20, 21, 31, 20, 21, 32, 1, 6, 2],
      "ddswwswwsdde",
    ],
    [
      "a minimum above the cap stops at the cap",
      plan({ minThinkingTokens: 99, budgetTokens: 4 }),
      [30, 1, 31, 2],
      [1, 5, 30, 20, 21, 31, 10, 1, 6, 10, 7, 8, 2],
      "ddswwsdddddde",
    ],
    ["an answer out of reserve has no end", plan({}, 2), [1, 40, 41], [1, 5, 1, 6, 40, 41], "ddddaa"],
    [
      "a forbidden end right behind a wait still ends, for servers that cannot forbid",
      plan({ waits: 2 }),
      [30, 1, 1, 40, 2],
      [1, 5, 30, 20, 21, 1, 6, 40, 2],
      "ddswwddae",
    ],
    [
      "im_start in an answer ends it, for servers that cannot forbid",
      plan({}),
      [30, 1, 40, 1],
      [1, 5, 30, 1, 6, 40, 1],
      "ddsddae",
    ],
  ];
  it.each(rows)("%s", (_, given, sampled, ids, expected) => {
    const { emitted } = run(given, scripted(sampled));
    expect(emitted.map((item) => item.token)).toEqual(ids);
    expect(shape(emitted)).toBe(expected);
  });
});

describe("what is counted and reported", () => {
  it("counts injected text once and delimiters never", () => {
    const { state } = run(plan({ waits: 1 }), scripted([30, 1, 31, 32, 1, 40, 41, 2]));
    expect(state).toMatchObject({ keptTokens: 5, answerTokens: 2, end: "natural", answerFinish: "stop", waitsLeft: 0 });
  });
  it("says that a cut was a cut, and that an answer ran out", () => {
    const { state } = run(plan({ budgetTokens: 1 }, 1), scripted([30, 40]));
    expect(state).toMatchObject({ keptTokens: 1, end: "cut", answerFinish: "length" });
  });
  it("takes no notice of tokens after the end", () => {
    const { state } = run(plan({}), scripted([1, 2]));
    expect(step(state, 30)).toEqual({ state, emit: [], done: true });
  });
});

describe("what is forbidden", () => {
  it("allows an empty thought, no end behind a wait, no heading in an answer", () => {
    const { states } = run(plan({ waits: 1 }), scripted([30, 1, 31, 1, 40, 2]));
    expect(states.map(forbidden)).toEqual([[], [], [1, 2, 3], [], [1], [1]]);
  });
});

describe("what is forbidden to a silent continuation", () => {
  it("is the end and the word's first id, once", () => {
    const { states } = run(plan({ waits: 1, silent: true }), scripted([30, 1, 31, 1, 40, 2]));
    expect(states.map(forbidden)).toEqual([[], [], [1, 2, 3, 20], [], [1], [1]]);
  });
});

describe("plans that cannot be run", () => {
  it.each([{ budgetTokens: -1 }, { waits: 0.5 }, { minThinkingTokens: Number.NaN }])("refuses %o", (setting) => {
    expect(() => startThinking(plan(setting))).toThrow(AppError);
  });
  it("refuses an answer without room", () => {
    expect(() => startThinking(plan({}, 0))).toThrow("answerTokens is 0; it must be a whole number, 1 or more");
  });
});

const anyPlan: fc.Arbitrary<ThinkingPlan> = fc.record({
  delimiters: fc.array(fc.integer({ min: 20, max: 24 }), { maxLength: 3 }).map((wait) => ({ ...delimiters, wait })),
  answerTokens: fc.integer({ min: 1, max: 6 }),
  setting: fc.record({
    mode: fc.constantFrom("think" as const, "think" as const, "think" as const, "direct" as const),
    budgetTokens: fc.integer({ min: 0, max: 30 }),
    waits: fc.integer({ min: 0, max: 4 }),
    minThinkingTokens: fc.integer({ min: 0, max: 40 }),
  }),
});
/** A model that writes anything, stops often, and may ignore what is forbidden; it never tires. */
const anyModel = fc.record({
  tokens: fc.array(fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 40 })), {
    minLength: 1,
    maxLength: 60,
  }),
  isObedient: fc.boolean(),
});

function respond({ tokens, isObedient }: { tokens: readonly number[]; isObedient: boolean }) {
  return (state: ThinkingState, index: number): number => {
    const token = tokens[index % tokens.length] as number;
    return isObedient && forbidden(state).includes(token) ? 40 : token;
  };
}

describe("laws, for any plan and any model", () => {
  const forAll = (law: (plan: ThinkingPlan, result: ReturnType<typeof run>, isObedient: boolean) => void) =>
    fc.assert(
      fc.property(anyPlan, anyModel, (given, model) => law(given, run(given, respond(model)), model.isObedient)),
      { numRuns: 500 },
    );

  it("never keeps more than the cap, and counts what it keeps exactly once", () => {
    forAll((given, { emitted, state, states }) => {
      expect(state.keptTokens).toBe(emitted.filter((item) => item.part === "thinking").length);
      const cap = given.setting.mode === "direct" ? 0 : given.setting.budgetTokens;
      for (const { keptTokens } of [...states, state]) expect(keptTokens).toBeLessThanOrEqual(cap);
    });
  });
  it("always runs the answer stage, with its own reserve, to an end", () => {
    forAll((given, { emitted, states, state }) => {
      expect(states.some(({ stage }) => stage === "answer")).toBe(true);
      expect(state.stage).toBe("done");
      expect(state.answerTokens).toBeLessThanOrEqual(given.answerTokens);
      expect(state.answerFinish === "length").toBe(
        state.answerTokens === given.answerTokens && emitted.at(-1)?.part === "answer",
      );
      expect(emitted.length).toBeLessThanOrEqual(overheadTokens(given) + state.keptTokens);
    });
  });
  it("marks as unforced exactly what the model wrote, in its order, without the ends of thinking", () => {
    forAll((_, { emitted, sampled, states }) => {
      const written = sampled.filter((token, index) => states[index]?.stage === "answer" || token > IM_START + 2);
      expect(emitted.filter((item) => !item.forced).map((item) => item.token)).toEqual(written);
    });
  });
  it("never swallows more ends above the minimum than it has waits", () => {
    forAll((given, { states, state }) => {
      const swallowed = states.filter(
        ({ stage, mayEnd, keptTokens }) =>
          stage === "thinking" &&
          !mayEnd &&
          keptTokens - given.delimiters.wait.length >= given.setting.minThinkingTokens!,
      );
      expect(swallowed.length).toBe(given.setting.waits - state.waitsLeft);
      expect(state.waitsLeft).toBeGreaterThanOrEqual(0);
    });
  });
  it("reaches the minimum unless the cap is in the way, with a model that does as it is told", () => {
    forAll((given, { state }, isObedient) => {
      const { mode, minThinkingTokens = 0, budgetTokens } = given.setting;
      if (mode === "direct" || !isObedient) return;
      const reachable = Math.min(minThinkingTokens, budgetTokens - given.delimiters.wait.length);
      expect(state.keptTokens).toBeGreaterThanOrEqual(reachable);
    });
  });
  it("keeps states plain and unchanged: a state read back from JSON goes on just the same", () => {
    fc.assert(
      fc.property(anyPlan, anyModel, (given, model) => {
        const { states, sampled, emitted } = run(given, respond(model));
        const before = JSON.stringify(states);
        const replayed = states.flatMap(
          (state, index) => step(JSON.parse(JSON.stringify(state)) as ThinkingState, sampled[index] as number).emit,
        );
        expect([...startThinking(given).emit, ...replayed]).toEqual(emitted);
        expect(JSON.stringify(states)).toBe(before);
      }),
    );
  });
});
