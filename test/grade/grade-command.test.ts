/** @file `grappa grade` on a fake machine, and as a real process between two pipes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GradeRow } from "../../src/schema/grade-row.ts";
import { type FakeMachine, fakeMachine } from "../fake-cli.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const rowsOf = (stdout: string): GradeRow[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => GradeRow.parse(JSON.parse(line)));

const MIXED = ['{"gold":"12","pred":"12"}', "oops", "", '{"gold":"","pred":"1"}', '{"gold":"12","pred":"13"}'];
const MIXED_OUTCOMES = ["correct", "row_error", "row_error", "gold_error", "incorrect"];

describe("rows", () => {
  test("one output line for each input line, in the same order, a broken one among them", async () => {
    await writeFile(join(machine.folder, "rows.jsonl"), MIXED.join("\n")); // the last line has no newline
    const { stdout, stderr, exitCode } = await machine.run("grade", "--jsonl", "rows.jsonl");
    expect(exitCode).toBe(0);
    expect(rowsOf(stdout).map(({ line, outcome }) => [line, outcome])).toEqual(
      MIXED_OUTCOMES.map((outcome, n) => [n + 1, outcome]),
    );
    expect(stderr).toContain("graded 5 rows");
    expect(stderr).toContain("outcomes: row_error 2, correct 1, gold_error 1, incorrect 1");
  });

  test("- is standard input", async () => {
    machine.typed = MIXED;
    const { stdout } = await machine.run("grade", "--jsonl", "-");
    expect(rowsOf(stdout).map(({ outcome }) => outcome)).toEqual(MIXED_OUTCOMES);
  });

  test("--json leaves standard output as it is, and makes the summary a line of JSON", async () => {
    machine.typed = MIXED;
    const plain = await machine.run("grade", "--jsonl", "-");
    const json = await machine.run("grade", "--jsonl", "-", "--json");
    expect(json.stdout).toBe(plain.stdout);
    expect(JSON.parse(json.stderr)).toMatchObject({ summary: { rows: 5, accuracy: 0.5, disagreements: 0 } });
  });

  test("a line that is too long gives an error row with its length, and the next is graded", async () => {
    const long = JSON.stringify({ gold: "1", pred: "x".repeat(4 << 20) });
    await writeFile(join(machine.folder, "rows.jsonl"), `${long}\n${MIXED[0]}\n`);
    const rows = rowsOf((await machine.run("grade", "--jsonl", "rows.jsonl")).stdout);
    expect(rows.map(({ outcome }) => outcome)).toEqual(["row_error", "correct"]);
    expect(rows[0]?.error?.message).toBe(`the line has ${long.length} bytes; the limit is ${4 << 20}`);
  });

  test("a line that is not UTF-8 gives an error row", async () => {
    await writeFile(join(machine.folder, "rows.jsonl"), Buffer.from([0xff, 0xfe, 0x0a]));
    const rows = rowsOf((await machine.run("grade", "--jsonl", "rows.jsonl")).stdout);
    expect(rows[0]).toMatchObject({ outcome: "row_error", error: { message: "the line is not UTF-8" } });
  });

  test("--profile is for rows that name none", async () => {
    machine.typed = ['{"gold":"12","pred":"0.12"}', '{"gold":"x","pred":"x","profile":"exact"}'];
    const rows = rowsOf((await machine.run("grade", "--jsonl", "-", "--profile", "aime")).stdout);
    expect(rows[1]?.outcome).toBe("correct");
  });

  test("a file that is missing is named", async () => {
    const { stdout, stderr, exitCode } = await machine.run("grade", "--jsonl", "none.jsonl");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
    expect(stderr).toContain("none.jsonl");
  });

  test("an empty file has no rows", async () => {
    await writeFile(join(machine.folder, "rows.jsonl"), "");
    const { stdout, stderr, exitCode } = await machine.run("grade", "--jsonl", "rows.jsonl");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
    expect(stderr).toContain("graded 0 rows");
  });
});

describe("one pair", () => {
  test("shows what was found and compared", async () => {
    const { stdout, exitCode } = await machine.run("grade", "--gold", "12", "--pred", "12");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^correct\n {2}extracted 12\n/);
    expect((await machine.run("grade", "--gold=-5", "--pred=-6")).stdout).toMatch(/^incorrect\n/);
  });

  test("--json prints the verdict", async () => {
    const { stdout } = await machine.run("grade", "--gold", "12", "--pred", "12", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "correct", extracted: "12", goldCanonical: "12" });
  });

  test("a gold that is none is an error", async () => {
    const { stderr, exitCode } = await machine.run("grade", "--gold", " ", "--pred", "12");
    expect(exitCode).toBe(4);
    expect(stderr).toContain("error: the gold cannot be read");
  });

  test.each([[["grade"]], [["grade", "--gold", "1"]], [["grade", "--gold", "1", "--pred", "1", "--jsonl", "x"]]])(
    "%s says what is missing",
    async (args) => {
      expect(await machine.run(...args)).toMatchObject({ exitCode: 2, stdout: "" });
    },
  );
});

describe("between pipes", () => {
  const start = () => spawn(process.execPath, [resolve("dist/cli/main.js"), "grade", "--jsonl", "-"]);

  test("a row is answered before the next one comes", async () => {
    const child = start();
    child.stdin.write(`${MIXED[0]}\n`);
    const [first] = (await once(child.stdout, "data")) as [Buffer];
    expect(rowsOf(first.toString())).toMatchObject([{ line: 1, outcome: "correct" }]);
    child.stdin.end(`${MIXED[4]}\n`);
    const [second] = (await once(child.stdout, "data")) as [Buffer];
    expect(rowsOf(second.toString())).toMatchObject([{ line: 2, outcome: "incorrect" }]);
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("a reader that goes away ends it quietly", async () => {
    const child = start();
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.stdin.on("error", () => undefined); // ours breaks too when it stops
    child.stdout.once("data", () => child.stdout.destroy());
    const feed = (): void => {
      while (child.stdin.writable && child.stdin.write(`${MIXED[0]}\n`.repeat(500)));
    };
    child.stdin.on("drain", feed);
    feed();
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(stderr).not.toContain("bug in grappa");
  });

  test("Ctrl-C keeps whole lines and says so by its exit status", async () => {
    const child = start();
    child.stdin.write(`${MIXED[0]}\n`);
    const [rows] = (await once(child.stdout, "data")) as [Buffer];
    expect(rows.toString().endsWith("\n")).toBe(true);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
  });
});
