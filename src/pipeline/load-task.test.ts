import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { bucketOf } from "../questions/bucket.ts";
import type { LoadedTask } from "../evaluate/tasks/task.ts";
import { type LoadTaskOptions, loadTask } from "./load-task.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/tasks/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "grappa-tasks-"));

/** Loads a task from a fixture, or from text written to a file of that name. */
function load(
  name: string,
  data: string,
  more: Partial<LoadTaskOptions> & { text?: string } = {},
): Promise<LoadedTask> {
  const { text, ...rest } = more;
  if (text !== undefined) writeFileSync(join(folder, data), text);
  const workingFolder = text === undefined ? fixtures : folder;
  return loadTask({ name, data, seed: 0, workingFolder, signal: new AbortController().signal, ...rest });
}

const verdict = async (task: LoadedTask, at: number, reply: string): Promise<string | undefined> =>
  (await task.questions[at]?.verify(reply, {}, new AbortController().signal))?.outcome;

describe("aime24", () => {
  it("reads both layouts of one set as the same questions", async () => {
    const [a, b] = await Promise.all([load("aime24", "aime-maxwell.jsonl"), load("AIME2024", "aime-evalchemy.jsonl")]);
    expect(a.questions.map(({ id }) => id)).toEqual(b.questions.map(({ id }) => id));
    expect(b.questions.map(({ gold }) => gold)).toEqual(["199", "007", "9"]);
    expect(a.questions[0]?.prompt).toMatch(/^A gardener plants .* left\?$/);
    expect(a.questions[0]?.metadata).toEqual({ ID: "2031-I-1" });
    expect(a.sha256).not.toBe(b.sha256);
    expect(a).toMatchObject({ name: "aime24", profile: "aime", promptVersion: "bare-1", source: "aime-maxwell.jsonl" });
    expect(await verdict(a, 0, "199")).toBe("correct");
    expect(await verdict(a, 0, "198")).toBe("incorrect");
  });

  it("reads Parquet as a data set on the hub holds it", async () => {
    const task = await load("aime24", "aime-zstd.parquet");
    expect(task.questions.map(({ gold }) => gold)).toEqual(["31", "300", "0"]);
    expect(task.questions.map(({ metadata }) => metadata)).toEqual([
      { id: 61, year: "2031" },
      { id: 62 },
      { id: 63, year: "2031" },
    ]);
  });

  it.each([
    [
      "a wrong layout",
      { q: "?", a: 1 },
      "row 2, field problem or Problem or question or Question: missing",
      ["q", "a"],
    ],
    ["a missing answer", { problem: "?" }, /row 2, field answer or Answer or .*: missing/, ["problem"]],
    [
      "a bad gold",
      { problem: "?", answer: "1/2" },
      /row 2, field answer: "1\/2" is no whole number/,
      ["problem", "answer"],
    ],
    ["a huge gold", { problem: "?", answer: 1000 }, /row 2, field answer.*"1000" is no whole/, ["problem", "answer"]],
    ["a null", { problem: "?", answer: null }, "row 2, field answer: missing (null)", ["problem", "answer"]],
    [
      "no text",
      { problem: ["?"], answer: 1 },
      "row 2, field problem: expected text, found a list",
      ["problem", "answer"],
    ],
    ["an empty question", { problem: " ", answer: 1 }, "row 2, field problem: empty", ["problem", "answer"]],
    [
      "a repeated question",
      { problem: "1+1?", answer: "02" },
      "row 2, field (all): the same question as row 1",
      ["problem", "answer"],
    ],
  ])("refuses %s with row and field", async (_, row, message, found) => {
    const text = `${JSON.stringify({ problem: "1+1?", answer: 2 })}\n${JSON.stringify(row)}\n`;
    await expect(load("aime24", "bad.jsonl", { text })).rejects.toMatchObject({
      code: "record-invalid",
      message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
      data: { row: 2, found },
    });
  });
});

describe("gsm8k", () => {
  it("takes the number after ####", async () => {
    const task = await load("gsm8k", "gsm8k.jsonl");
    expect(task.questions.map(({ gold }) => gold)).toEqual(["42", "2,400"]);
  });

  it("refuses a solution without one", async () => {
    const text = JSON.stringify({ question: "1+1?", answer: "It is 2." });
    await expect(load("gsm8k", "no-gold.jsonl", { text })).rejects.toMatchObject({
      code: "record-invalid",
      message: expect.stringContaining('row 1, field answer: no "#### number" at its end: ...It is 2.'),
    });
  });
});

