/**
 * @file A pool of 59,029 questions of the shape of s1's (its sources, counts and columns), made up: files of a fake hub that
 * `recipes/s1` reads. Beside the questions each source has rows that its rules must leave out. For benches too, through
 * `importTypeScript`.
 */
import { parquetWriteBuffer } from "hyparquet-writer";
import { prng, type Prng } from "../src/core/prng.ts";
import type { HubSource, RowCondition } from "../src/schema/question-source.ts";
import { sourceName } from "../src/schema/question-source.ts";
import type { Recipe } from "../src/schema/recipe.ts";

/** Mean thinking tokens of a trace, by source: s1's Table 7 (arXiv 2501.19393). */
export const MEAN_THINKING_TOKENS: Readonly<Record<string, number>> = {
  "AI-MO/NuminaMath-CoT": 4100,
  "simplescaling/openaimath": 2900,
  "GAIR/OlympicArena": 3200,
  "KbsdJames/Omni-MATH": 4400,
  "baber/agieval": 1200,
  "0xharib/xword1": 700,
  "Hothan/OlympiadBench": 3900,
  "qq8933/AIME_1983_2024": 4700,
  "TIGER-Lab/TheoremQA": 2100,
  "codegenning/usacobench_formatted": 3600,
  "daman1209arora/jeebench": 2900,
  "Idavidrein/gpqa": 2900,
  "OpenDFM/SciEval": 700,
  "simplescaling/s1-prob": 4000,
  "livecodebench/code_generation_lite": 3500,
  "simplescaling/s1-teasers": 4100,
};

/** Files of each data set, as `startFakeHubOf` serves them. */
export type HubSets = Record<string, Record<string, Buffer>>;

/** How large a pool. */
export interface PoolOptions {
  /** Share of each source's questions, 1 for all; at least one of each. */
  readonly share?: number;
  readonly seed?: number;
}

type Row = Record<string, unknown>;

/** Rows of a list that no question stands in, and those that questions do. */
const LISTED = 198; // as many as GPQA-Diamond has
/** Rows that a rule leaves out, for each that it takes. */
const LEFT_OUT_SHARE = 0.05;

const SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "xa"];
const WORDS = SYLLABLES.flatMap((a) => SYLLABLES.flatMap((b) => SYLLABLES.map((c) => a + b + c)));

/** The data sets of `recipes/s1`, made up; so many questions come of each source as it expects. */
export function makeS1Pool(
  recipe: Pick<Recipe, "collect" | "curate">,
  { share = 1, seed = 0 }: PoolOptions = {},
): HubSets {
  const sets: HubSets = {};
  for (const [place, source] of recipe.collect.sources.entries()) {
    if (source.type !== "hub") continue;
    const count = Math.max(1, Math.round((source.expectedCount ?? 0) * share));
    const rows = rowsOf(source, count, prng(`${seed}/s1-pool/${place}`));
    const files = (sets[source.id] ??= {});
    const parts = source.parts.length === 0 ? ["default/train"] : source.parts;
    for (const [at, part] of parts.entries()) {
      const own = rows.filter((_, index) => index % parts.length === at);
      const isPath = part.endsWith(".jsonl");
      files[isPath ? part : `${part}/0000.parquet`] = isPath ? jsonLines(own) : parquet(own);
    }
    for (const list of source.lists) addList(sets, list.data, { field: list.field, name: sourceName(source) });
  }
  for (const { task, data } of recipe.curate?.decontaminate?.against ?? []) addBenchmark(sets, task, data ?? "");
  return sets;
}

/** Benchmarks that the pool's questions share nothing with; GPQA's is a list already. */
const BENCHMARK_ROWS: Readonly<Record<string, number>> = { aime24: 30, math500: 500 };

function addBenchmark(sets: HubSets, task: string, data: string): void {
  const [, repo = "", part = ""] = /^hf:([^@]+)@[^:]+:(.+)$/.exec(data) ?? [];
  const count = BENCHMARK_ROWS[task];
  if (count === undefined) return;
  const random = prng(`${task}/benchmark`);
  const rows = Array.from({ length: count }, (_, k) => ({
    problem: `${task} ${k}: ${words(random, 30)}?`,
    answer: `${k}`,
  }));
  (sets[repo] ??= {})[`${part}/0000.parquet`] = parquet(rows);
}

/** The texts of a list: the k-th is what a question says that stands in it. */
const listedText = (name: string, k: number): string => `Listed question ${k} of ${name}, known elsewhere?`;

