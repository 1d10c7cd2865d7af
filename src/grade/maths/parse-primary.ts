/** @file The smallest parts of an answer: numbers, letters, words, bracketed parts; commands have a file of their own. */
import { ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import { readCommand, startsValue } from "./parse-commands.ts";
import { readFunction } from "./parse-functions.ts";
import { numeralValue, type Token } from "./tokens.ts";
import type { Tree } from "./tree.ts";
import { CONNECTIVES, FILLERS, FUNCTION_LETTERS } from "./vocabulary.ts";

/** Whether a token may begin a value that multiplies what stands before it. */
export function startsPrimary(token: Token): boolean {
  switch (token.kind) {
    case "number":
    case "letter":
    case "function":
      return true;
    case "command":
      return startsValue(token.text);
    case "sign":
      return token.text === "(" || token.text === "{" || token.text === "|" || token.text === "[";
    case "word":
    case "time":
      return false;
    default:
      return token satisfies never;
  }
}

/** Reads one of them, or fails. */
export function readPrimary(grammar: Grammar): Tree {
  return grammar.cursor.nested(() => {
    const { cursor } = grammar;
    const token = cursor.peek();
    if (token === undefined) throw new ParseFailure("the end, where a value should be");
    switch (token.kind) {
      case "number":
        cursor.skip();
        return readNumeral(grammar, token);
      case "time":
        cursor.skip();
        return { type: "time", minutes: token.minutes, half: token.half };
      case "letter":
        cursor.skip();
        return readName(grammar, token.text);
      case "word":
        return readWords(grammar);
      case "function":
        cursor.skip();
        return readFunction(grammar, token.name);
      case "command":
        return readCommand(grammar, token.text);
      case "sign":
        return readBrackets(grammar, token.text);
      default:
        return token satisfies never;
    }
  });
}

/** A number, with its base where it has one: `11011_2`, `1A_{16}`, `11_{\text{two}}`. */
function readNumeral(grammar: Grammar, token: Extract<Token, { kind: "number" }>): Tree {
  const { cursor } = grammar;
  if (cursor.take("_")) {
    const base = baseOf(grammar.argumentText());
    const value = numeralValue(token.text, base);
    if (value === null) throw new ParseFailure(`${token.text} is no numeral of base ${base}`);
    return base === 10
      ? { type: "number", value, isDecimal: false }
      : { type: "based", digits: token.text, base, value };
  }
  if (/[A-F]/.test(token.text)) throw new ParseFailure("a numeral without its base");
  return { type: "number", value: token.value, isDecimal: token.isDecimal };
}

const BASES: Readonly<Record<string, number>> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  sixteen: 16,
};

function baseOf(text: string): number {
  return BASES[text] ?? (/^\d{1,2}$/.test(text) ? Number(text) : 0);
}

/** A variable with its subscripts and primes, or a function that is applied: `x_{1}`, `f'(x)`. */
export function readName(grammar: Grammar, letters: string): Tree {
  const { cursor } = grammar;
  let name = letters;
  for (;;) {
    if (cursor.is("_")) {
      cursor.skip();
      name += `_${grammar.argumentText()}`;
    } else if (cursor.take("'") || takePrime(grammar)) name += "'";
    else break;
  }
  const isInverse = FUNCTION_LETTERS.has(letters) && isInverseMark(grammar);
  if (isInverse) {
    cursor.skip(5);
    name += "^-1";
  }
  if (!FUNCTION_LETTERS.has(letters) || !cursor.is("(")) return { type: "symbol", name };
  cursor.expect("(");
  const args = readConditioned(grammar);
  cursor.expect(")");
  // `f(x)_{\max}`
  if (cursor.take("_")) name += `_${grammar.argumentText()}`;
  return { type: "call", name, args };
}

/** What a function is applied to; for `P(A|B)` the event and then the condition. */
function readConditioned(grammar: Grammar): Tree[] {
  const { cursor } = grammar;
  if (cursor.is("|")) return grammar.within("plain", () => grammar.items());
  const args = grammar.within("such-that", () => grammar.items());
  if (!cursor.take("|") && !cursor.take("\\mid")) return args;
  return [...args, ...grammar.within("plain", () => grammar.items())];
}

function takePrime({ cursor }: Grammar): boolean {
  if (!cursor.is("^")) return false;
  const isBraced = cursor.is("{", 1) && cursor.is("\\prime", 2) && cursor.is("}", 3);
  if (!isBraced && !cursor.is("\\prime", 1)) return false;
  cursor.skip(isBraced ? 4 : 2);
  return true;
}

/** `f^{-1}(`. */
function isInverseMark({ cursor }: Grammar): boolean {
  const one = cursor.peek(3);
  return (
    cursor.is("^") &&
    cursor.is("{", 1) &&
    cursor.is("-", 2) &&
    one?.kind === "number" &&
    one.text === "1" &&
    cursor.is("}", 4) &&
    cursor.is("(", 5)
  );
}

/** Words in a row as one text; what says nothing (`approximately`) is skipped before a value. */
function readWords(grammar: Grammar): Tree {
  const { cursor } = grammar;
  const words: string[] = [];
  for (let token = cursor.peek(); token !== undefined; token = cursor.peek()) {
    if (token.kind !== "word" && token.kind !== "letter") break;
    if (token.kind === "letter" && (words.length === 0 || !endsWords(grammar))) break;
    if (CONNECTIVES.has(token.text.toLowerCase()) && words.length > 0) break;
    words.push(token.text);
    cursor.skip();
    if (cursor.is("-") && cursor.peek(1)?.kind === "word") cursor.skip();
  }
  const isFiller = words.every((word) => FILLERS.has(word.toLowerCase()));
  if (isFiller && !cursor.isAtEnd && !cursor.is(":")) return readPrimary(grammar);
  return { type: "text", text: words.join(" ") };
}

/** A letter behind words is one of them only where they end with it or go on: "plan B", not "we find that x < 3". */
function endsWords({ cursor }: Grammar): boolean {
  if (cursor.peek()?.kind !== "letter") return false;
  const next = cursor.peek(1);
  return next === undefined || next.kind === "word" || cursor.is(",", 1) || cursor.is("}", 1) || cursor.is(")", 1);
}

/** Points, intervals, sizes, LaTeX groups, and sets of typed braces. */
function readBrackets(grammar: Grammar, open: string): Tree {
  const { cursor } = grammar;
  if (open === "{") return grammar.argument();
  if (open === "|") {
    cursor.skip();
    const value = grammar.within("size", () => grammar.additive());
    cursor.expect("|");
    return { type: "call", name: "abs", args: [value] };
  }
  if (open !== "(" && open !== "[" && open !== "]") throw new ParseFailure(`${open} where a value should be`);
  cursor.skip();
  const items = grammar.within(open === "]" ? "reversed" : "plain", () => grammar.items());
  const token = cursor.peek();
  const close = token?.kind === "sign" ? token.text : "";
  if (close !== ")" && close !== "]" && !(close === "[" && open === "]" && items.length === 2))
    throw new ParseFailure(`${open} that nothing closes`);
  cursor.skip();
  if (items.length === 0) throw new ParseFailure("empty brackets");
  const [only] = items;
  if (items.length === 1 && only !== undefined) return only;
  return { type: "group", open, close, items };
}
