/** @file The small pure parts of a live page. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Grade } from "../schema/records.ts";
import { decodeBase64 } from "./base64.ts";
import { budgetSteps, budgetText } from "./budget-steps.ts";
import { drawQuestion } from "./draw-question.ts";
import type { LiveReply } from "./live-protocol.ts";
import { pauser } from "./pause.ts";
import { factsText, questionFacts } from "./question-facts.ts";
import { outcomeText, replyFacts } from "./reply-panel.ts";

describe("the slider", () => {
  it("starts at a direct answer, rises, ends at the context, and never leaps by more than a quarter", () => {
    for (const context of [64, 320, 1024, 4096]) {
      const steps = budgetSteps(context);
      expect(steps[0]).toBe(0);
      expect(steps.at(-1)).toBe(context);
      for (const [at, step] of steps.entries()) {
        if (at === 0) continue;
        expect(step).toBeGreaterThan(steps[at - 1]!);
        expect(step - steps[at - 1]!).toBeLessThanOrEqual(Math.max(8, step / 4));
      }
    }
    expect(budgetSteps(1024)).toContain(32);
  });

  it("says what a place means", () => {
    expect([0, 32, 1024].map((budget) => budgetText(budget, 1024))).toEqual([
      "none: answers at once",
      "32 tokens, then it must answer",
      "until it stops",
    ]);
  });
});

describe("questions", () => {
  it("are read, worked out and placed by their text alone", () => {
    expect(questionFacts("62 a+36 b+27 c*5")).toEqual({
      family: "arithmetic",
      steps: 3,
      answer: "625",
      bucket: expect.any(String) as string,
    });
    expect(questionFacts("n=62;a:n+=36;b:if(n%2)n-=7;puts(n)")).toMatchObject({ family: "program", answer: "98" });
    expect(questionFacts("what is love?")).toBeNull();
    expect(factsText(null)).toContain("without a verdict");
  });

  it("are drawn from the held-out bucket, of the wanted family and difficulty, the same for a seed", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.constantFrom("arithmetic" as const, "program" as const), (seed, family) => {
        const draw = () => drawQuestion(family, { bucket: "test", difficulty: [3, 5] }, seed);
        const facts = questionFacts(draw())!;
        expect(facts).toMatchObject({ family, bucket: "test" });
        expect(facts.steps).toBeGreaterThanOrEqual(3);
        expect(facts.steps).toBeLessThanOrEqual(5);
        expect(draw()).toBe(draw());
      }),
      { numRuns: 40 },
    );
  });
});

describe("a reply in words", () => {
  const grade = (outcome: Grade["outcome"], extracted: string | null): Grade => ({ outcome, extracted, rule: "x" });
  const reply: LiveReply = {
    thinkingTokens: 1234,
    answer: "Answer: 7",
    end: "cut",
    answerFinish: "stop",
    grade: grade("incorrect", "7"),
    chosenTokens: 100,
    computeSeconds: 0.05,
  };
  const facts = questionFacts("62 a+36 b+27 c*5");

  it.each([
    [grade("correct", "625"), "✓ right: 625"],
    [grade("incorrect", "7"), "✗ wrong: 7, not 625"],
    [grade("no_answer", null), "✗ no answer"],
    [null, "Answer: 7 (not checked)"],
  ])("%j", (verdict, words) => {
    expect(outcomeText({ ...reply, grade: verdict }, facts)).toBe(words);
  });

  it("says how it ended and how fast it was, if that is known", () => {
    expect(replyFacts(reply)).toBe("1,234 thinking tokens, cut by the budget, answer forced; 2,000 tokens a second");
    expect(replyFacts({ ...reply, end: "direct", answerFinish: "length", computeSeconds: 0 })).toBe(
      "no thinking; its answer ran out of room",
    );
  });
});

describe("pauses", () => {
  /** A clock that moves only while somebody sleeps, or by `work` for each token. */
  function simulate(tokensPerSecond: number | null, work: number, tokens: number) {
    let time = 0;
    const counts = { turns: 0, sleeps: 0 };
    const pause = pauser(tokensPerSecond, {
      now: () => time,
      turn: async () => void counts.turns++,
      sleep: async (milliseconds) => {
        counts.sleeps++;
        time += milliseconds;
      },
    });
    const run = async (): Promise<number> => {
      for (let token = 0; token < tokens; token++) {
        await pause();
        time += work;
      }
      return time;
    };
    return { run, counts };
  }

  it("keep to the reader's speed, work included", async () => {
    const { run } = simulate(50, 1, 101);
    expect(await run()).toBeCloseTo(2001, 6);
  });

  it("let messages in every eight milliseconds of work at full speed, and wait for nothing else", async () => {
    const { run, counts } = simulate(null, 1, 800);
    expect(await run()).toBe(800);
    expect(counts).toEqual({ turns: 99, sleeps: 0 });
  });

  it("let messages in where the machine is slower than the reader", async () => {
    const { run, counts } = simulate(50, 100, 10);
    expect(await run()).toBe(1000);
    expect(counts.turns).toBe(9);
  });
});

it("base64 gives any bytes back", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...decodeBase64(Buffer.from(bytes).toString("base64"))]).toEqual([...bytes]);
    }),
  );
});
