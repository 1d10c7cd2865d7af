/** @file The x-ray on a terminal: all rows in figures, or one row's tokens in the colours of their roles. */
import { count, counted, percent } from "../report/number-format.ts";
import { bar } from "../report/terminal-text.ts";
import { EXAMPLE_GATES } from "../tokenize/example-gates.ts";
import type { RoleSpan, TokenRole } from "../tokenize/example-roles.ts";
import { describeGate } from "../tokenize/gate-report.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { IGNORED } from "../tokenize/training-sequence.ts";
import { tokenTable, tokenText, type XrayRow, type XraySummary } from "../tokenize/xray.ts";
import { printable } from "./printable.ts";

/** What is said around the figures. */
export interface XrayFacts {
  /** As it is typed. */
  readonly run: string;
  readonly style: string;
  readonly maxLength: number;
  readonly isTokenizerChanged: boolean;
}

/** All rows in figures, with the gates. */
export function describeXray(facts: XrayFacts, summary: XraySummary): string[] {
  const { rows, tokens, trainedTokens, shortest, median, longest } = summary;
  const share = tokens === 0 ? null : trainedTokens / tokens;
  return [
    `${facts.run}: ${counted(rows, "row")}, ${counted(tokens, "token")}, ${percent(share)} trained, style ${facts.style}`,
    `tokens a row: ${count(shortest)} to ${count(longest)}, median ${count(median)}; at most ${count(facts.maxLength)} allowed`,
    ...histogram(summary),
    ...gateLines(summary),
    ...(facts.isTokenizerChanged ? ["the base's tokenizer or chat template changed after the examples were made"] : []),
    `one row: grappa xray ${facts.run} ID; all of them in a page: --html FILE`,
  ];
}

function histogram({ lengths }: XraySummary): string[] {
  const most = Math.max(1, ...lengths.map(({ rows }) => rows));
  const labels = lengths.map(({ from, to }) => `${count(from)}-${count(to - 1)}`);
  const width = Math.max(0, ...labels.map(({ length }) => length));
  return lengths.map(({ rows }, at) => {
    const length = bar(rows / most);
    return `  ${(labels[at] ?? "").padStart(width)}  ${length}${length === "" ? "" : " "}${count(rows)}`;
  });
}

function gateLines({ gates }: XraySummary): string[] {
  if (gates.length === 0) return [`gates: all ${Object.keys(EXAMPLE_GATES).length} passed in every row`];
  return ["gates that failed:", ...gates.map((gate) => `  ${printable(describeGate(gate))}`)];
}

/** Where the page is, and what it has no room for. */
export function describePage(page: {
  readonly path: string;
  readonly bytes: number;
  readonly leftOut: number;
}): string[] {
  const written = `page: ${page.path} (${(page.bytes / 1e6).toFixed(1)} MB)`;
  return page.leftOut === 0 ? [written] : [written, `the page has no room for ${counted(page.leftOut, "row")}`];
}

/** How a row is looked at. */
export interface RowLook {
  /** One line a token. */
  readonly tokens: boolean;
  readonly hasColor: boolean;
}

/** One row: what it is, the gates that it fails, and its tokens. */
export function describeRow(row: XrayRow, tokenizer: Tokenizer, look: RowLook): string[] {
  const trained = row.labels.filter((label) => label !== IGNORED).length;
  return [
    `question ${row.questionId}, trace ${row.traceId}`,
    `${counted(row.inputIds.length, "token")}, ${count(trained)} trained, ${count(row.thinkingTokens)} of thinking`,
    ...row.faults.map(({ reason, detail }) => printable(`fails ${reason}: ${detail}`)),
    ...(look.tokens ? tokenTable(tokenizer, row) : flowingText(row, tokenizer, look)),
  ];
}

/** SGR codes of the roles: grey, yellow, magenta, green, blue. */
const COLORS: Readonly<Record<TokenRole, number>> = { prompt: 90, delimiter: 33, thinking: 35, answer: 32, end: 34 };

/** The row's text, role by role under a heading; in colours, every second token is underlined and what is not trained dim. */
function flowingText(row: XrayRow, tokenizer: Tokenizer, { hasColor }: RowLook): string[] {
  return row.spans.flatMap((span) => {
    const tokens = row.inputIds.slice(span.from, span.to).map((id) => shown(tokenizer, id));
    // The line that follows begins a new one anyway.
    tokens.push((tokens.pop() ?? "").replace(/\n$/, ""));
    const isTrained = tokens.map((_, at) => (row.labels[span.from + at] ?? IGNORED) !== IGNORED);
    const text = hasColor
      ? tokens.map((token, at) => colored(token, span, { at, isTrained: isTrained[at] === true }))
      : tokens;
    return [`-- ${span.role}: ${counted(tokens.length, "token")}, ${trainedShare(isTrained)}`, text.join("")];
  });
}

function trainedShare(isTrained: readonly boolean[]): string {
  const trained = isTrained.filter(Boolean).length;
  if (trained === 0) return "not trained";
  return trained === isTrained.length ? "trained" : `${count(trained)} of them trained`;
}

function shown(tokenizer: Tokenizer, id: number): string {
  return printable(tokenText(tokenizer, id)).replaceAll("\n", "⏎\n");
}

function colored(
  token: string,
  { role, from }: RoleSpan,
  { at, isTrained }: { readonly at: number; readonly isTrained: boolean },
): string {
  const codes = [COLORS[role], ...(isTrained ? [] : [2]), ...((from + at) % 2 === 1 ? [4] : [])];
  return `\u001b[${codes.join(";")}m${token}\u001b[0m`;
}
