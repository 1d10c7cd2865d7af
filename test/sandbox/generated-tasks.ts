/** @file Tasks in the benchmarks' shapes, made from a few functions with seeded inputs; each with wrong solutions beside the right. */
import { prng } from "../../src/core/prng.ts";
import type { CodeSpec } from "../../src/grade/code/code-spec.ts";

/** A task, its solution, and programs that are wrong on at least one of its inputs. */
export interface GeneratedTask {
  readonly spec: CodeSpec;
  readonly solution: string;
  readonly mutants: readonly string[];
}

/** A function of a list of integers: as Python, as TypeScript, and as wrong Python. */
interface Program {
  readonly name: string;
  readonly expression: string;
  readonly wrong: readonly string[];
  compute(items: readonly number[]): unknown;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "total",
    expression: "sum(items)",
    wrong: ["sum(items) + 1", "sum(items[1:])", "str(sum(items))"],
    compute: (items) => items.reduce((a, b) => a + b, 0),
  },
  {
    name: "ordered",
    expression: "sorted(items)",
    wrong: ["items", "sorted(items, reverse=True)", "sorted(set(items))[:-1]", "None"],
    compute: (items) => [...items].sort((a, b) => a - b),
  },
  {
    name: "widest",
    expression: "[max(items), min(items)]",
    wrong: ["[min(items), max(items)]", "max(items)", "1 // 0"],
    compute: (items) => [Math.max(...items), Math.min(...items)],
  },
  {
    name: "evens",
    expression: "len([x for x in items if x % 2 == 0])",
    wrong: ["len([x for x in items if x % 2 == 1])", "len(items)"],
    compute: (items) => items.filter((item) => item % 2 === 0).length,
  },
];

/** Five lists; the fixed first one is odd and even, unordered, without repeats, so that every mutant fails somewhere. */
function inputsOf(seed: number, name: string): number[][] {
  const random = prng(`${seed}/${name}`);
  const list = (): number[] => Array.from({ length: random.int(2, 9) }, () => random.int(-50, 50));
  return [[5, -2, 9, 4, 7], list(), list(), list(), list()];
}

const define = (name: string, expression: string): string => `def ${name}(items):\n    return ${expression}`;

/** HumanEval-shaped. */
export function functionTasks(seed: number): GeneratedTask[] {
  return PROGRAMS.map((program) => {
    const asserts = inputsOf(seed, program.name).map(
      (items) => `    assert candidate(${JSON.stringify(items)}) == ${JSON.stringify(program.compute(items))}`,
    );
    return {
      spec: {
        kind: "function",
        prompt: `from typing import List\n\n\ndef ${program.name}(items: List[int]):\n    """ Of a list. """\n`,
        entryPoint: program.name,
        test: `METADATA = {}\n\n\ndef check(candidate):\n${asserts.join("\n")}\n`,
      },
      solution: define(program.name, program.expression),
      mutants: program.wrong.map((expression) => define(program.name, expression)),
    };
  });
}

/** Programs that read standard input. */
export function stdinTasks(seed: number): GeneratedTask[] {
  const program = (expression: string): string =>
    `items = list(map(int, input().split()))\nresult = ${expression}\nprint(*result) if isinstance(result, list) else print(result)`;
  return PROGRAMS.map(({ name, expression, wrong, compute }) => ({
    spec: {
      kind: "stdin",
      tests: inputsOf(seed, name).map((items) => ({
        input: `${items.join(" ")}\n`,
        expected: `${[compute(items)].flat().join(" ")}\n`,
      })),
    },
    solution: program(expression),
    // On paper "3" is 3: that mutant is no mutant here.
    mutants: wrong.filter((text) => !text.startsWith("str")).map(program),
  }));
}

/** LiveCodeBench's functional shape. */
export function callTasks(seed: number): GeneratedTask[] {
  const method = (name: string, expression: string): string =>
    `class Solution:\n    def ${name}(self, items: List[int]):\n        return ${expression}`;
  return PROGRAMS.map(({ name, expression, wrong, compute }) => ({
    spec: {
      kind: "calls",
      entryPoint: name,
      preamble: "from typing import *",
      tests: inputsOf(seed, name).map((items) => ({
        args: JSON.stringify(items),
        expected: JSON.stringify(compute(items)),
      })),
    },
    solution: method(name, expression),
    mutants: wrong.map((text) => method(name, text)),
  }));
}

/** HumanEval+-shaped, with a canonical solution and a tolerance. */
export function plusTasks(seed: number): GeneratedTask[] {
  return PROGRAMS.map(({ name, expression, wrong }) => ({
    spec: {
      kind: "plus",
      prompt: "",
      entryPoint: name,
      canonicalSolution: define(name, expression),
      inputs: inputsOf(seed, name).map((items, index) =>
        index % 2 === 0 ? JSON.stringify([items]) : `(${JSON.stringify(items)},)`,
      ),
      atol: 0,
      oracle: "equal",
    },
    solution: define(name, expression),
    mutants: wrong.map((text) => define(name, text)),
  }));
}
