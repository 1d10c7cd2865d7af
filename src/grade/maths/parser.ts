/**
 * @file Reads an answer's tokens into a tree by recursive descent: lists of relations of sets of sums of products of powers.
 * It never guesses silently: what it cannot read is a failure, and the caller decides what a failure means.
 */
import { Cursor, ParseFailure } from "./cursor.ts";
import type { Grammar, Place } from "./grammar.ts";
import { mixedNumber } from "./parse-mixed.ts";
import { isModulus, readModulus } from "./parse-modulus.ts";
import { readPostfix } from "./parse-postfix.ts";
import { readName, readPrimary, startsPrimary } from "./parse-primary.ts";
import { isDotted, isRemark, offersAnother, skipClause, skipRemark, takeDots } from "./parse-remarks.ts";
import { isFiller, isSignLetter, joined, namedPoint, powerOf, setOperator } from "./parse-terms.ts";
import { readSign } from "./parse-signs.ts";
import { readUnits } from "./parse-units.ts";
import { whole } from "./rational.ts";
import { type CommaReading, type Token, tokenise } from "./tokens.ts";
import { integer, negated, product, type RelationOperator, type Tree, type TreeOf } from "./tree.ts";
import { CONNECTIVES, RELATIONS } from "./vocabulary.ts";

/** A tree, or why there is none. */
export type Parsed =
  | { readonly status: "ok"; readonly tree: Tree }
  | { readonly status: "failed"; readonly reason: string }
  | { readonly status: "limit"; readonly reason: string };

/** Reads a text that `normaliseAnswer` made, with one reading of commas between digits. */
export function parseMaths(text: string, comma: CommaReading): Parsed {
  const cut = tokenise(text, comma);
  if (cut.status !== "ok") return cut;
  try {
    return { status: "ok", tree: new Parser(cut.tokens).answer() };
  } catch (error) {
    if (!(error instanceof ParseFailure)) throw error;
    return { status: error.isLimit ? "limit" : "failed", reason: error.message };
  }
}

const CLOSERS: ReadonlySet<string> = new Set([
  ")",
  "]",
  "}",
  "\\}",
  "\\rangle",
  "\\rfloor",
  "\\rceil",
  "\\rvert",
  "\\end",
]);
const SEPARATORS: ReadonlySet<string> = new Set([",", ";", "\\\\", "\\newline", "\\land", "\\lor", "\\wedge", "\\vee"]);

class Parser implements Grammar {
  readonly cursor: Cursor;
  #place: Place = "plain";
  /** Brackets that are open. */
  #level = 0;

  constructor(tokens: readonly Token[]) {
    this.cursor = new Cursor(tokens);
  }

  answer(): Tree {
    const items = this.items();
    if (!this.cursor.isAtEnd) throw new ParseFailure("something is left that belongs to nothing");
    if (items.length === 0) throw new ParseFailure("there is nothing");
    return items.length === 1 ? (items[0] as Tree) : { type: "set", items, isBraced: false };
  }

