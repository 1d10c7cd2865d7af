import { describe, expect, it } from "vitest";
import { prng } from "../../core/prng.ts";
import { readCodeTests } from "../../schema/code-tests.ts";
import { drawPipeline, Pipeline, runPipeline, variantsOf } from "./list-pipeline.ts";
import { programming } from "./programming.ts";

const questions = [1, 2, 3, 4, 5].flatMap((difficulty) =>
  Array.from({ length: 30 }, (_, index) => programming.generate(index, { seed: 6, difficulty })),
);

const pipelineOf = ({ metadata }: (typeof questions)[number]): Pipeline =>
  Pipeline.parse((JSON.parse(String(metadata.instance)) as { pipeline: unknown }).pipeline);

/** The hidden inputs as lists, with the results that are expected of them as text. */
function hiddenTests(question: (typeof questions)[number]): { input: number[]; expected: string }[] {
  const tests = readCodeTests(question.metadata);
  if (tests?.kind === "calls")
    return tests.tests.map(({ args, expected }) => ({ input: JSON.parse(args) as number[], expected }));
  return (tests?.tests ?? []).map(({ input, expected }) => ({
    input: input.split(/\s+/).filter(Boolean).map(Number),
    expected,
  }));
}

const shown = (result: number | number[], like: string): string =>
  like.startsWith("[") || typeof result === "number" ? JSON.stringify(result) : result.join(" ");

describe("hidden tests", () => {
  it("expect what the program gives, the empty list among their inputs", () => {
    for (const question of questions) {
      const tests = hiddenTests(question);
      expect(programming.tests(question)).toEqual(readCodeTests(question.metadata));
      expect(tests.length).toBeGreaterThanOrEqual(10);
      expect(tests.some(({ input }) => input.length === 0)).toBe(true);
      for (const { input, expected } of tests)
        expect(shown(runPipeline(pipelineOf(question), input), expected)).toBe(expected);
    }
  });

  it("tell the program from all that lack an operation, and from nearly all others that are nearly it", () => {
    const random = prng("other inputs");
    const others = Array.from({ length: 200 }, () =>
      Array.from({ length: random.int(0, 14) }, () => random.int(-99, 99)),
    );
    let [different, told] = [0, 0];
    for (const question of questions) {
      const pipeline = pipelineOf(question);
      const inputs = hiddenTests(question).map(({ input }) => input);
      const tells = (variant: Pipeline) => (input: readonly number[]) =>
        JSON.stringify(runPipeline(variant, input)) !== JSON.stringify(runPipeline(pipeline, input));
      const variants = variantsOf(pipeline);
      for (const variant of variants.shorter) expect(inputs.some(tells(variant))).toBe(true);
      for (const variant of variants.others) {
        const isTold = inputs.some(tells(variant));
        if (isTold) told += 1;
        if (isTold || others.some(tells(variant))) different += 1;
      }
    }
    expect(different).toBeGreaterThan(1_000);
    expect(told / different).toBeGreaterThan(0.99);
  });

  it("do not stand in the question's text", () => {
    for (const question of questions) {
      const long = hiddenTests(question).filter(({ input }) => input.length > 4);
      expect(long.filter(({ input }) => question.text.includes(input.join(", ")))).toEqual([]);
    }
  });
});

it("whole numbers stay exact, and no result is -0, whatever is drawn", () => {
  const random = prng("exact");
  for (let draw = 0; draw < 400; draw++) {
    const pipeline = drawPipeline(random, 6);
    const result = runPipeline(
      pipeline,
      Array.from({ length: 14 }, () => random.int(-99, 99)),
    );
    for (const value of typeof result === "number" ? [result] : result) {
      expect(Number.isSafeInteger(value)).toBe(true);
      expect(Object.is(value, -0)).toBe(false);
    }
  }
});
