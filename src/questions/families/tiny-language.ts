/**
 * @file A small subset of Python for tracing: whole numbers, lists of them, assignment, if, for, while, print. Programs are
 * trees, written as Python text and run by an interpreter that counts its steps: a program cannot hang, grow or overflow.
 */
import { z } from "zod";

const name = z.string().regex(/^[a-z]{1,8}$/);
const OPERATIONS = ["+", "-", "*", "//", "%"] as const;
const COMPARISONS = ["<", ">", "<=", ">=", "==", "!="] as const;
type Operation = (typeof OPERATIONS)[number];
type Comparison = (typeof COMPARISONS)[number];

/** A number, a variable, `[operation, left, right]`, or `["at", list, index]` and `["len", list]`. */
export type Expression =
  | number
  | string
  | readonly [Operation, Expression, Expression]
  | readonly ["at", string, Expression]
  | readonly ["len", string];
export type Condition = readonly [Comparison, Expression, Expression];

/** One statement, told apart by its first word. */
export type Statement =
  | readonly ["set", string, Expression]
  | readonly ["add", string, Operation, Expression]
  | readonly ["list", string, readonly number[]]
  | readonly ["append", string, Expression]
  | readonly ["if", Condition, readonly Statement[], readonly Statement[]]
  | readonly ["for", string, Expression, Expression, readonly Statement[]]
  | readonly ["each", string, string, readonly Statement[]]
  | readonly ["while", Condition, readonly Statement[]]
  | readonly ["print", readonly Expression[]];

/** Most statements in one block, and items of a list. */
const MAX_BLOCK = 12;
/** Levels of nesting that are read: more than any program of ours has. */
const MAX_NESTING = 4;
const number = z.int().min(-1_000).max(1_000);

/** Expressions of so many levels: bounded, so that no text can make a reader recurse without end. */
function expressionSchema(levels: number): z.ZodType<Expression> {
  const flat = z.union([number, name, z.tuple([z.literal("len"), name])]);
  if (levels === 0) return flat;
  const inner = expressionSchema(levels - 1);
  return z.union([flat, z.tuple([z.enum(OPERATIONS), inner, inner]), z.tuple([z.literal("at"), name, inner])]);
}

function blockSchema(levels: number): z.ZodType<readonly Statement[]> {
  const expression = expressionSchema(3);
  const condition = z.tuple([z.enum(COMPARISONS), expression, expression]);
  const flat = [
    z.tuple([z.literal("set"), name, expression]),
    z.tuple([z.literal("add"), name, z.enum(OPERATIONS), expression]),
    z.tuple([z.literal("list"), name, z.array(number).max(MAX_BLOCK)]),
    z.tuple([z.literal("append"), name, expression]),
    z.tuple([z.literal("print"), z.array(expression).min(1).max(4)]),
  ] as const;
  if (levels === 0) return z.array(z.union(flat)).max(MAX_BLOCK);
  const block = blockSchema(levels - 1);
  const nested = [
    z.tuple([z.literal("if"), condition, block, block]),
    z.tuple([z.literal("for"), name, expression, expression, block]),
    z.tuple([z.literal("each"), name, name, block]),
    z.tuple([z.literal("while"), condition, block]),
  ] as const;
  return z.array(z.union([...flat, ...nested])).max(MAX_BLOCK);
}

/** A program as it may come back from a file. */
export const Program: z.ZodType<readonly Statement[]> = blockSchema(MAX_NESTING);

/** The program as Python. */
export function programText(block: readonly Statement[], indent = ""): string {
  return block.map((statement) => statementText(statement, indent)).join("\n");
}

function statementText(statement: Statement, indent: string): string {
  const deeper = `${indent}    `;
  switch (statement[0]) {
    case "set":
      return `${indent}${statement[1]} = ${bare(statement[2])}`;
    case "add":
      return `${indent}${statement[1]} ${statement[2]}= ${bare(statement[3])}`;
    case "list":
      return `${indent}${statement[1]} = [${statement[2].join(", ")}]`;
    case "append":
      return `${indent}${statement[1]}.append(${bare(statement[2])})`;
    case "print":
      return `${indent}print(${statement[1].map(bare).join(", ")})`;
    case "while":
      return `${indent}while ${conditionText(statement[1])}:\n${programText(statement[2], deeper)}`;
    case "each":
      return `${indent}for ${statement[1]} in ${statement[2]}:\n${programText(statement[3], deeper)}`;
    case "for":
      return `${indent}for ${statement[1]} in range(${bare(statement[2])}, ${bare(statement[3])}):\n${programText(statement[4], deeper)}`;
    case "if": {
      const otherwise = statement[3].length === 0 ? "" : `\n${indent}else:\n${programText(statement[3], deeper)}`;
      return `${indent}if ${conditionText(statement[1])}:\n${programText(statement[2], deeper)}${otherwise}`;
    }
  }
}

const conditionText = ([sign, left, right]: Condition): string => `${bare(left)} ${sign} ${bare(right)}`;

/** An expression at the outside, without parentheses around it. */
function bare(expression: Expression): string {
  const text = expressionText(expression);
  return Array.isArray(expression) && text.startsWith("(") ? text.slice(1, -1) : text;
}

