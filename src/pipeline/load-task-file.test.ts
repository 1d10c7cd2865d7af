import { copyFileSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { AppError } from "../core/errors.ts";
import type { LoadedTask, VerifierPorts } from "../evaluate/tasks/task.ts";
import { type CutTask, loadCutTask, loadTask, type LoadTaskOptions } from "./load-task.ts";

const examples = fileURLToPath(new URL("../../examples/your-domain/", import.meta.url));
const signal = new AbortController().signal;

const load = (name: string, more: Partial<LoadTaskOptions> = {}): Promise<LoadedTask> =>
  loadTask({ name, seed: 0, workingFolder: examples, signal, ...more });
const loadBoth = (name: string, more: Partial<LoadTaskOptions> = {}): Promise<CutTask> =>
  loadCutTask({ name, seed: 0, workingFolder: examples, signal, ...more });

/** A folder with a task file and a small CSV; the verifier and anything else as given. */
function folderWith(task: Record<string, unknown> | string, csv = "q,a\n1+1?,2\nTwice three is what?,6\n"): string {
  const folder = mkdtempSync(join(tmpdir(), "grappa-user-"));
  const base = {
    name: "mine",
    data: "d.csv",
    prompt: "{q}",
    verifier: { type: "grader", profile: "math", answer: "a" },
  };
  writeFileSync(join(folder, "task.json"), typeof task === "string" ? task : JSON.stringify({ ...base, ...task }));
  writeFileSync(join(folder, "d.csv"), csv);
  return folder;
}

const outcome = async (task: LoadedTask, reply: string, ports: VerifierPorts = {}, at = 0): Promise<unknown> =>
  await task.questions[at]?.verify(reply, ports, signal);

describe("examples/your-domain", () => {
  it("kitchen.json: duplicates are one question, near-duplicates stay on one side, both sides have their clusters", async () => {
    const { task, train } = await loadBoth("kitchen.json");
    expect(task.questions.length + train.length).toBe(24); // of 25 rows, one of them twice
    expect(task.questions).toHaveLength(6); // a quarter
    const held = new Set(task.questions.map(({ cluster }) => cluster));
    expect(train.filter(({ cluster }) => held.has(cluster))).toEqual([]);
    const soups = [...task.questions, ...train].filter(({ prompt }) => prompt.startsWith("A soup for 4 guests"));
    expect(soups).toHaveLength(3);
    expect(new Set(soups.map(({ cluster }) => cluster)).size).toBe(1);
    expect(task).toMatchObject({ name: "kitchen", profile: "math", source: "kitchen.csv", needs: [] });
    const { gold, metadata } = task.questions[0] ?? {};
    expect(Object.keys(metadata ?? {})).toEqual(["id", "topic"]);
    expect(await outcome(task, `The answer is $\\boxed{${gold}}$.`)).toMatchObject({ outcome: "correct" });
    expect(await outcome(task, "The answer is $\\boxed{987654}$.")).toMatchObject({ outcome: "incorrect" });
  });

  it("kitchen.json: the limit holds for the held-out side, and no row's order matters", async () => {
    const { task, train } = await loadBoth("kitchen.json", { limit: 2 });
    expect([task.questions.length, train.length]).toEqual([2, 18]);
    const whole = (await load("kitchen.json")).questions.map(({ id }) => id);
    expect(whole).toEqual(expect.arrayContaining(task.questions.map(({ id }) => id)));
  });

  it("kitchen.mjs: a verifier of one's own", async () => {
    const task = await load("kitchen.mjs");
    expect(task.profile).toBe("within-one-per-cent@1");
    const row = task.questions.findIndex(({ prompt }) => /[0-9]/.test(prompt));
    expect(row).toBeGreaterThanOrEqual(0);
    expect(await outcome(task, "no idea")).toMatchObject({
      outcome: "no_answer",
      rule: "function/within-one-per-cent/1",
    });
    expect(await outcome(task, "So it is 123456789.")).toMatchObject({ outcome: "incorrect", extracted: "123456789." });
  });

  it("kitchen-judge.json: a judge's rubric, filled from the row; what is no verdict stays unscored", async () => {
    const task = await load("kitchen-judge.json");
    expect(task.needs).toEqual(["judge"]);
    const asked: string[] = [];
    const judge = (answer: string): VerifierPorts => ({
      judge: { name: "made", ask: async (prompt) => (asked.push(prompt), answer) },
    });
    expect(await outcome(task, "It is so.", judge("Fine.\nVerdict: correct"))).toMatchObject({
      outcome: "correct",
      rule: "judge/judge-1/made",
      explanation: "Fine.",
    });
    expect(asked[0]).toMatch(/Rubric:\nThe reply gives the result [0-9:/.]+ \(or an equal value\)/);
    expect(await outcome(task, "It is so.", judge("Bad.\nVerdict: incorrect"))).toMatchObject({ outcome: "incorrect" });
    expect(await outcome(task, "It is so.", judge("I think it is correct."))).toMatchObject({ outcome: "unscored" });
    expect(await outcome(task, " ", judge("Verdict: correct"))).toMatchObject({ outcome: "no_answer" });
    expect(await outcome(task, "It is so.")).toMatchObject({ outcome: "unscored", explanation: "no judge to ask" });
    expect(asked).toHaveLength(3);
    const down = { judge: { name: "made", ask: () => Promise.reject(new AppError("network", "down")) } };
    await expect(outcome(task, "It is so.", down)).rejects.toMatchObject({ code: "network" });
  });
});

describe("a module", () => {
  it("that cannot be loaded says why; without grappa beside it, what to do", async () => {
    const workingFolder = mkdtempSync(join(tmpdir(), "grappa-module-"));
    writeFileSync(
      join(workingFolder, "far.mjs"),
      'import { defineTask } from "grappa";\nexport default defineTask({});\n',
    );
    writeFileSync(join(workingFolder, "bad.mjs"), 'throw new Error("my own words");\n');
    await expect(load("bad.mjs", { workingFolder })).rejects.toMatchObject({
      code: "recipe-invalid",
      message: expect.stringContaining("bad.mjs: the module could not be loaded: my own words") as string,
    });
    const far = await load("far.mjs", { workingFolder }).catch((error: unknown) => error);
    expect(far).toMatchObject({
      code: "recipe-invalid",
      hint: expect.stringContaining("install grappa beside the module") as string,
    });
  });

  it("whose verifier never ends is left by a stop", async () => {
    const workingFolder = mkdtempSync(join(tmpdir(), "grappa-module-"));
    writeFileSync(join(workingFolder, "d.csv"), "q\nOne?\n");
    writeFileSync(
      join(workingFolder, "deaf.mjs"),
      `export default { name: "deaf", data: "d.csv", prompt: "{q}",
        verifier: { type: "function", name: "deaf", version: "1", verify: () => new Promise(() => {}) } };\n`,
    );
    const task = await load("deaf.mjs", { workingFolder });
    const controller = new AbortController();
    const verdict = task.questions[0]!.verify("1", {}, controller.signal);
    controller.abort(new AppError("interrupted", "stopped by the user"));
    await expect(verdict).rejects.toMatchObject({ code: "interrupted" });
  });

  it("needs no import: a plain object with a plain verifier is a task", async () => {
    const workingFolder = mkdtempSync(join(tmpdir(), "grappa-module-"));
    writeFileSync(join(workingFolder, "d.csv"), "q,a\nOne?,1\n");
    writeFileSync(
      join(workingFolder, "plain.mjs"),
      `export default { name: "plain", data: "d.csv", prompt: "{q}",
        verifier: { type: "function", name: "same", version: "1", verify: ({ reply, row }) => reply === row.a } };\n`,
    );
    const task = await load("plain.mjs", { workingFolder });
    expect([await outcome(task, "1"), await outcome(task, "2")]).toMatchObject([
      { outcome: "correct" },
      { outcome: "incorrect" },
    ]);
  });
});

describe("a task file", () => {
  it("names every problem with line and column", async () => {
    const workingFolder = folderWith('{\n  "name": "My Task",\n  "data": "d.csv",\n  "promt": "{q}",\n}');
    const error = await load("task.json", { workingFolder }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: "recipe-invalid" });
    expect(String(error)).toMatch(/task\.json:2:3: name: lower-case letters/);
    expect(String(error)).toMatch(/task\.json:4:3: .*promt/);
    expect(String(error)).toMatch(/prompt: /);
  });

  it.each<[string, Record<string, unknown>, string, string]>([
    [
      "an unknown column in the prompt",
      { prompt: "{question}" },
      "q,a\n1?,1\n",
      "row 1, field question: missing; prompt names it",
    ],
    ["a single brace", { prompt: "{q} }" }, "q,a\n1?,1\n", "row 1, field prompt: a single brace"],
    ["a missing answer", {}, "q,a\n1?,1\n2?,\n", "row 2, field a: empty"],
    ["an empty prompt", {}, "q,a\n,1\n", "row 1, field prompt: empty once it is filled"],
    [
      "a gold that is none",
      { verifier: { type: "grader", profile: "aime", answer: "a" } },
      "q,a\n1?,x\n",
      "row 1, field a:",
    ],
    [
      "two answers to one question",
      {},
      "q,a\n1+1?,2\n1+1?,3\n",
      "row 2, field (all): asks the same as row 1, but wants",
    ],
    [
      "tests that are none",
      { verifier: { type: "code", tests: "a" } },
      "q,a\n1?,[1]\n",
      "row 1, field a: expected a list of",
    ],
    ["no tests named", { verifier: { type: "code" } }, "q,a\n1?,1\n", "row 1, field verifier: a code verifier needs"],
  ])("with %s is refused", async (_, task, csv, message) => {
    const workingFolder = folderWith(task, csv);
    await expect(load("task.json", { workingFolder })).rejects.toMatchObject({
      code: "record-invalid",
      message: expect.stringContaining(message),
    });
  });

  it("fills braces and columns once: what a column holds is no template", async () => {
    const workingFolder = folderWith({ prompt: "{{{q}}} ({a})" }, 'q,a\n"{a} {{x}}",2\n');
    const task = await load("task.json", { workingFolder });
    expect(task.questions.map(({ prompt }) => prompt)).toEqual(["{{a} {{x}}} (2)"]);
  });

  it("gives near-duplicates a common cluster without a cut too", async () => {
    const csv =
      "q,a\nHow many eggs are in 12 cakes of 3 eggs?,36\nHow many eggs are in 13 cakes of 3 eggs?,39\nWhy?,0\n";
    const { questions } = await load("task.json", { workingFolder: folderWith({}, csv) });
    expect(questions.map(({ cluster }) => new Set(questions.map((q) => q.cluster)).size && cluster)).toEqual([
      questions[0]?.cluster,
      questions[0]?.cluster,
      questions[2]?.id,
    ]);
  });

  it("pins its data, and takes other data when told to", async () => {
    const workingFolder = folderWith({ sha256: "0".repeat(64) });
    await expect(load("task.json", { workingFolder })).rejects.toMatchObject({ code: "file-corrupt" });
    copyFileSync(join(workingFolder, "d.csv"), join(workingFolder, "e.csv"));
    const other = folderWith({});
    expect((await load("task.json", { workingFolder: other, data: join(workingFolder, "e.csv") })).source).toBe(
      "e.csv",
    );
  });

  it.each([
    ["export default 3", "its default export is no task"],
    ["throw new Error('boom')", "the module could not be loaded: boom"],
    [
      "export default { name: 'x', data: 'd.csv', prompt: '{q}', verifier: { type: 'function', name: 'v', version: '1' } }",
      "verify: ",
    ],
  ])("as a module: %s", async (text, message) => {
    const workingFolder = folderWith({});
    writeFileSync(join(workingFolder, "task.mjs"), text);
    await expect(load("task.mjs", { workingFolder })).rejects.toMatchObject({
      code: "recipe-invalid",
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ["({ reply }) => reply === '2'", "2", "correct"],
    ["({ reply }) => reply === '2'", "3", "incorrect"],
    ["async ({ row }) => ({ outcome: 'answer_limit', explanation: row.a })", "2", "answer_limit"],
    ["() => { throw new Error('bug') }", "2", "unscored"],
    ["() => 'yes'", "2", "unscored"],
    ["() => ({ outcome: 'right' })", "2", "unscored"],
  ])("whose function is %s says of %j: %s", async (verify, reply, expected) => {
    const workingFolder = folderWith({});
    const text = `export default { name: "x", data: "d.csv", prompt: "{q}", verifier: { type: "function", name: "v", version: "1", verify: ${verify} } };`;
    writeFileSync(join(workingFolder, "task.mjs"), text);
    expect(await outcome(await load("task.mjs", { workingFolder }), reply)).toMatchObject({ outcome: expected });
  });
});