  items(): Tree[] {
    const items: Tree[] = [];
    this.#skipSeparators();
    while (!this.cursor.isAtEnd && !this.#isCloser()) {
      const item = this.cursor.nested(() => this.#continued(items) ?? this.item());
      if (!isFiller(item) || items.length === 0) items.push(item);
      if (!this.#skipSeparators() && !skipClause(this.cursor)) break;
      if (skipClause(this.cursor)) break;
    }
    return items;
  }

  /** A line that begins with `=` goes on with the relation of the line above. */
  #continued(items: Tree[]): Tree | null {
    const last = items.at(-1);
    if (last === undefined || !this.#isRelation(this.cursor.peek())) return null;
    items.pop();
    return this.#relationFrom(last.type === "relation" ? last : { operators: [], operands: [last] });
  }

  within<T>(place: Place, step: () => T): T {
    const before = this.#place;
    this.#place = place;
    this.#level += 1;
    const result = step();
    this.#level -= 1;
    this.#place = before;
    return result;
  }

  #isCloser(): boolean {
    const token = this.cursor.peek();
    if (token?.kind !== "sign" && token?.kind !== "command") return false;
    if (token.text === "|") return this.#place === "size" || this.#place === "such-that";
    if (token.text === "]" && this.#level === 0) return false; // it opens the interval `]0, 1[`
    return CLOSERS.has(token.text) || (token.text === "[" && this.#place === "reversed");
  }

  /** Whether there were any. */
  #skipSeparators(): boolean {
    const before = this.cursor.place;
    for (let token = this.cursor.peek(); token !== undefined; token = this.cursor.peek()) {
      const isSign = (token.kind === "sign" || token.kind === "command") && SEPARATORS.has(token.text);
      const isWord = token.kind === "word" && CONNECTIVES.has(token.text.toLowerCase());
      const isSpace = token.kind === "command" && token.text === "\\quad";
      const isAlignment = token.kind === "sign" && (token.text === "&" || token.text === ".") && this.#isLoose(token);
      if (!isSign && !isWord && !isSpace && !isAlignment) break;
      this.cursor.skip();
    }
    return this.cursor.place > before;
  }

  /** A full stop that ends a sentence, or an alignment mark: neither is part of a value. */
  #isLoose({ text }: Extract<Token, { kind: "sign" }>): boolean {
    const next = this.cursor.peek(1);
    return text === "&" || next === undefined || next.isSpaced;
  }

  item(): Tree {
    // "= 5", "\\approx 5": what it is said of stands elsewhere.
    if (this.#isRelation(this.cursor.peek()) && /^(?:=|\\approx|\\simeq)$/.test(this.#text())) this.cursor.skip();
    return namedPoint(this.#relationFrom({ operators: [], operands: [this.#sets()] }));
  }

  #relationFrom(start: Pick<TreeOf<"relation">, "operators" | "operands">): Tree {
    const operands = [...start.operands];
    const operators = [...start.operators];
    takeDots(this.cursor, operands[0] as Tree);
    for (let found = this.#relation(); found !== null; found = this.#relation()) {
      const operand = this.#sets();
      // `= 0.2777...` goes on, and is not the value.
      operators.push(found === "=" && takeDots(this.cursor, operand) ? "approximate" : found);
      operands.push(operand);
    }
    return operators.length === 0 ? (operands[0] as Tree) : { type: "relation", operators, operands };
  }

  #relation(): RelationOperator | null {
    const isAligned = this.cursor.is("&") && this.#isRelation(this.cursor.peek(1));
    if (isAligned) this.cursor.skip();
    const token = this.cursor.peek();
    if (token === undefined) return null;
    const isWord = token.kind === "word" && /^(?:is|equals?)$/i.test(token.text);
    const operator = isWord
      ? "="
      : token.kind === "sign" || token.kind === "command"
        ? RELATIONS.get(token.text)
        : undefined;
    if (operator === undefined) return null;
    this.cursor.skip();
    this.cursor.take("&");
    return operator;
  }

  /** Whether nothing follows that a slash could divide by: `4\mathrm{~}/\mathrm{}` has lost its units. */
  #isDone(): boolean {
    const token = this.cursor.peek();
    return (
      token === undefined || this.#isCloser() || token.kind === "word" || (token.kind === "sign" && token.text === ",")
    );
  }