function expressionText(expression: Expression): string {
  if (typeof expression === "number" || typeof expression === "string") return String(expression);
  if (expression[0] === "len") return `len(${expression[1]})`;
  if (expression[0] === "at") return `${expression[1]}[${bare(expression[2])}]`;
  return `(${expressionText(expression[1])} ${expression[0]} ${expressionText(expression[2])})`;
}

/** What a program printed, or why that cannot be said. */
export type Run =
  | { readonly status: "ok"; readonly lines: readonly string[]; readonly steps: number }
  | { readonly status: "error"; readonly reason: "name" | "index" | "zero" | "too-large" | "too-long" };

const MAX_STEPS = 5_000;
const MAX_VALUE = 1e12;
const MAX_ITEMS = 200;

/** Runs a program as Python would: `//` and `%` round down, a negative index counts from the end. */
export function runProgram(program: readonly Statement[]): Run {
  const machine = new Machine();
  try {
    machine.block(program);
    return { status: "ok", lines: machine.lines, steps: machine.steps };
  } catch (error) {
    if (error instanceof Stop) return { status: "error", reason: error.reason };
    throw error;
  }
}

/** Ends a run from any depth; never leaves this file. */
class Stop extends Error {
  readonly reason: Extract<Run, { status: "error" }>["reason"];

  constructor(reason: Stop["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

class Machine {
  readonly lines: string[] = [];
  steps = 0;
  readonly #numbers = new Map<string, number>();
  readonly #lists = new Map<string, number[]>();

  block(statements: readonly Statement[]): void {
    for (const statement of statements) this.#run(statement);
  }

  #run(statement: Statement): void {
    this.#count();
    switch (statement[0]) {
      case "set":
        return this.#set(statement[1], this.#value(statement[2]));
      case "add":
        return this.#set(statement[1], compute(this.#number(statement[1]), statement[2], this.#value(statement[3])));
      case "list":
        this.#numbers.delete(statement[1]);
        return void this.#lists.set(statement[1], [...statement[2]]);
      case "append":
        if (this.#list(statement[1]).push(this.#value(statement[2])) > MAX_ITEMS) throw new Stop("too-long");
        return;
      case "print":
        return void this.lines.push(statement[1].map((expression) => this.#value(expression)).join(" "));
      case "if":
        return this.block(this.#holds(statement[1]) ? statement[2] : statement[3]);
      case "while":
        while (this.#holds(statement[1])) this.#pass(statement[2]);
        return;
      case "each":
        return this.#each(statement);
      case "for":
        return this.#for(statement);
    }
  }

  #each([, variable, list, body]: Extract<Statement, readonly ["each", ...unknown[]]>): void {
    const items = this.#list(list);
    // By place, as Python does: what is appended on the way is passed too.
    for (let place = 0; place < items.length; place++) {
      this.#set(variable, items[place] as number);
      this.#pass(body);
    }
  }

  #for([, variable, from, to, body]: Extract<Statement, readonly ["for", ...unknown[]]>): void {
    const end = this.#value(to);
    for (let value = this.#value(from); value < end; value++) {
      this.#set(variable, value);
      this.#pass(body);
    }
  }

  #pass(body: readonly Statement[]): void {
    this.#count();
    this.block(body);
  }

  #count(): void {
    this.steps += 1;
    if (this.steps > MAX_STEPS) throw new Stop("too-long");
  }

  #set(variable: string, value: number): void {
    this.#lists.delete(variable);
    this.#numbers.set(variable, value);
  }

  #holds([sign, left, right]: Condition): boolean {
    return compare(this.#value(left), sign, this.#value(right));
  }

  #value(expression: Expression): number {
    if (typeof expression === "number") return expression;
    if (typeof expression === "string") return this.#number(expression);
    if (expression[0] === "len") return this.#list(expression[1]).length;
    if (expression[0] !== "at") return compute(this.#value(expression[1]), expression[0], this.#value(expression[2]));
    const item = this.#list(expression[1]).at(this.#value(expression[2]));
    if (item === undefined) throw new Stop("index");
    return item;
  }

  #number(variable: string): number {
    const value = this.#numbers.get(variable);
    if (value === undefined) throw new Stop("name");
    return value;
  }

  #list(variable: string): number[] {
    const list = this.#lists.get(variable);
    if (list === undefined) throw new Stop("name");
    return list;
  }
}

function compute(left: number, operation: Operation, right: number): number {
  if (right === 0 && (operation === "//" || operation === "%")) throw new Stop("zero");
  const value = arithmetic(left, operation, right);
  if (Math.abs(value) > MAX_VALUE) throw new Stop("too-large");
  return value + 0; // never -0
}

function arithmetic(left: number, operation: Operation, right: number): number {
  switch (operation) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "//":
      return Math.floor(left / right);
    case "%":
      return left - right * Math.floor(left / right);
  }
}

function compare(left: number, sign: Comparison, right: number): boolean {
  switch (sign) {
    case "<":
      return left < right;
    case ">":
      return left > right;
    case "<=":
      return left <= right;
    case ">=":
      return left >= right;
    case "==":
      return left === right;
    case "!=":
      return left !== right;
  }
}
