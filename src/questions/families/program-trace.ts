import { z } from "zod";
import type { Prng } from "../../core/prng.ts";
import { atLevel, instanceFamily } from "../instance-family.ts";
import { readIntegers } from "../read-answer.ts";
import { type Condition, type Expression, Program, programText, runProgram, type Statement } from "./tiny-language.ts";

/** What a small Python program prints. Checked by running it in an interpreter of our own. */
export const programTrace = instanceFamily({
  name: "program-trace",
  description: "what a small Python program prints",
  domain: "programming",
  levels: [
    "assignments",
    "assignments and a branch",
    "a loop",
    "a loop over a list with a branch",
    "nested loops, or a while loop, with lists",
  ],
  instance: z.strictObject({ program: Program }),
  draw(random, level) {
    const program = atLevel(LEVELS, level)(random);
    const run = runProgram(program);
    if (run.status === "error" || run.steps > 150 || run.lines.length !== 1) return null;
    const [line = ""] = run.lines;
    const isSmall = line.split(" ").every((value) => Math.abs(Number(value)) < 1e6);
    return isSmall && !isDull(program, line) ? { instance: { program }, answer: line } : null;
  },
  text: ({ program }, wording) =>
    `${wording.pick(["What does this Python program print?", "Work out what this Python program prints.", "Trace this Python program. What is its output?"])}\n\n\`\`\`python\n${programText(program)}\n\`\`\``,
  answerForm: ["OUTPUT", "OUTPUT is the line that is printed, its numbers apart by spaces"],
  read: (text) => readIntegers(text, 4),
  isRight: ({ program }, answer) => {
    const run = runProgram(program);
    return run.status === "ok" && run.lines.length === 1 && run.lines[0] === answer.join(" ");
  },
});

const NAMES = ["a", "b", "c", "d", "n", "x", "y", "z", "total", "count"] as const;

/** Some different names. */
const namesFrom = (random: Prng, count: number): string[] => random.shuffle(NAMES).slice(0, count);

function constant(random: Prng, most = 12): number {
  return random.int(1, most);
}

/** An assignment that changes one of the variables, from all of them and a number. */
function change(random: Prng, variables: readonly string[], targets = variables): Statement {
  const target = random.pick(targets);
  const others = variables.filter((variable) => variable !== target);
  const operand: Expression = random.next() < 0.5 && others.length > 0 ? random.pick(others) : constant(random);
  const sign = random.pick(["+", "-", "*", "+", "-"] as const);
  if (random.next() < 0.5) return ["add", target, sign, typeof operand === "number" && sign === "*" ? 2 : operand];
  const left: Expression = random.next() < 0.75 ? target : random.pick(variables);
  if (random.next() < 0.3) return ["set", target, [random.pick(["%", "//"] as const), left, random.int(2, 9)]];
  return ["set", target, [sign, left, operand]];
}

function condition(random: Prng, variable: string): Condition {
  if (random.next() < 0.5) return ["==", ["%", variable, random.int(2, 4)], random.int(0, 1)];
  return [random.pick(["<", ">", "<=", ">="] as const), variable, random.int(3, 30)];
}

const branch = (random: Prng, tested: string, variables: readonly string[], targets = variables): Statement => [
  "if",
  condition(random, tested),
  [change(random, variables, targets)],
  random.next() < 0.7 ? [change(random, variables, targets)] : [],
];

const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

function starts(random: Prng, variables: readonly string[]): Statement[] {
  return variables.map((variable): Statement => ["set", variable, constant(random, 20)]);
}

function list(random: Prng, name: string, count: number): Statement {
  return ["list", name, many(count, () => random.int(1, 30))];
}

