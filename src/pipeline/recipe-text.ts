/** @file `recipe.json`: JSON with comments and trailing commas, into a plain value that remembers where each part stood. */
import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";

/** Deeper than any recipe; keeps a hostile file from exhausting the parser's stack. */
const MAX_DEPTH = 64;

/** One thing wrong with a recipe. */
export interface RecipeProblem {
  /** Dotted path of the field; empty for the whole. */
  readonly path: string;
  readonly message: string;
  /** Line and column in the file, both from 1; absent where the recipe is not a JSON file. */
  readonly line?: number;
  readonly column?: number;
}

/** A parsed file. */
export interface ParsedText {
  readonly value: unknown;
  readonly problems: readonly RecipeProblem[];
  /** Where the key at a path stands; its nearest parent's when it is not in the file. */
  locate(path: readonly PropertyKey[]): { line: number; column: number };
}

/** Parses JSON with comments; every syntax error, doubled key and key with a meaning of its own is a problem. */
export function parseRecipeText(text: string): ParsedText {
  const lines = lineStarts(text);
  const at = (offset: number): { line: number; column: number } => positionOf(lines, offset);
  const deep = findDeep(text);
  if (deep !== undefined)
    return {
      value: undefined,
      problems: [{ path: "", message: `nested deeper than ${MAX_DEPTH}`, ...at(deep) }],
      locate: () => at(deep),
    };
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  const problems: RecipeProblem[] = errors.map(({ error, offset }) => ({
    path: "",
    message: syntaxMessage(printParseErrorCode(error)),
    ...at(offset),
  }));
  const value =
    root && errors.length === 0
      ? plainValue(root, (key, offset, message) => problems.push({ path: key, message, ...at(offset) }))
      : undefined;
  return { value, problems, locate: (path) => at(root ? nearestOffset(root, path) : 0) };
}

/** "PropertyNameExpected" -> "property name expected". */
function syntaxMessage(code: string): string {
  return code.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function positionOf(starts: readonly number[], offset: number): { line: number; column: number } {
  let line = 0;
  while (line + 1 < starts.length && (starts[line + 1] ?? 0) <= offset) line += 1;
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}

/** Offset at which brackets nest too deep; undefined when they do not. */
function findDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let token = scanner.scan(); token !== END; token = scanner.scan()) {
    if (token === OPEN_BRACE || token === OPEN_BRACKET) depth += 1;
    if (token === CLOSE_BRACE || token === CLOSE_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

// jsonc-parser declares its token kinds as a const enum, which has no values to import.
const OPEN_BRACE = 1;
const CLOSE_BRACE = 2;
const OPEN_BRACKET = 3;
const CLOSE_BRACKET = 4;
const END = 17;

type Report = (key: string, offset: number, message: string) => void;

function plainValue(node: Node, report: Report): unknown {
  if (node.type === "array") return (node.children ?? []).map((child) => plainValue(child, report));
  if (node.type !== "object") return node.value;
  const result: Record<string, unknown> = {};
  for (const property of node.children ?? []) {
    const [name, value] = property.children ?? [];
    if (!name || !value) continue;
    const key = String(name.value);
    if (key === "__proto__") report(key, name.offset, "not a field of a recipe");
    else if (Object.hasOwn(result, key)) report(key, name.offset, "this key stands here twice");
    else result[key] = plainValue(value, report);
  }
  return result;
}

/** Offset of the key at a path (of the item, in a list), or of the nearest parent that is in the file. */
function nearestOffset(root: Node, path: readonly PropertyKey[]): number {
  let node = root;
  let offset = root.offset;
  for (const step of path) {
    const holder =
      node.type === "array"
        ? node.children?.[Number(step)]
        : node.children?.find((child) => child.children?.[0]?.value === step);
    const child = node.type === "array" ? holder : holder?.children?.[1];
    if (!holder || !child) break;
    offset = holder.offset;
    node = child;
  }
  return offset;
}
