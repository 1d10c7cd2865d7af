/** @file `grappa xray` on real runs, s1's style and `<think>`, and on the same runs with faults planted in their files. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildContext } from "../src/cli/context.ts";
import { nodeServices } from "../src/cli/services.ts";
import { Example } from "../src/schema/records.ts";
import type { GateName } from "../src/tokenize/example-gates.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { tinyRecipe, writeTinyStudent } from "./tiny-student.ts";

let machine: FakeMachine;
const at = (...names: string[]) => join(machine.folder, ...names);

/** The examples of a run. */
const examplesAt = (run: string): string => {
  const stage = readdirSync(at(run, "stages")).find((name) => name.startsWith("tokenize-"));
  return at(run, "stages", stage ?? "", "examples.jsonl");
};
const readExamples = (run: string): Example[] =>
  readFileSync(examplesAt(run), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => Example.parse(JSON.parse(line)));
const writeExamples = (run: string, rows: readonly Example[]): void =>
  writeFileSync(examplesAt(run), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

beforeAll(async () => {
  machine = await fakeMachine(nodeServices);
  await writeTinyStudent(at("base"));
  await writeTinyStudent(at("thinker"), "fixtures/tokenizers/qwen3");
  const recipe = { ...tinyRecipe("base"), tokenize: { maxLength: 512 } };
  const thinker = { ...tinyRecipe("thinker"), tokenize: { maxLength: 512, style: "think" } };
  writeFileSync(at("s1.json"), JSON.stringify(recipe));
  writeFileSync(at("think.json"), JSON.stringify(thinker));
  const s1 = await machine.run("run", "s1.json", "--run", "s1", "--until", "tokenize");
  expect(s1.exitCode, s1.stderr).toBe(0);
  const think = await machine.run("run", "think.json", "--run", "think", "--set", "train.epochs=1");
  expect(think.exitCode, think.stderr).toBe(0);
}, 180_000);
afterAll(() => rm(machine.folder, { recursive: true, force: true }));

describe("a good run", () => {
  test.each(["s1", "think"])("in style %s passes every gate, and is summed up", async (run) => {
    const { stdout, stderr, exitCode } = await machine.run("xray", run);
    expect(exitCode, stderr).toBe(0);
    const rows = readExamples(run);
    expect(stdout).toContain(`${rows.length} rows`);
    expect(stdout).toContain(`% trained, style ${run}\n`);
    expect(stdout).toContain("gates: all 16 passed in every row");
    const { stdout: line } = await machine.run("xray", run, "--json");
    const lengths = rows.map(({ inputIds }) => inputIds.length);
    expect(JSON.parse(line)).toMatchObject({
      rows: rows.length,
      tokens: lengths.reduce((sum, length) => sum + length, 0),
      shortest: Math.min(...lengths),
      longest: Math.max(...lengths),
      gates: [],
      isTokenizerChanged: false,
    });
  });

  test("in style think is decoded in it, by the student that it made, and chats in it", async () => {
    const train = readdirSync(at("think", "stages")).find((name) => name.startsWith("train-")) ?? "";
    // Qwen3's tokenizer says <think> by itself, so that no thinking.json is needed.
    expect(readdirSync(at("think", "stages", train, "student"))).not.toContain("thinking.json");
    const { stdout, exitCode } = await machine.run("chat", "think", "--prompt", "1 a+1", "--budget", "4", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ thinkingTokens: expect.any(Number), end: expect.any(String) });
  });

  test("shows a row by the beginning of its id: roles, mask, tokens", async () => {
    const [row] = readExamples("think");
    const { stdout, exitCode } = await machine.run("xray", "think", row!.traceId.slice(0, 10));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`question ${row!.questionId}, trace ${row!.traceId}`);
    expect(stdout).toMatch(/-- prompt: \d+ tokens, not trained\n<\|im_start\|>user⏎\n/);
    expect(stdout).toMatch(/-- delimiter: 1 token, trained\n<think>\n-- thinking: \d+ tokens, trained\n/);
    expect(stdout).toMatch(/-- delimiter: 1 token, trained\n<\/think>\n-- answer: .*\n.*Answer: .*\n-- end: /s);
    expect(stdout).not.toContain("\u001b");
    const table = await machine.run("xray", "think", row!.traceId, "--tokens");
    expect(table.stdout.trimEnd().split("\n")).toHaveLength(2 + row!.inputIds.length);
    const { stdout: line } = await machine.run("xray", "think", row!.questionId, "--json");
    expect(JSON.parse(line)).toMatchObject({ traceId: row!.traceId, inputIds: row!.inputIds, faults: [] });
  });

  test("is coloured on a terminal, every token in the colour of its role", async () => {
    const [row] = readExamples("s1");
    machine.hasColor = true;
    const { stdout } = await machine.run("xray", "s1", row!.traceId);
    machine.hasColor = false;
    const plain = await machine.run("xray", "s1", row!.traceId);
    const escape = String.fromCharCode(27);
    expect(stdout.split(`${escape}[0m`)).toHaveLength(row!.inputIds.length + 1);
    expect(stdout).toContain(`${escape}[33`);
    expect(stdout.replaceAll(new RegExp(`${escape}\\[[0-9;]*m`, "g"), "")).toBe(plain.stdout);
  });

  test("is written as a page, over an x-ray page but over nothing else", async () => {
    const { stdout, exitCode } = await machine.run("xray", "think", "--html", "x.html");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("page: x.html");
    const page = readFileSync(at("x.html"), "utf8");
    expect(page).toContain(readExamples("think")[0]!.traceId);
    expect((await machine.run("xray", "think", "--html", "x.html")).exitCode).toBe(0);
    expect(readFileSync(at("x.html"), "utf8")).toBe(page);
    writeFileSync(at("mine.html"), "<p>mine</p>");
    expect(await machine.run("xray", "think", "--html", "mine.html")).toMatchObject({ exitCode: 4 });
    expect(readFileSync(at("mine.html"), "utf8")).toBe("<p>mine</p>");
  });
});

