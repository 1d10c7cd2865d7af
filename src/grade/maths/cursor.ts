/** @file Where a parser stands in its tokens, with the limits that bound what it builds. */
import type { Token } from "./tokens.ts";
import { DROPPED_COMMANDS, IGNORED_COMMANDS } from "./vocabulary.ts";

/** Deepest nesting of an answer. */
export const MAX_DEPTH = 64;
/** Most parts of an answer. */
export const MAX_NODES = 512;

/** Thrown inside the parser alone; its callers return it as a value. */
export class ParseFailure extends Error {
  readonly isLimit: boolean;

  constructor(message: string, isLimit = false) {
    super(message);
    this.isLimit = isLimit;
  }
}

/** Tokens with a place. */
export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;
  #nodes = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = withoutDress(tokens);
  }

  /** The token at the place, or so many behind it. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  /** Moves behind the token at the place. */
  skip(count = 1): void {
    this.#at += count;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** A place to come back to. */
  get place(): number {
    return this.#at;
  }

  returnTo(place: number): void {
    this.#at = place;
  }

  /** Whether the token is this sign or command. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token !== undefined && (token.kind === "sign" || token.kind === "command") && token.text === text;
  }

  /** Takes the sign or command if it is there. */
  take(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  /** Takes the sign or command, or fails. */
  expect(text: string): void {
    if (!this.take(text)) throw new ParseFailure(`expected ${text}, found ${this.peek()?.kind ?? "the end"}`);
  }

  /** Replaces the token at the place by what is left of it: `\frac12` takes one digit of a number. */
  replace(token: Token): void {
    (this.#tokens as Token[])[this.#at] = token;
  }

  /** Runs a step one level deeper. */
  nested<T>(step: () => T): T {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new ParseFailure(`more than ${MAX_NODES} parts`, true);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new ParseFailure(`nested more than ${MAX_DEPTH} deep`, true);
    const result = step();
    this.#depth -= 1;
    return result;
  }
}

/** The tokens without what only dresses: `\left`, `\displaystyle`, `\hspace{1em}`, the dot of `\right.`. A copy. */
function withoutDress(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    const name = token.kind === "command" ? token.text.slice(1) : "";
    if (name === "quad" || !(IGNORED_COMMANDS.has(name) || DROPPED_COMMANDS.has(name) || name === "textcolor")) {
      kept.push(token);
      continue;
    }
    const next = tokens[at + 1];
    if ((name === "left" || name === "right") && next?.kind === "sign" && next.text === ".") at += 1;
    else if (!IGNORED_COMMANDS.has(name)) at = endOfBraces(tokens, at + 1) - 1;
  }
  return kept;
}

/** The place behind a group in braces; the place itself where there is none. */
function endOfBraces(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.kind === "sign" && token.text === "{") depth += 1;
    else if (token.kind === "sign" && token.text === "}") depth -= 1;
    if (depth === 0) return token.kind === "sign" && token.text === "}" ? at + 1 : from;
  }
  return from;
}
