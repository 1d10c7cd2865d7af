/** @file Programming tasks: a function or a program over a list of numbers, with examples to read and hidden tests to pass. */
import { z } from "zod";
import { invariant } from "../../core/errors.ts";
import { canonicalJson } from "../../core/hash.ts";
import { prng, type Prng } from "../../core/prng.ts";
import { type CodeTests, readCodeTests } from "../../schema/code-tests.ts";
import type { TestsFamily } from "../family.ts";
import { type Drawn, type QuestionParts, questionWriter } from "../instance-family.ts";
import { drawPipeline, Pipeline, pipelinePython, pipelineWords, runPipeline, variantsOf } from "./list-pipeline.ts";

const Instance = z.strictObject({
  pipeline: Pipeline,
  /** A function's name, or null for a program that reads standard input. */
  entryPoint: z
    .string()
    .regex(/^[a-z_]{1,40}$/)
    .nullable(),
});
type Instance = z.infer<typeof Instance>;

const FUNCTION_NAMES = ["solve", "transform", "process", "compute", "evaluate_list", "handle_numbers"] as const;
/** Hidden tests: calls are cheap, each input of a program is a run of its own. */
const CALLS = 24;
const RUNS = 10;
/** Random inputs from which the hidden ones are chosen. */
const POOL = 80;
const EXAMPLES = 2;
/** Share of questions that ask for a whole program. */
const PROGRAM_SHARE = 0.3;

const parts: QuestionParts<Instance> = {
  name: "programming",
  description: "a Python function or program over a list of numbers, tested by hidden tests",
  domain: "programming",
  levels: ["1 operation", "2 operations", "3 operations", "4 operations", "6 operations"],
  instance: Instance,
  draw(random, level): Drawn<Instance> | null {
    const pipeline = drawPipeline(random, level === 5 ? 6 : level);
    if (hiddenInputs(pipeline, RUNS) === null) return null;
    const entryPoint = random.next() < PROGRAM_SHARE ? null : random.pick(FUNCTION_NAMES);
    const instance = { pipeline, entryPoint };
    return { instance, answer: solution(instance) };
  },
  text: questionText,
};

const writer = questionWriter(parts);

/** The family. Its questions carry their tests in `metadata.tests`, which a function of the program alone makes. */
export const programming: TestsFamily = {
  name: parts.name,
  description: parts.description,
  domain: parts.domain,
  levels: parts.levels,
  checkedBy: "tests",
  generate(index, options) {
    const { question, instance } = writer.generate(index, options);
    return { ...question, metadata: { ...question.metadata, tests: JSON.stringify(testsOf(instance)) } };
  },
  tests: (question) => (writer.read(question) === null ? null : readCodeTests(question.metadata)),
};

const list = (random: Prng, length: number, most: number): number[] =>
  Array.from({ length }, () => random.int(-most, most));

/** Inputs that the question shows, a function of the program. */
function examplesOf(pipeline: Pipeline): number[][] {
  const random = prng(`programming/examples/${canonicalJson(pipeline)}`);
  return Array.from({ length: EXAMPLES }, () => list(random, random.int(5, 8), 20));
}

/**
 * Hidden inputs, a function of the program: the edges, then those of a pool that tell it from programs that are nearly it,
 * then others of the pool. Null where a program without one of the stages, or one that gives nearly always the same, would pass.
 */
function hiddenInputs(pipeline: Pipeline, count: number): number[][] | null {
  const random = prng(`programming/inputs/${canonicalJson(pipeline)}`);
  const edges = [[], [random.int(-9, 9)], Array.from({ length: 5 }, () => 7), list(random, 12, 3)];
  const pool = Array.from({ length: POOL }, () => list(random, random.int(2, 14), random.pick([4, 9, 40, 99])));
  const result = (one: Pipeline, input: readonly number[]): string => JSON.stringify(runPipeline(one, input));
  const wanted = new Map([...edges, ...pool].map((input) => [input, result(pipeline, input)]));
  const kinds = new Set(pool.map((input) => wanted.get(input)));
  if (kinds.size < POOL / 2) return null;
  const passes = (variant: Pipeline, input: readonly number[]): boolean =>
    result(variant, input) === wanted.get(input as number[]);
  const { shorter, others } = variantsOf(pipeline);
  let alive = [...shorter, ...others].filter((variant) => edges.every((input) => passes(variant, input)));
  const telling: number[][] = [];
  for (const input of pool) {
    const left = alive.filter((variant) => passes(variant, input));
    if (left.length === alive.length || edges.length + telling.length === count) continue;
    telling.push(input);
    alive = left;
  }
  if (shorter.some((variant) => alive.includes(variant))) return null;
  const rest = pool.filter((input) => !telling.includes(input));
  return [...edges, ...telling, ...rest].slice(0, count);
}

/** What a program prints for a result: a number, or numbers apart by spaces. */
const printed = (result: number | readonly number[]): string =>
  typeof result === "number" ? String(result) : result.join(" ");

function testsOf({ pipeline, entryPoint }: Instance): CodeTests {
  const inputs = hiddenInputs(pipeline, entryPoint === null ? RUNS : CALLS);
  invariant(inputs !== null, "a program that was drawn has inputs that tell");
  if (entryPoint === null) {
    const tests = inputs.map((input) => ({
      input: `${input.join(" ")}\n`,
      expected: printed(runPipeline(pipeline, input)),
    }));
    return { kind: "stdin", tests };
  }
  const tests = inputs.map((input) => ({
    args: JSON.stringify(input),
    expected: JSON.stringify(runPipeline(pipeline, input)),
  }));
  return { kind: "calls", entryPoint, preamble: "", tests };
}

function questionText({ pipeline, entryPoint }: Instance, wording: Prng): string {
  const { steps, result } = pipelineWords(pipeline);
  const examples = examplesOf(pipeline);
  const how = wording.pick(["does the following, in this order", "carries out these steps in order"]);
  const body = `${steps.join("\n")}\n`;
  if (entryPoint === null) {
    const shown = examples.map(
      (input) => `Input: ${input.join(" ")}\nOutput: ${printed(runPipeline(pipeline, input))}`,
    );
    return `Write a Python program that reads a list of whole numbers from one line of standard input, apart by spaces (the line may be empty), and ${how}:\n${body}It then prints ${result}${pipeline.end === "list" ? ", apart by spaces on one line (an empty line if it is empty)" : ""}.\n\nExamples:\n${shown.join("\n")}\n\nGive the whole program in one \`\`\`python block.`;
  }
  const shown = examples.map(
    (input) => `${entryPoint}(${pythonText(input)}) == ${pythonText(runPipeline(pipeline, input))}`,
  );
  return `Write a Python function ${entryPoint}(numbers) that takes a list of whole numbers, which may be empty, and ${how}:\n${body}It then returns ${result}.\n\nExamples:\n${shown.join("\n")}\n\nGive the whole function in one \`\`\`python block.`;
}

const pythonText = (value: number | readonly number[]): string =>
  typeof value === "number" ? String(value) : `[${value.join(", ")}]`;

/** A reference solution in Python. */
function solution({ pipeline, entryPoint }: Instance): string {
  const lines = pipelinePython(pipeline).map((line) => `    ${line}`);
  const define = `def ${entryPoint ?? "solve"}(numbers):\n${lines.join("\n")}\n`;
  if (entryPoint !== null) return define;
  const show = pipeline.end === "list" ? "print(*result)" : "print(result)";
  return `${define}\n\nresult = solve([int(word) for word in input().split()])\n${show}\n`;
}