describe("what cannot be shown", () => {
  test.each([
    ["an unknown id", ["xray", "s1", "ffffffffffff"]],
    ["too little of an id", ["xray", "s1", "0"]],
    ["a page of one row", ["xray", "s1", "0123", "--html", "x.html"]],
    ["tokens of no row", ["xray", "s1", "--tokens"]],
  ])("is said: %s", async (_, args) => {
    expect(await machine.run(...args)).toMatchObject({ exitCode: 2, stdout: "" });
  });

  test("a run that has not come so far", async () => {
    expect((await machine.run("run", "s1.json", "--run", "early", "--until", "collect")).exitCode).toBe(0);
    const { stderr, exitCode } = await machine.run("xray", "early");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("this run's stage tokenize is not done yet");
  });

  test("a style that the base has no tokens for is refused before anything runs", async () => {
    const { stderr, exitCode } = await machine.run("run", "s1.json", "--run", "no", "--set", "tokenize.style=think");
    expect(exitCode).toBe(2);
    expect(stderr).toContain('no tokens "<think>" and "</think>"');
    expect(stderr).not.toContain("collect");
  });
});

type Spoil = (rows: Example[]) => void;
const first =
  (change: (row: Example) => Partial<Example>): Spoil =>
  (rows) => {
    rows[0] = { ...rows[0]!, ...change(rows[0]!) };
  };

/** Faults planted in the examples on the disk, and a gate that each must trip. */
const PLANTED: readonly [GateName, string, Spoil][] = [
  ["cut", "s1", first(({ inputIds, labels }) => ({ inputIds: inputIds.slice(0, -5), labels: labels.slice(0, -5) }))],
  [
    "end-missing",
    "think",
    first(({ inputIds, labels }) => ({ inputIds: inputIds.slice(0, -2), labels: labels.slice(0, -2) })),
  ],
  ["mask-empty", "s1", first(({ labels }) => ({ labels: labels.map(() => -100) }))],
  ["prompt-in-loss", "think", first(({ inputIds }) => ({ labels: inputIds }))],
  ["mask-wrong", "s1", first(({ labels }) => ({ labels: [...labels.slice(0, -1), -100] }))],
  ["delimiter-doubled", "think", first(({ inputIds, labels }) => doubled(inputIds, labels))],
  ["thinking-missing", "think", first(({ inputIds, labels }) => without(inputIds, labels, "<think>"))],
  ["answer-missing", "think", first(({ inputIds, labels }) => without(inputIds, labels, "</think>"))],
  [
    "header-missing",
    "s1",
    first(({ inputIds, labels }) => ({ inputIds: inputIds.slice(40), labels: labels.slice(40) })),
  ],
  [
    "prompt-differs",
    "s1",
    first(({ inputIds, labels }) => ({ inputIds: [64, ...inputIds], labels: [-100, ...labels] })),
  ],
  ["text-differs", "s1", first(({ inputIds, labels }) => swapped(inputIds, labels))],
];

/** Ids of Qwen3's fixture. */
const idIn = (spelling: string): number => {
  const { added_tokens } = JSON.parse(readFileSync("fixtures/tokenizers/qwen3/tokenizer.json", "utf8"));
  return added_tokens.find(({ content }: { content: string }) => content === spelling).id;
};
function doubled(inputIds: readonly number[], labels: readonly number[]) {
  const place = inputIds.indexOf(idIn("</think>"));
  const twice = (ids: readonly number[]) => [...ids.slice(0, place), idIn("</think>"), ...ids.slice(place)];
  return { inputIds: twice(inputIds), labels: twice(labels) };
}
function without(inputIds: readonly number[], labels: readonly number[], spelling: string) {
  const place = inputIds.indexOf(idIn(spelling));
  const rest = (ids: readonly number[]) => ids.filter((_, at) => at !== place);
  return { inputIds: rest(inputIds), labels: rest(labels) };
}
/** Another digit, the same in the labels. */
function swapped(inputIds: readonly number[], labels: readonly number[]) {
  const place = labels.findIndex((label) => label >= 15 && label <= 24);
  const other = (ids: readonly number[]) => ids.map((id, at) => (at !== place ? id : id === 15 ? 16 : 15));
  return { inputIds: other(inputIds), labels: other(labels) };
}