/** Programs by level. */
const LEVELS: readonly ((random: Prng) => Statement[])[] = [
  (random) => {
    const variables = namesFrom(random, 2);
    return [...starts(random, variables), ...many(3, () => change(random, variables)), ["print", variables]];
  },
  (random) => {
    const variables = namesFrom(random, 3);
    const [first = "a"] = variables;
    return [
      ...starts(random, variables),
      ...many(2, () => change(random, variables)),
      branch(random, first, variables),
      change(random, variables),
      ["print", variables.slice(0, 2)],
    ];
  },
  (random) => {
    const [total = "a", other = "b"] = namesFrom(random, 2);
    const body = [change(random, [total, other, "i"], [total]), change(random, [total, other, "i"], [other])];
    const from = random.int(0, 3);
    return [
      ...starts(random, [total, other]),
      ["for", "i", from, from + random.int(3, 6), random.shuffle(body)],
      ["print", [total, other]],
    ];
  },
  (random) => {
    const [total = "a", other = "b"] = namesFrom(random, 2);
    return [
      list(random, "items", random.int(5, 8)),
      ...starts(random, [total, other]),
      [
        "each",
        "item",
        "items",
        [
          branch(random, "item", [total, other, "item"], [total, other]),
          change(random, [total, other, "item"], [total]),
        ],
      ],
      ["print", [total, other]],
    ];
  },
  (random) => random.pick([nestedLoops, halving])(random),
];

function nestedLoops(random: Prng): Statement[] {
  const [total = "a", other = "b"] = namesFrom(random, 2);
  const inner: Statement[] = [
    branch(random, "j", [total, "i", "j"], [total]),
    change(random, [total, other, "j"], [other]),
  ];
  return [
    ...starts(random, [total, other]),
    ["list", "items", []],
    [
      "for",
      "i",
      random.int(0, 2),
      random.int(4, 5),
      [
        ["for", "j", "i", random.int(5, 6), inner],
        ["append", "items", random.pick([total, other])],
      ],
    ],
    ["print", [total, ["at", "items", random.pick([1, -1, -2])], ["len", "items"]]],
  ];
}

/** A while loop that makes a number smaller or larger by its remainder, and keeps the values on the way. */
function halving(random: Prng): Statement[] {
  const [value = "a", other = "b"] = namesFrom(random, 2);
  const divisor = random.int(2, 3);
  const body: Statement[] = [
    ["append", "seen", value],
    [
      "if",
      ["==", ["%", value, divisor], 0],
      [["add", value, "//", divisor]],
      [["set", value, ["-", ["*", value, random.int(1, divisor - 1)], random.int(1, 3)]]],
    ],
    change(random, [value, other], [other]),
  ];
  return [
    ["set", value, random.int(40, 400)],
    ["set", other, constant(random)],
    ["list", "seen", []],
    ["while", [">", value, random.int(1, 5)], body],
    ["each", "item", "seen", [branch(random, "item", [other, "item"], [other])]],
    ["print", [value, other, ["len", "seen"]]],
  ];
}

/** Whether a shorter program prints the same: then some line of it does nothing. */
function isDull(program: readonly Statement[], line: string): boolean {
  return shortened(program).some((shorter) => {
    const run = runProgram(shorter);
    return run.status === "ok" && run.lines.join("\n") === line;
  });
}

/** The program without one of its statements, in every way, inside blocks as well. */
function shortened(block: readonly Statement[]): Statement[][] {
  return block.flatMap((statement, place) => {
    const before = block.slice(0, place);
    const after = block.slice(place + 1);
    const within = (bodies: readonly Statement[]): Statement[][] => bodies.map((body) => [...before, body, ...after]);
    const without = statement[0] === "print" ? [] : [[...before, ...after]];
    return [...without, ...within(innerShortened(statement))];
  });
}

function innerShortened(statement: Statement): Statement[] {
  switch (statement[0]) {
    case "for":
      return shortened(statement[4]).map((body): Statement => ["for", statement[1], statement[2], statement[3], body]);
    case "each":
      return shortened(statement[3]).map((body): Statement => ["each", statement[1], statement[2], body]);
    case "while":
      return shortened(statement[2]).map((body): Statement => ["while", statement[1], body]);
    default:
      return [];
  }
}
