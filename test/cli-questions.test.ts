/** @file `grappa questions` as a command line. */
import { rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { families } from "../src/questions/families.ts";
import { FAMILY_NAMES } from "../src/schema/family-names.ts";
import { Question } from "../src/schema/records.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

test("list names every family, its domain and its levels", async () => {
  const { stdout, exitCode } = await machine.run("questions", "list");
  expect(exitCode).toBe(0);
  const [heading, ...lines] = stdout.trimEnd().split("\n");
  expect(heading).toMatch(/^FAMILY +DOMAIN +LEVELS +WHAT IT ASKS$/);
  expect(lines.map((line) => line.split(" ")[0])).toEqual([...FAMILY_NAMES]);
  expect(lines.find((line) => line.startsWith("gcd "))).toMatch(/number theory +1-5 +the greatest common divisor/);
  const json = JSON.parse((await machine.run("questions", "list", "--json")).stdout) as { families: unknown[] };
  expect(json.families).toHaveLength(FAMILY_NAMES.length);
  expect(json.families[5]).toEqual({
    name: "gcd",
    domain: "number theory",
    levels: families.gcd.levels,
    checkedBy: "rule",
    description: families.gcd.description,
  });
});

test("sample prints items of the sequence, with answers only where they are asked for", async () => {
  const first = families.countdown.generate(7, { seed: 4, difficulty: 2 });
  const flags = ["--start", "7", "--seed", "4", "--difficulty", "2"] as const;
  const { stdout } = await machine.run("questions", "sample", "countdown", "--count", "2", ...flags);
  expect(stdout.startsWith(`# 7  ${first.id}  bucket ${first.bucket}\n${first.text}\n\n# 8  `)).toBe(true);
  expect(stdout).not.toContain(String(first.answer));
  const shown = await machine.run("questions", "sample", "countdown", "--count", "1", "--answers", ...flags);
  expect(shown.stdout).toBe(`# 7  ${first.id}  bucket ${first.bucket}\n${first.text}\n-> ${first.answer}\n`);
});

test("sample --json gives whole records with --answers, and nothing that tells the answer without", async () => {
  const run = async (...args: string[]) => {
    const { stdout } = await machine.run("questions", "sample", "programming", "--json", "--count", "2", ...args);
    return (JSON.parse(stdout) as { questions: Record<string, unknown>[] }).questions;
  };
  const [first] = await run("--answers");
  const { index, ...record } = first ?? {};
  expect(index).toBe(0);
  expect(Question.parse(record)).toEqual(families.programming.generate(0, { seed: 0, difficulty: 3 }));
  for (const bare of await run())
    expect(Object.keys(bare).sort()).toEqual(["bucket", "difficulty", "domain", "id", "index", "text"]);
});

test("a wrong name or level is named, with what to do", async () => {
  const wrongName = await machine.run("questions", "sample", "shortest-paths");
  expect(wrongName).toMatchObject({ exitCode: 2, stdout: "" });
  expect(wrongName.stderr).toContain("no family is called shortest-paths (did you mean shortest-path?)");
  expect(wrongName.stderr).toContain("hint: grappa questions list");
  expect((await machine.run("questions", "sample", "constructor")).exitCode).toBe(2);
  const wrongLevel = await machine.run("questions", "sample", "gcd", "--difficulty", "6", "--json");
  expect(wrongLevel.exitCode).toBe(2);
  expect(JSON.parse(wrongLevel.stdout)).toMatchObject({
    error: { code: "usage", message: "family gcd has levels 1 to 5, found --difficulty 6" },
  });
  expect((await machine.run("questions", "sample", "arithmetic", "--difficulty", "8")).exitCode).toBe(0);
});