describe("loadTask", () => {
  it("draws the same limited set whatever the order of the rows, and another one by another seed", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => JSON.stringify({ problem: `${i}+1?`, answer: i + 1 }));
    const ids = async (lines: readonly string[], seed: number): Promise<string[]> =>
      (await load("aime24", "many.jsonl", { text: lines.join("\n"), seed, limit: 10 })).questions
        .map(({ id }) => id)
        .sort();
    const first = await ids(rows, 0);
    expect(first).toHaveLength(10);
    expect(await ids([...rows].reverse(), 0)).toEqual(first);
    expect(await ids(rows, 1)).not.toEqual(first);
  });

  it("refuses data of another hash than the pinned one, naming both", async () => {
    const { sha256 } = await load("math500", "math500.jsonl");
    await expect(load("math500", "math500.jsonl", { sha256: sha256.toUpperCase() })).resolves.toMatchObject({ sha256 });
    const wrong = "0".repeat(64);
    await expect(load("math500", "math500.jsonl", { sha256: wrong })).rejects.toMatchObject({
      code: "file-corrupt",
      data: { expected: wrong, found: sha256 },
    });
  });

  it("names what is meant by a name it does not know, and what data a task needs", async () => {
    await expect(load("aime42", "gsm8k.jsonl")).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("did you mean aime24"),
    });
    const signal = new AbortController().signal;
    await expect(loadTask({ name: "gsm8k", seed: 0, workingFolder: fixtures, signal })).rejects.toMatchObject({
      code: "usage",
      hint: expect.stringContaining("openai/gsm8k"),
    });
  });

  it("takes data for no task, and says where data goes", async () => {
    const signal = new AbortController().signal;
    await expect(loadTask({ name: "mine.csv", seed: 0, workingFolder: fixtures, signal })).rejects.toMatchObject({
      code: "usage",
      message: "mine.csv is data, not a task",
      hint: expect.stringContaining("--task math500 --data mine.csv") as string,
    });
  });

  it("refuses a file without rows", async () => {
    await expect(load("gsm8k", "empty.jsonl", { text: "\n" })).rejects.toMatchObject({ code: "record-invalid" });
  });
});

describe("gpqa-diamond", () => {
  const correctText = (prompt: string, letter: string): string | undefined =>
    new RegExp(`^${letter}\\) (.*)$`, "m").exec(prompt)?.[1];

  it("writes s1's prompt with a choice order that is stored, and drawn by the seed", async () => {
    const [first] = (await load("gpqa", "gpqa.csv")).questions;
    expect(first?.prompt).toMatch(
      /^Which gas do green plants take up for photosynthesis\?\n\nA\) .+\nB\) .+\nC\) .+\nD\) .+$/,
    );
    expect(correctText(first?.prompt ?? "", first?.gold ?? "")).toBe("Carbon dioxide");
    const order = String(first?.metadata["choices"]);
    expect([...order].sort().join("")).toBe("0123");
    expect("ABCD"[order.indexOf("0")]).toBe(first?.gold);
    expect((await load("gpqa", "gpqa.csv")).questions[0]?.prompt).toBe(first?.prompt);
    expect(first?.metadata).toMatchObject({ "Record ID": "recMADE1", "High-level domain": "Biology" });
  });

  it("draws other orders by other seeds, each letter about equally often, under one id", async () => {
    const letters = new Map<string, number>();
    const ids = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const [first] = (await load("gpqa", "gpqa.csv", { seed })).questions;
      ids.add(first?.id ?? "");
      letters.set(first?.gold ?? "", (letters.get(first?.gold ?? "") ?? 0) + 1);
    }
    expect(ids.size).toBe(1);
    // Binomial(200, 1/4): six standard deviations are 37.
    for (const letter of "ABCD") expect(Math.abs((letters.get(letter) ?? 0) - 50)).toBeLessThan(37);
  });

  it("refuses two equal choices", async () => {
    const text = "Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\n?,a,b,a,c\n";
    await expect(load("gpqa", "equal.csv", { text })).rejects.toMatchObject({
      code: "record-invalid",
      message: "row 1, field Incorrect Answer 2: the same text as another choice",
    });
  });
});

describe("offline tasks", () => {
  it.each(["arithmetic", "program"])("%s takes held-out questions only, graded by running them", async (name) => {
    const signal = new AbortController().signal;
    const task = await loadTask({ name, seed: 3, limit: 12, workingFolder: folder, signal });
    expect(task.questions).toHaveLength(12);
    expect(task.questions.map(({ prompt }) => bucketOf(prompt))).toEqual(Array.from({ length: 12 }, () => "test"));
    const { gold } = task.questions[0] ?? {};
    expect(await verdict(task, 0, `Answer: ${gold}`)).toBe("correct");
    expect(await verdict(task, 0, `Answer: ${(Number(gold) + 1) % 1000}`)).toBe("incorrect");
    expect(await verdict(task, 0, "?")).toBe("no_answer");
  });
});

it.each([
  ["aime24", "aime-maxwell.jsonl"],
  ["math500", "math500.jsonl"],
  ["gsm8k", "gsm8k.jsonl"],
  ["gpqa", "gpqa.csv"],
  ["livecodebench", "livecodebench.jsonl"],
])("%s: no order of its rows changes an id, a prompt or a gold", async (name, file) => {
  const lines = readFileSync(join(fixtures, file), "utf8").trimEnd().split("\n");
  const head = file.endsWith(".csv") ? 1 : 0;
  // A record of the CSV ends after its canary, which is the same in all.
  const records =
    head === 0
      ? lines
      : lines
          .slice(1)
          .join("\n")
          .split(/(?<=no canary)\n/);
  const sorted = ({ questions }: LoadedTask) =>
    questions.map(({ id, prompt, gold }) => `${id} ${gold} ${prompt}`).sort();
  const expected = sorted(await load(name, file));
  for (let seed = 0; seed < 5; seed++) {
    const text = [...lines.slice(0, head), ...prng(`order/${seed}`).shuffle(records)].join("\n");
    expect(sorted(await load(name, file, { text }))).toEqual(expected);
  }
});
