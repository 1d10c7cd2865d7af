/** @file Programming tasks: a function or a program over a list of numbers, with examples to read and hidden tests to pass. */
import { z } from "zod";
import { canonicalJson } from "../../core/hash.ts";
import { prng, type Prng } from "../../core/prng.ts";
import { type CodeTests, readCodeTests } from "../../schema/code-tests.ts";
import type { TestsFamily } from "../family.ts";
import { type Drawn, type QuestionParts, questionWriter } from "../instance-family.ts";
import { drawPipeline, Pipeline, pipelinePython, pipelineWords, runPipeline } from "./list-pipeline.ts";

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
const CALLS = 16;
const RUNS = 8;
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
    if (!isTested(pipeline)) return null;
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

/** Inputs of a program, a function of it: first those of the examples, then the hidden ones with the edges among them. */
function inputsOf(pipeline: Pipeline, count: number): number[][] {
  const random = prng(`programming/inputs/${canonicalJson(pipeline)}`);
  const list = (length: number, most: number): number[] => Array.from({ length }, () => random.int(-most, most));
  const examples = Array.from({ length: EXAMPLES }, () => list(random.int(5, 8), 20));
  const edges = [[], [random.int(-9, 9)], Array.from({ length: 5 }, () => 7), list(6, 2), list(12, 3)];
  const others = Array.from({ length: count - edges.length }, () => list(random.int(2, 14), random.pick([9, 40, 99])));
  return [...examples, ...edges, ...others];
}

/** Whether every stage and the end show in the results: a solution that leaves one out must fail some test. */
function isTested(pipeline: Pipeline): boolean {
  const hidden = inputsOf(pipeline, RUNS).slice(EXAMPLES);
  const resultsOf = (one: Pipeline): string[] => hidden.map((input) => JSON.stringify(runPipeline(one, input)));
  const wanted = resultsOf(pipeline);
  const distinct = new Set(wanted).size;
  const shorter = pipeline.stages.map(
    (_, left): Pipeline => ({
      ...pipeline,
      stages: pipeline.stages.filter((_, place) => place !== left),
    }),
  );
  return distinct > RUNS / 2 && shorter.every((one) => resultsOf(one).some((result, i) => result !== wanted[i]));
}

/** What a program prints for a result: a number, or numbers apart by spaces. */
const printed = (result: number | readonly number[]): string =>
  typeof result === "number" ? String(result) : result.join(" ");

function testsOf({ pipeline, entryPoint }: Instance): CodeTests {
  const inputs = inputsOf(pipeline, entryPoint === null ? RUNS : CALLS).slice(EXAMPLES);
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
  const examples = inputsOf(pipeline, RUNS).slice(0, EXAMPLES);
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
