/** @file What a run selected, as a data set: the same rows in both forms, a card that is true, the same bytes twice. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataFile } from "../src/adapters/datasets/open-data-file.ts";
import { collectQuestions } from "../src/questions/collect-questions.ts";
import { families } from "../src/questions/families.ts";
import { folderBytes } from "./folder-bytes.ts";

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");
let folder: string;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function grappa(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { PATH: process.env.PATH } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-export-"));
  const drawn = { count: 60, difficulty: [2, 3], bucket: "train", seed: 3 } as const;
  const questions = ["arithmetic", "program"].flatMap((family) =>
    collectQuestions({ family: families[family as "arithmetic"], ...drawn }),
  );
  const rows = questions.map(({ text, answer, domain }) => JSON.stringify({ question: text, answer, domain }));
  writeFileSync(join(folder, "own.jsonl"), rows.join("\n"));
  const source = {
    type: "file",
    path: "own.jsonl",
    name: "acme/own | *sums*",
    licence: "CC BY 4.0",
    kind: "math",
    part: "{domain}",
    domain: "domain",
    holdOut: false,
  };
  const teacher = { type: "builtin", wrongRate: 0, truncateRate: 0, malformedRate: 0, rateLimitRate: 0 };
  const recipe = {
    name: "own",
    student: { base: "demo-base" },
    collect: { sources: [source] },
    attempt: { modes: [] },
    trace: { teacher },
    select: { count: 40 },
    curate: { decontaminate: { against: [{ task: "math500" }] } },
  };
  writeFileSync(join(folder, "recipe.json"), JSON.stringify(recipe));
  const made = await grappa("run", "recipe.json", "--run", "run", "--until", "tokenize", "--threads", "1");
  expect(made).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (path: string): string => readFileSync(join(folder, path), "utf8");

describe("grappa export", () => {
  test("writes the selected examples as JSONL and Parquet with s1K's columns, and a card", async () => {
    const done = await grappa("export", "run", "--out", "set", "--json");
    expect(done).toMatchObject({ code: 0 });
    const outcome = JSON.parse(done.stdout) as { examples: number; files: { path: string; sha256: string }[] };
    expect(outcome.examples).toBe(40);
    for (const { path, sha256 } of outcome.files)
      expect(
        createHash("sha256")
          .update(readFileSync(join(folder, "set", path)))
          .digest("hex"),
      ).toBe(sha256);
    const lines = read("set/train.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(Object.keys(lines[0] ?? {}).slice(0, 8)).toEqual([
      "solution",
      "question",
      "cot_type",
      "source_type",
      "metadata",
      "cot",
      "thinking_trajectories",
      "attempt",
    ]);
    expect(lines[0]).toMatchObject({ cot_type: "math", cot: null, rank: 0, grade: "correct", provenance: "raw" });
    expect(String(lines[0]?.source_type)).toMatch(/^acme\/own \| \*sums\*\/(arithmetic|program)\//);
    const fromParquet: unknown[] = [];
    const parquet = await openDataFile(join(folder, "set/data/train-00000-of-00001.parquet"));
    for await (const { values } of parquet.rows()) fromParquet.push(values);
    expect(fromParquet).toEqual(lines);
    const card = read("set/README.md");
    expect(card).toContain("| acme/own \\| \\*sums\\* | CC BY 4.0 | own.jsonl (");
    expect(card).toMatch(/\| collect \| 120 \| 120 \| 0 \|/);
    expect(card).toMatch(/\| select \| \d+ \| 40 \| \d+ \| not-drawn \d+/);
    expect(card).toMatch(/\| math500 \| NOT checked \| .*data/);
    expect(card).toContain(outcome.files[0]?.sha256);
    expect(card).not.toContain(String(lines[0]?.question));
    expect(card).not.toContain(folder);
  });

  test("writes the same bytes again, into its own folder only", async () => {
    const before = folderBytes(join(folder, "set"));
    expect(await grappa("export", "run", "--out", "set")).toMatchObject({ code: 0 });
    expect(folderBytes(join(folder, "set"))).toEqual(before);
    const foreign = await grappa("export", "run", "--out", ".");
    expect(foreign.code).not.toBe(0);
    expect(foreign.stderr).toContain("no data set of grappa's, and not empty");
  });

  test.each([
    ["of another kind", '{"kind": "my-own", "rows": 3}'],
    ["that is no JSON", "rows: 3"],
    ["that is too long", `{"kind": "grappa-dataset", "text": "${"x".repeat(2 ** 20)}"}`],
  ])("leaves a folder alone whose dataset.json is one %s", async (kind, text) => {
    const theirs = join(folder, `theirs ${kind}`);
    mkdirSync(theirs);
    writeFileSync(join(theirs, "dataset.json"), text);
    writeFileSync(join(theirs, "README.md"), "mine");
    const before = folderBytes(theirs);
    const foreign = await grappa("export", "run", "--out", theirs);
    expect(foreign.stderr).toContain("no data set of grappa's, and not empty");
    expect(foreign.code).not.toBe(0);
    expect(folderBytes(theirs)).toEqual(before);
  });

  test("refuses a stage whose bytes were changed, and a run that selected nothing yet", async () => {
    const stages = readdirSync(join(folder, "run/stages"));
    const trace = stages.find((name) => name.startsWith("trace-")) ?? "";
    const path = join(folder, "run/stages", trace, "traces.jsonl");
    const whole = readFileSync(path);
    const flipped = Buffer.from(whole);
    flipped[10] = (flipped[10] ?? 0) ^ 1;
    writeFileSync(path, flipped);
    const damaged = await grappa("export", "run", "--out", "other");
    writeFileSync(path, whole);
    expect(damaged.code).not.toBe(0);
    expect(damaged.stderr).toContain("traces.jsonl does not have the hash its manifest says");
    appendFileSync(join(folder, "own.jsonl"), "\n");
    await grappa("run", "recipe.json", "--run", "begun", "--until", "collect", "--threads", "1");
    const begun = await grappa("export", "begun", "--out", "other");
    expect(begun.stderr).toContain("stage select is not done yet");
  });
});

describe("grappa import", () => {
  const examplesOf = (run: string) => {
    const stages = readdirSync(join(folder, run, "stages"));
    const lines = read(
      join(run, "stages", stages.find((name) => name.startsWith("tokenize-")) ?? "", "examples.jsonl"),
    );
    const rows = lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { inputIds: number[]; labels: number[] });
    return rows.map(({ inputIds, labels }) => JSON.stringify({ inputIds, labels })).sort();
  };

  test.each([
    ["JSONL", "set/train.jsonl"],
    ["Parquet", "set/data/train-00000-of-00001.parquet"],
  ])("from %s the exported set trains on the same ids, and nobody is asked", async (form, data) => {
    await grappa("export", "run", "--out", "set");
    const found = await grappa("import", data, "--out", `again-${form}`, "--json");
    expect(JSON.parse(found.stdout)).toMatchObject({
      rows: 40,
      usable: 40,
      fields: { question: "question", thinking: "thinking_trajectories.0", answer: "attempt" },
    });
    const run = ["run", `again-${form}/recipe.json`, "--run", `run-${form}`, "--until", "tokenize", "--threads", "1"];
    expect(await grappa(...run)).toMatchObject({ code: 0 });
    expect(examplesOf(`run-${form}`)).toEqual(examplesOf("run"));
    const stages = readdirSync(join(folder, `run-${form}`, "stages"));
    const trace = stages.find((name) => name.startsWith("trace-")) ?? "";
    const line = read(`run-${form}/stages/${trace}/traces.jsonl`).split("\n")[0] ?? "";
    expect(JSON.parse(line)).toMatchObject({ provider: "recorded", costMicroUsd: 0, provenance: "raw" });
    const plan = await grappa("plan", `again-${form}/recipe.json`);
    expect(plan).toMatchObject({ code: 0 });
    expect(plan.stdout).toContain("nothing costs money");
  });

  test("knows s1K-1.1's columns, reports rows without a trace, and says which columns it misses", async () => {
    const rows = [
      { question: "What is 1+1?", solution: "2", deepseek_thinking_trajectory: "One and one.", deepseek_attempt: "2" },
      { question: "What is 1+2?", solution: "3", deepseek_thinking_trajectory: "", deepseek_attempt: "3" },
    ];
    writeFileSync(join(folder, "s1k.jsonl"), `${rows.map((row) => JSON.stringify(row)).join("\n")}\n{`);
    const found = await grappa("import", "s1k.jsonl", "--out", "s1k", "--model", "deepseek-r1", "--json");
    expect(JSON.parse(found.stdout)).toMatchObject({ rows: 3, usable: 1 });
    expect(
      await grappa("run", "s1k/recipe.json", "--run", "s1k-run", "--until", "trace", "--threads", "1"),
    ).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("2 rows of the recorded traces cannot be read") as string,
    });
    const again = await grappa("import", "s1k.jsonl", "--out", "s1k");
    expect(again.stderr).toContain("a recipe is there already");
    writeFileSync(join(folder, "none.jsonl"), '{"q": "?"}');
    const none = await grappa("import", "none.jsonl", "--out", "none");
    expect(none.stderr).toContain("none of 1 rows has question, reasoning and answer");
    expect(none.code).not.toBe(0);
  });

  test.each([
    ["the best pair, though the first row lacks it", ["", "Two.", "Three."], "deepseek"],
    ["another pair that more rows have", ["", "", ""], "gemini"],
  ])("never takes one model's reasoning with another's answers: %s", async (name, thoughts, model) => {
    const rows = thoughts.map((thought, index) => ({
      question: `What is 1+${index}?`,
      gemini_thinking_trajectory: index === 2 ? null : "I add.",
      gemini_attempt: "by Gemini",
      deepseek_thinking_trajectory: thought,
      deepseek_attempt: "by DeepSeek",
    }));
    writeFileSync(join(folder, `${model}.jsonl`), rows.map((row) => JSON.stringify(row)).join("\n"));
    const found = await grappa("import", `${model}.jsonl`, "--out", model, "--json");
    expect(JSON.parse(found.stdout), name).toMatchObject({
      rows: 3,
      usable: 2,
      fields: { question: "question", thinking: `${model}_thinking_trajectory`, answer: `${model}_attempt` },
    });
  });
});