function addList(
  sets: HubSets,
  data: string,
  { field, name }: { readonly field: string; readonly name: string },
): void {
  const [, repo = "", part = ""] = /^hf:([^@]+)@[^:]+:(.+)$/.exec(data) ?? [];
  const choices = {
    "Correct Answer": "yes",
    "Incorrect Answer 1": "no",
    "Incorrect Answer 2": "maybe",
    "Incorrect Answer 3": "never",
  };
  const rows = Array.from({ length: LISTED }, (_, k) => ({ [field]: listedText(name, k), ...choices }));
  (sets[repo] ??= {})[`${part}/0000.parquet`] = parquet(rows);
}

function rowsOf(source: HubSource, count: number, random: Prng): Row[] {
  const taken = Array.from({ length: count }, (_, k) => goodRow(source, k, random));
  if (source.where.length === 0) return taken;
  const leftOut = Array.from({ length: Math.max(1, Math.round(count * LEFT_OUT_SHARE)) }, (_, k) => {
    const row = goodRow(source, count + k, random);
    const condition = source.where[k % source.where.length] as RowCondition;
    for (const test of [condition, ...(condition.or ?? [])]) spoil(row, test, { name: sourceName(source), k });
    return row;
  });
  return random.shuffle([...taken, ...leftOut]);
}

function goodRow(source: HubSource, k: number, random: Prng): Row {
  const row: Row = {};
  const name = sourceName(source);
  const text = `${name} ${k}: ${words(random, random.int(12, 60))}?`;
  const answer = `${words(random, 20)} ${random.int(0, 999)}`;
  for (const column of [...columnsOf(source.part ?? ""), ...source.metadata, ...source.balanceBy])
    row[column] = `${column}-${random.int(0, 3)}`;
  if (source.template === undefined) row[source.question] = questionText(source, text);
  else for (const column of columnsOf(source.template)) row[column] = `${column} ${text}`;
  for (const [place, column] of (source.choices?.fields ?? []).entries())
    row[column] = source.choices?.labels === "none" ? ["(A) a", "(B) b"] : `choice ${place} ${words(random, 4)}`;
  const [column = "", ...nested] = source.answer.split(".");
  if (column !== "" && row[column] === undefined) row[column] = nested.length > 0 ? [answer] : answer;
  if (source.grader === "maths") row[column] = String(random.int(0, 999));
  for (const condition of source.where) satisfy(row, condition, { name, k });
  return row;
}

/** The text with what the source's edits look for in it. */
function questionText({ edits }: HubSource, text: string): string {
  const before = edits.filter(({ fromStart }) => fromStart).map(({ find }) => `Instruction\n${find}`);
  const after = edits.filter(({ fromStart, toEnd }) => toEnd && !fromStart).map(({ find }) => `${find} x`);
  return [...before, text, ...after].join("");
}

interface Place {
  readonly name: string;
  readonly k: number;
}

function satisfy(row: Row, test: RowCondition, { name, k }: Place): void {
  const { field, equals, isNull, lessOrEqual, or = [] } = test;
  const other = or.find(({ listedIn }) => listedIn !== undefined);
  // Every hundredth question is there for its list, not for its field.
  if (other !== undefined && k % 100 === 0 && k / 100 < LISTED) {
    row[field] = "another";
    row[other.field] = listedText(name, k / 100);
  } else if (equals !== undefined) row[field] = equals;
  else if (isNull === true) row[field] = null;
  else if (lessOrEqual !== undefined) row[field] = lessOrEqual - (k % 38);
}

function spoil(row: Row, test: RowCondition, { name, k }: Place): void {
  const { field, equals, isNull, lessOrEqual, notListedIn } = test;
  if (equals !== undefined) row[field] = typeof equals === "number" ? equals - 1 : `not ${String(equals)}`;
  else if (isNull !== undefined) row[field] = isNull ? "something" : null;
  else if (lessOrEqual !== undefined) row[field] = lessOrEqual + 1;
  else if (notListedIn !== undefined) row[field] = listedText(name, k % LISTED);
}

const columnsOf = (template: string): string[] => [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = ""]) => name);

const words = (random: Prng, count: number): string =>
  Array.from({ length: count }, () => random.pick(WORDS)).join(" ");

const jsonLines = (rows: readonly Row[]): Buffer => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

function parquet(rows: readonly Row[]): Buffer {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columnData = names.map((name) => {
    const data = rows.map((row) => row[name] ?? null);
    const kind = data.some(Array.isArray)
      ? "JSON"
      : data.some((value) => typeof value === "number")
        ? "INT32"
        : "STRING";
    return { name, data, type: kind } as const;
  });
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 5000 }));
}
