/** @file `grappa split`, on the example of docs/your-domain.md: what the page shows is what it does. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadTask } from "../src/pipeline/load-task.ts";
import { fakeMachine, type FakeMachine } from "./fake-cli.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
  cpSync(join(root, "examples/your-domain"), machine.folder, { recursive: true });
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

describe("split", () => {
  test("writes the training side, and says what docs/your-domain.md shows", async () => {
    const { stdout, exitCode } = await machine.run("split", "kitchen.json", "--out", "train.jsonl");
    expect(exitCode).toBe(0);
    const page = readFileSync(join(root, "docs/your-domain.md"), "utf8").replace(/^ {4}/gm, "");
    expect(page).toContain(stdout);
    const lines = readFileSync(join(machine.folder, "train.jsonl"), "utf8").trimEnd().split("\n");
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(18);
    expect(rows[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      cluster: rows[0]?.["id"],
      question: expect.stringMatching(/^A soup for 4 guests takes 600 ml/),
      answer: "1500",
      metadata: { id: "k001", topic: "scaling" },
    });
    const signal = new AbortController().signal;
    const task = await loadTask({ name: "kitchen.json", seed: 0, workingFolder: machine.folder, signal });
    const trained = new Set(rows.map(({ cluster }) => cluster));
    expect(task.questions.filter(({ cluster }) => trained.has(cluster))).toEqual([]);
  });

  test("repeats itself without harm, and overwrites no other file", async () => {
    const args = ["split", "kitchen.json", "--out", "train.jsonl", "--json"];
    const first = await machine.run(...args);
    expect(JSON.parse(first.stdout)).toEqual({
      path: "train.jsonl",
      train: 18,
      heldOut: 6,
      trainClusters: 14,
      heldOutClusters: 6,
    });
    expect(await machine.run(...args)).toEqual(first);
    writeFileSync(join(machine.folder, "train.jsonl"), "mine\n");
    const { exitCode, stdout } = await machine.run(...args);
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "file-denied" } });
    expect(readFileSync(join(machine.folder, "train.jsonl"), "utf8")).toBe("mine\n");
  });

  test("a task without a cut, and one that is none", async () => {
    writeFileSync(
      join(machine.folder, "whole.json"),
      readFileSync(join(machine.folder, "kitchen.json"), "utf8").replace(/"holdOut".*/, ""),
    );
    const whole = await machine.run("split", "whole.json", "--out", "t.jsonl");
    expect(whole).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('add "holdOut"') });
    const none = await machine.run("split", "none.json", "--out", "t.jsonl");
    expect(none).toMatchObject({ exitCode: 4, stderr: expect.stringContaining("there is no such file") });
  });
});