  /** The text of the sign or command at the cursor. */
  #text(): string {
    const token = this.cursor.peek();
    return token?.kind === "sign" || token?.kind === "command" ? token.text : "";
  }

  #isRelation(token: Token | undefined): boolean {
    return (token?.kind === "sign" || token?.kind === "command") && RELATIONS.has(token.text);
  }

  /** Unions, intersections and differences, from the left. */
  #sets(): Tree {
    let left = this.#ratio();
    for (let kind = setOperator(this.cursor, left); kind !== null; kind = setOperator(this.cursor, left)) {
      const right = this.#ratio();
      const parts = left.type === "setOperation" && left.kind === kind ? [...left.parts, right] : [left, right];
      left = { type: "setOperation", kind, parts };
    }
    return left;
  }

  /** `a : b`, a quotient; with more parts a proportion. A label before a colon is no part of the answer. */
  #ratio(): Tree {
    const parts = [readModulus(this, this.#infixFraction(this.additive()))];
    while (this.#place !== "such-that" && this.cursor.is(":")) {
      this.cursor.skip();
      parts.push(this.additive());
    }
    if (parts.length > 1 && parts[0]?.type === "text") parts.shift();
    const [top, bottom] = parts as [Tree, Tree | undefined];
    if (bottom === undefined) return top;
    return parts.length === 2
      ? { type: "quotient", top, bottom }
      : { type: "group", open: ":", close: ":", items: parts };
  }

  /** TeX's old fractions: `{a \over b}`, `{n \choose k}`. */
  #infixFraction(top: Tree): Tree {
    if (this.cursor.take("\\over")) return { type: "quotient", top, bottom: this.additive() };
    if (this.cursor.take("\\choose")) return { type: "call", name: "binomial", args: [top, this.additive()] };
    return top;
  }

  additive(): Tree {
    return this.cursor.nested(() => {
      let left: Tree | null = null;
      for (;;) {
        const sign = readSign(this.cursor, left === null);
        if (sign === null && left !== null) return left;
        const term = this.multiplicative();
        if (sign === "\\pm" || sign === "\\mp")
          left = { type: "plusMinus", left, right: term, sign: sign === "\\pm" ? 1 : -1 };
        else left = joined(left, sign === "-" ? negated(term) : term, sign === "-");
      }
    });
  }

  multiplicative(): Tree {
    let left = this.factor();
    for (;;) {
      const unit = readUnits(this, left);
      if (unit !== null) {
        left = unit;
        continue;
      }
      if (skipRemark(this.cursor)) continue;
      const operator = this.#timesOrOver(left);
      if (operator === null) return left;
      if (operator === "implicit" && left.type === "text") {
        left = this.#namedFunction(left.text);
        continue;
      }
      const mixed = operator === "implicit" ? mixedNumber(this, left) : null;
      if (mixed !== null) left = this.postfix(mixed);
      else {
        const isOther = offersAnother(this.cursor);
        const right = this.factor();
        if (operator === "implicit" && isRemark(right) && !isOther) continue;
        left = operator === "over" ? { type: "quotient", top: left, bottom: right } : product([left, right]);
      }
    }
  }

  /** `\operatorname{Var}(X)`: a word that is applied to something. */
  #namedFunction(name: string): Tree {
    const { cursor } = this;
    if (!cursor.is("(") || cursor.peek()?.isSpaced !== false) throw new ParseFailure("words before a value");
    cursor.skip();
    const args = this.within("plain", () => this.items());
    cursor.expect(")");
    return { type: "call", name: `named-${name}`, args };
  }

  #timesOrOver(left: Tree): "times" | "over" | "implicit" | null {
    const { cursor } = this;
    for (const sign of ["*", "\\cdot", "\\times", "\\ast"]) if (cursor.take(sign)) return "times";
    if (cursor.take("/") || cursor.take("\\div")) return this.#isDone() ? this.#timesOrOver(left) : "over";
    const token = cursor.peek();
    if (token === undefined || token.kind === "word" || isModulus(this.cursor)) return null;
    if (isDotted(cursor, left)) return null;
    if (token.kind === "letter" && isSignLetter(token.text, left, cursor)) {
      // `3 x 10^5`; and `(1, 2) U (3, 4)`, which the caller joins.
      if (left.type === "group") return null;
      cursor.skip();
      return "times";
    }
    if (this.#isCloser()) return null;
    return startsPrimary(token) ? "implicit" : null;
  }

  factor(): Tree {
    const { cursor } = this;
    return cursor.nested(() => {
      if (cursor.take("-")) return negated(this.factor());
      if (cursor.take("+")) return this.factor();
      const base = this.postfix(this.primary());
      if (!cursor.is("^")) return base;
      cursor.skip();
      return this.postfix(powerOf(base, this.#exponent()));
    });
  }

  primary(): Tree {
    return readPrimary(this);
  }

  postfix(value: Tree): Tree {
    return readPostfix(this, value);
  }

  name(letters: string): Tree {
    return readName(this, letters);
  }

  startsPrimary(token: Token): boolean {
    return startsPrimary(token);
  }

  #exponent(): Tree {
    const { cursor } = this;
    if (cursor.is("{")) return this.argument();
    if (cursor.take("-")) return negated(this.#exponent());
    if (cursor.take("+")) return this.#exponent();
    const base = this.primary();
    return cursor.take("^") ? { type: "power", base, exponent: this.#exponent() } : base;
  }

  argument(): Tree {
    const { cursor } = this;
    if (cursor.take("{")) {
      const items = cursor.nested(() => this.within("plain", () => this.items()));
      cursor.expect("}");
      if (items.length === 0) throw new ParseFailure("an empty argument");
      return items.length === 1 ? (items[0] as Tree) : { type: "set", items, isBraced: true };
    }
    const token = cursor.peek();
    // `\frac12` takes one digit; `\frac{11}12` was meant to take the number, whatever TeX would do.
    if (token?.kind === "number" && /^\d{2,}$/.test(token.text) && !cursor.is("}", -1)) {
      const rest = token.text.slice(1);
      cursor.replace({ ...token, text: rest, value: whole(BigInt(rest)), isSpaced: false });
      return integer(BigInt(token.text.charAt(0)));
    }
    return this.primary();
  }

  argumentText(): string {
    const { cursor } = this;
    const words: string[] = [];
    let depth = 0;
    do {
      const token = cursor.peek();
      if (token === undefined) throw new ParseFailure("a subscript that does not end");
      if (token.kind === "sign" && token.text === "{") depth += 1;
      else if (token.kind === "sign" && token.text === "}") depth -= 1;
      else words.push(token.kind === "time" ? String(token.minutes) : token.text);
      cursor.skip();
    } while (depth > 0);
    return words.join("");
  }
}
