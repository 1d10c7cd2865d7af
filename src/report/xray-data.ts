/**
 * @file What an x-ray page carries: plain data, packed, because a thousand examples of five thousand tokens are five million
 * spans that no page could hold. A row is unpacked when it is chosen; `src/live/xray-page.ts` does that in the browser.
 *
 * A row's ids are places in a table of the tokens that occur, the most frequent first, seven bits a byte (the eighth says that
 * more follow), in base64: about a byte and a half a token.
 */
import { maskRuns, TOKEN_ROLES } from "../tokenize/example-roles.ts";
import { tokenText, type XrayRow, type XraySummary } from "../tokenize/xray.ts";
import type { Tokenizer } from "../tokenize/tokenizer.ts";
import { cappedText, TEXT_CAPS, visibleText } from "./plain-text.ts";

/** A token of the page's table: its id, and its text with all that is invisible made visible. */
export type PageToken = readonly [id: number, text: string];

/** One example, packed. Short names: they stand in the page a thousand times. */
export interface PageRow {
  /** The question's id and the trace's. */
  readonly q: string;
  readonly t: string;
  /** The question's text, capped. */
  readonly x: string;
  /** Tokens, and how many of them are trained, and are thinking. */
  readonly n: number;
  readonly m: number;
  readonly k: number;
  /** For each span its role's place in TOKEN_ROLES and where it ends. */
  readonly s: readonly number[];
  /** Runs of the mask, untrained and trained in turn. */
  readonly r: readonly number[];
  /** Gates that it fails, each with what is wrong. */
  readonly f: readonly (readonly [gate: string, detail: string])[];
  /** Ids, packed. */
  readonly d: string;
}

/** Everything of a page. */
export interface PageData {
  readonly tokens: readonly PageToken[];
  readonly rows: readonly PageRow[];
}

/** What is shown around the rows. */
export interface XrayPageFacts {
  readonly run: string;
  readonly style: string;
  readonly maxLength: number;
  readonly summary: XraySummary;
  /** Rows that the page has no room for. */
  readonly leftOut: number;
}

/** Ids of the page's elements that its script looks for. */
export const XRAY_IDS = {
  data: "xray-data",
  search: "xray-search",
  filter: "xray-filter",
  found: "xray-found",
  list: "xray-list",
  rows: "xray-rows",
  row: "xray-row",
  facts: "xray-facts",
  faults: "xray-faults",
  tokens: "xray-tokens",
  more: "xray-more",
  pointed: "xray-pointed",
} as const;

/** Height of a row in the list, pixels; the script counts with it. */
export const ROW_HEIGHT = 64;

/** Most characters of packed ids that a page carries: 40 M tokens or so. */
const MAX_PACKED = 60_000_000;

/** Packs rows; those past what a page holds are left out and counted, failing ones last. */
export function packRows(
  tokenizer: Tokenizer,
  rows: readonly XrayRow[],
): { readonly data: PageData; readonly leftOut: number } {
  const table = byFrequency(rows);
  const places = new Map(table.map((id, place) => [id, place]));
  const isFaulty = (row: XrayRow): boolean => row.faults.length > 0;
  const kept = new Map<XrayRow, PageRow>();
  let size = 0;
  for (const row of [...rows.filter(isFaulty), ...rows.filter((each) => !isFaulty(each))]) {
    const packed = packRow(row, places);
    size += packed.d.length;
    if (size > MAX_PACKED) break;
    kept.set(row, packed);
  }
  const tokens = table.map((id): PageToken => [id, visibleText(tokenText(tokenizer, id))]);
  return { data: { tokens, rows: rows.flatMap((row) => kept.get(row) ?? []) }, leftOut: rows.length - kept.size };
}

function byFrequency(rows: readonly XrayRow[]): number[] {
  const times = new Map<number, number>();
  for (const { inputIds } of rows) for (const id of inputIds) times.set(id, (times.get(id) ?? 0) + 1);
  return [...times].sort(([a, timesA], [b, timesB]) => timesB - timesA || a - b).map(([id]) => id);
}

function packRow(row: XrayRow, places: ReadonlyMap<number, number>): PageRow {
  const runs = maskRuns(row.labels);
  return {
    q: row.questionId,
    t: row.traceId,
    x: cappedText(row.question, TEXT_CAPS.question),
    n: row.inputIds.length,
    m: runs.reduce((sum, length, at) => sum + (at % 2 === 1 ? length : 0), 0),
    k: row.thinkingTokens,
    s: row.spans.flatMap(({ role, to }) => [TOKEN_ROLES.indexOf(role), to]),
    r: runs,
    f: row.faults.map(({ reason, detail }) => [reason, detail]),
    d: packNumbers(row.inputIds.map((id) => places.get(id) ?? 0)),
  };
}

/** Whole numbers from 0 as base64 of groups of seven bits, low ones first. */
export function packNumbers(numbers: readonly number[]): string {
  let binary = "";
  for (let number of numbers) {
    for (; number > 127; number = Math.floor(number / 128)) binary += String.fromCharCode((number % 128) | 128);
    binary += String.fromCharCode(number);
  }
  return btoa(binary);
}

/** The other way round of {@link packNumbers}. */
export function unpackNumbers(packed: string): number[] {
  const binary = atob(packed);
  const numbers: number[] = [];
  let number = 0;
  let unit = 1;
  for (let at = 0; at < binary.length; at++) {
    const byte = binary.charCodeAt(at);
    number += (byte & 127) * unit;
    unit *= 128;
    if (byte > 127) continue;
    numbers.push(number);
    [number, unit] = [0, 1];
  }
  return numbers;
}
