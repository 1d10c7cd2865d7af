/** @file LaTeX commands that begin a value. */
import { ParseFailure } from "./cursor.ts";
import type { Grammar } from "./grammar.ts";
import { readEnvironment } from "./parse-environments.ts";
import { readFunction, readRoot } from "./parse-functions.ts";
import { readIntegral, readLimit, readSeries } from "./parse-series.ts";
import { RELATIONS, DECORATORS, FUNCTIONS, NAMED_SETS, WRAPPERS } from "./vocabulary.ts";
import type { Tree } from "./tree.ts";

type ReadCommand = (grammar: Grammar) => Tree;

/** Commands that stand between values, or end them. */
const BETWEEN: ReadonlySet<string> = new Set(
  (
    "cdot times ast div pm mp cup bigcup cap bigcap setminus backslash mid quad choose over } rangle rfloor rceil rvert " +
    "rVert end \\ newline land lor wedge vee % to rightarrow longrightarrow Rightarrow implies iff mapsto circ prime " +
    "pmod bmod mod dollar subset subseteq supset notin perp parallel"
  )
    .split(" ")
    .map((name) => `\\${name}`),
);

/** Whether a command begins a value. */
export function startsValue(command: string): boolean {
  return !BETWEEN.has(command) && !RELATIONS.has(command);
}

const COMMANDS: ReadonlyMap<string, ReadCommand> = new Map<string, ReadCommand>([
  ["frac", (grammar) => ({ type: "quotient", top: grammar.argument(), bottom: grammar.argument() })],
  ["sqrt", (grammar) => readRoot(grammar)],
  ["cbrt", (grammar) => readFunction(grammar, "cbrt")],
  ["binom", (grammar) => ({ type: "call", name: "binomial", args: [grammar.argument(), grammar.argument()] })],
  ["begin", readEnvironment],
  ["sum", (grammar) => readSeries(grammar, "sum")],
  ["prod", (grammar) => readSeries(grammar, "product")],
  ["int", readIntegral],
  ["lim", readLimit],
  ["infty", () => ({ type: "infinity" })],
  ["pi", () => ({ type: "symbol", name: "pi" })],
  ["mathbb", readNamedSet],
  ["{", readSet],
  ["langle", (grammar) => readBracketed(grammar, { close: "\\rangle", name: null })],
  ["lfloor", (grammar) => readBracketed(grammar, { close: "\\rfloor", name: "floor" })],
  ["lceil", (grammar) => readBracketed(grammar, { close: "\\rceil", name: "ceil" })],
  ["lvert", (grammar) => readBracketed(grammar, { close: "\\rvert", name: "abs" })],
  ["lVert", (grammar) => readBracketed(grammar, { close: "\\rVert", name: "norm" })],
  ["|", readNorm],
  ["stackrel", readStacked],
  ["overset", readStacked],
  ["dollar", (grammar) => grammar.primary()],
  ["exp", (grammar) => readFunction(grammar, "exp")],
]);

/** Reads a command at the cursor and what belongs to it. */
export function readCommand(grammar: Grammar, command: string): Tree {
  const name = command.slice(1);
  if (!startsValue(command) && command !== "\\dollar") throw new ParseFailure(`${command} where a value should be`);
  grammar.cursor.skip();
  const read = COMMANDS.get(name);
  if (read !== undefined) return read(grammar);
  const named = NAMED_SETS.get(command);
  if (named !== undefined) return { type: "namedSet", name: named };
  const known = FUNCTIONS.get(name);
  if (known !== undefined) return readFunction(grammar, known);
  if (WRAPPERS.has(name)) return grammar.argument();
  if (DECORATORS.has(name)) return grammar.name(`${name}(${grammar.argumentText()})`);
  if (!/^[a-zA-Z]+$/.test(name)) throw new ParseFailure(`${command} means nothing here`);
  return grammar.name(command);
}

function readNamedSet(grammar: Grammar): Tree {
  const letter = grammar.argumentText();
  const { cursor } = grammar;
  // `\mathbb{R}^+` and the like are sets of their own, by name.
  const isBraced = cursor.is("{", 1);
  const at = isBraced ? 2 : 1;
  const isMarked = cursor.is("^") || cursor.is("_");
  if (isMarked && (cursor.is("+", at) || cursor.is("-", at) || cursor.is("*", at))) {
    const sign = cursor.peek(at);
    cursor.skip(isBraced ? 4 : 2);
    return { type: "symbol", name: `${letter}^${sign?.kind === "sign" ? sign.text : ""}` };
  }
  const name = NAMED_SETS.get(letter);
  return name === undefined ? { type: "symbol", name: letter } : { type: "namedSet", name };
}

/** `\{1, 2\}`, `\{\}`, `\{x \mid x > 0\}`. */
function readSet(grammar: Grammar): Tree {
  const { cursor } = grammar;
  return grammar.within("such-that", () => {
    const items = grammar.items();
    if (cursor.take("\\mid") || cursor.take("|") || cursor.take(":")) {
      const conditions = grammar.within("plain", () => grammar.items());
      cursor.expect("\\}");
      const [element] = items;
      if (element === undefined || items.length > 1) throw new ParseFailure("a set of what?");
      return { type: "setBuilder", element, conditions };
    }
    cursor.expect("\\}");
    return items.length === 0 ? { type: "namedSet", name: "empty" } : { type: "set", items, isBraced: true };
  });
}

function readBracketed(grammar: Grammar, { close, name }: { close: string; name: string | null }): Tree {
  const items = grammar.within("plain", () => grammar.items());
  grammar.cursor.expect(close);
  const [only] = items;
  if (name === null) return { type: "group", open: "(", close: ")", items };
  if (only === undefined || items.length > 1) throw new ParseFailure(`${name} of several values`);
  return { type: "call", name, args: [only] };
}

function readNorm(grammar: Grammar): Tree {
  const value = grammar.additive();
  grammar.cursor.expect("\\|");
  return { type: "call", name: "norm", args: [value] };
}

/** What stands above is a remark. */
function readStacked(grammar: Grammar): Tree {
  grammar.argumentText();
  return grammar.argument();
}