describe("a fault planted in a run's files", () => {
  test.each(PLANTED)("trips %s", async (gate, run, spoil) => {
    cpSync(at(run), at("spoiled"), { recursive: true, force: true });
    const rows = readExamples(run);
    spoil(rows);
    writeExamples("spoiled", rows);
    const { stdout, stderr, exitCode } = await machine.run("xray", "spoiled", "--json");
    await rm(at("spoiled"), { recursive: true });
    expect(exitCode).toBe(4);
    expect(stderr).toContain(gate);
    const { gates } = JSON.parse(stdout);
    expect(gates).toContainEqual(expect.objectContaining({ gate, rows: 1, traceIds: [rows[0]!.traceId] }));
  });

  test("trips too-long in every row of more than maxLength", async () => {
    cpSync(at("s1"), at("spoiled"), { recursive: true });
    const path = at("spoiled", "recipe.resolved.json");
    const resolved = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...resolved, tokenize: { ...resolved.tokenize, maxLength: 100 } }));
    const { stdout, exitCode } = await machine.run("xray", "spoiled", "--json");
    await rm(at("spoiled"), { recursive: true });
    expect(exitCode).toBe(7);
    const long = readExamples("s1").filter(({ inputIds }) => inputIds.length > 100).length;
    expect(JSON.parse(stdout).gates).toMatchObject([{ gate: "too-long", rows: long }]);
  });

  test.each([
    ["control-text", { thinking: "so </think> it" }],
    ["empty-thinking", { thinking: " " }],
    ["empty-answer", { answer: "Answer:" }],
  ] as const)("trips %s, where a trace on the disk is so", async (gate, change) => {
    cpSync(at("think"), at("spoiled"), { recursive: true });
    const [row] = readExamples("think");
    const stage = readdirSync(at("spoiled", "stages")).find((name) => name.startsWith("trace-")) ?? "";
    const path = at("spoiled", "stages", stage, "traces.jsonl");
    const traces = readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const spoiled = traces.map((trace) => (trace.id === row!.traceId ? { ...trace, ...change } : trace));
    writeFileSync(path, spoiled.map((trace) => `${JSON.stringify(trace)}\n`).join(""));
    const { stdout, exitCode } = await machine.run("xray", "spoiled", row!.traceId, "--json");
    await rm(at("spoiled"), { recursive: true });
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout).faults.map(({ reason }: { reason: GateName }) => reason)).toEqual(
      expect.arrayContaining([gate, "text-differs"]),
    );
  });

  test("trips prompt-differs in every row where the base's template was changed", async () => {
    const path = at("base", "chat_template.jinja");
    const template = readFileSync(path, "utf8");
    writeFileSync(path, `{{- '<|im_start|>system\\nBe brief.<|im_end|>\\n' }}${template}`);
    const { stdout, exitCode } = await machine.run("xray", "s1");
    writeFileSync(path, template);
    expect(exitCode).toBe(4);
    expect(stdout).toContain(`prompt-differs: ${readExamples("s1").length} rows`);
    expect(stdout).toContain("the base's tokenizer or chat template changed after the examples were made");
  });

  test("is found where a row is missing, or stands in another's place", async () => {
    for (const spoil of [(rows: Example[]) => rows.slice(1), (rows: Example[]) => rows.slice(0, -1)]) {
      cpSync(at("s1"), at("spoiled"), { recursive: true });
      writeExamples("spoiled", spoil(readExamples("s1")));
      expect(await machine.run("xray", "spoiled")).toMatchObject({ exitCode: 4, stdout: "" });
      await rm(at("spoiled"), { recursive: true });
    }
  });
});

test("colours are for terminals, and NO_COLOR turns them off", async () => {
  const stream = (isTTY: boolean) => Object.assign(new PassThrough(), { isTTY });
  const host = (isTTY: boolean, env: Record<string, string>) => ({
    stdout: stream(isTTY),
    stderr: stream(true),
    stdin: stream(true),
    env,
    version: "v20",
    platform: "linux",
    arch: "x64",
    cwd: () => ".",
    once: () => 0,
    off: () => 0,
  });
  const hasColor = async (isTTY: boolean, env = {}) => (await buildContext(host(isTTY, env))).terminal.hasColor;
  expect([await hasColor(true), await hasColor(false), await hasColor(true, { NO_COLOR: "1" })]).toEqual([
    true,
    false,
    false,
  ]);
});
