/** @file `grappa evaluate`, `rescore`, `compare` and `tasks` as a command line, on a task of sums and a model that adds. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { questionId } from "../src/questions/bucket.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { fakeTask } from "./fake-task.ts";
import { writeTinyStudent } from "./tiny-student.ts";

let machine: FakeMachine;
beforeEach(async () => {
  machine = await fakeMachine();
  await writeTinyStudent(join(machine.folder, "tiny"));
});
afterEach(() => rm(machine.folder, { recursive: true, force: true }));

const endpoint = ["--endpoint", "http://127.0.0.1:1/v1", "--model", "m", "--input-price", "1", "--output-price", "2"];

describe("evaluate", () => {
  test("puts a task to a student and shows what came of it", async () => {
    const line = ["evaluate", "--task", "sums", "--model", "tiny", "--direct", "--budgets", "16", "--out", "one"];
    expect(await machine.run(...line)).toMatchInlineSnapshot(`
      {
        "exitCode": 0,
        "stderr": "evaluate  done in 2.8 s: 24 answers
      ",
        "stdout": "
        tiny on sums (1): 8 questions, one sample each.

        setting                                        right 95 % interval  tokens
        direct answer                                  0.0 %    0.0–32.4 %       0
        cut at 16                   ██████████        62.5 %   30.6–86.3 %      12
        natural end                 ██████████        62.5 %   30.6–86.3 %      12

        of all samples          cut silent unread  limit   slow      completed, right
        direct answer           0.0    0.0    0.0    0.0    0.0        0.0 % (0–32 %)
        cut at 16               0.0    0.0    0.0    0.0    0.0      62.5 % (31–86 %)
        natural end             0.0    0.0    0.0    0.0    0.0      62.5 % (31–86 %)
        In percent. cut: by the token limit. silent: no answer. unread: the answer
        could not be parsed. limit: too large to grade. slow: code ran too long.
        completed: samples that ended by themselves with an answer.

        spent on a question        n  tokens   right 95 % interval  s/right
        direct answer              1      14   0.0 %    0.0–32.4 %        –
        cut at 16                  1      14  62.5 %   30.6–86.3 %     0.17
        natural end                1      14  62.5 %   30.6–86.3 %     0.17
        n: samples. tokens: thinking, answers and what was thrown away, of all n.
        s/right: seconds for each right answer, at the 134 tokens a second measured
        here.

        evaluation: one
      ",
      }
    `);
    expect((await readdir(join(machine.folder, "one"))).sort()).toEqual([
      "accuracy.svg",
      "evaluation.json",
      "origin.json",
      "samples.jsonl",
      "speed.jsonl",
      "summary.json",
    ]);
    expect(await readFile(join(machine.folder, "one/accuracy.svg"), "utf8")).toContain("cut at 16: 62.5 % at 12");
  });

  test("takes a sweep's ladder and waits, where auto and 0 are the natural end, and MODEL by its place", async () => {
    const sweep = ["--budgets", "16,32,auto", "--waits", "0,1,2"];
    const { stdout } = await machine.run("evaluate", "tiny", "--task", "sums", ...sweep, "--json");
    const { evaluation, speed } = JSON.parse(stdout) as { evaluation: { settings: unknown[] }; speed: unknown };
    const think = (budgetTokens: number, waits: number) => ({ mode: "think", budgetTokens, waits });
    expect(evaluation.settings).toEqual([think(16, 0), think(32, 0), think(100, 0), think(100, 1), think(100, 2)]);
    // 40 replies of 14 tokens.
    expect(speed).toEqual({ schemaVersion: 1, seconds: expect.any(Number) as number, generatedTokens: 560 });
  });

  test("samples until thinking is short enough, at a temperature, and says when to give up", async () => {
    const line = ["evaluate", "tiny", "--task", "sums", "--reject", "8,32", "--max-tries", "4", "--json"];
    const { stdout } = await machine.run(...line);
    const { evaluation } = JSON.parse(stdout) as { evaluation: { settings: unknown[] } };
    const sampled = { mode: "think", waits: 0, temperature: 0.7 };
    expect(evaluation.settings).toEqual([
      { ...sampled, budgetTokens: 100 },
      { ...sampled, budgetTokens: 8, maxTries: 4 },
      { ...sampled, budgetTokens: 32, maxTries: 4 },
    ]);
  });

  test("names its folder by task, model and what was asked; the same command finds it again", async () => {
    await machine.run("evaluate", "--task", "sums", "--model", "tiny");
    await machine.run("evaluate", "--task", "sums", "--model", "tiny");
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--seed", "1");
    const names = await readdir(join(machine.folder, "evaluations"));
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(/^sums-tiny-[0-9a-f]{6}$/);
  });

  test("--json is one line with the header, the summary and what others published", async () => {
    const { stdout, exitCode } = await machine.run("evaluate", "--task", "sums:2", "--model", "tiny", "--json");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({
      folder: expect.stringMatching(/^evaluations\/sums-tiny-/) as string,
      evaluation: { samplesPerQuestion: 2, temperature: 0.7, task: { questions: 8 }, answerTokens: 10 },
      summary: { settings: [{ accuracy: { questions: 8, samples: 16 } }] },
      contamination: null,
      published: [],
    });
  });

  test("--plan says what it would ask and cost, and begins nothing", async () => {
    const line = ["evaluate", "--task", "sums:4", ...endpoint, "--max-usd", "0.5", "--plan", "--out", "planned"];
    expect(await machine.run(...line)).toMatchInlineSnapshot(`
      {
        "exitCode": 0,
        "stderr": "",
        "stdout": "plan for planned
      task       sums (1), 8 questions, 4 samples each
      model      m (chat), seed 0, at most 100 tokens a reply
      settings   thinking to its natural end, sampled at temperature 0.7
      samples    32, of which 0 are there
      calls      32
      tokens     at most 4,192 of prompts and 3,200 of replies
      cost       at most $0.010592, and --max-usd stops it at $0.50
      precision  a 95 % interval of at most ± 28.5 points with one sample a question
                 a difference of 80.2 points between two models would be found 4 times in 5
      ",
      }
    `);
    expect(await readdir(machine.folder)).not.toContain("planned");
  });

  test("Ctrl-C keeps what is graded, and the same command asks for the rest alone", async () => {
    let answered = 0;
    machine.during["answer"] = async () => {
      answered += 1;
      if (answered === 6) machine.interrupt();
    };
    const line = ["evaluate", "--task", "sums", "--model", "tiny", "--out", "stopped"];
    const stopped = await machine.run(...line);
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stderr).toContain("hint: what is finished is kept; the same command goes on from there");
    const log = async () => (await readFile(join(machine.folder, "stopped/samples.jsonl"), "utf8")).trim().split("\n");
    const before = await log();
    expect(before).toHaveLength(5);
    answered = 100;
    expect((await machine.run(...line)).exitCode).toBe(0);
    expect(answered).toBe(103);
    expect((await log()).slice(0, 5)).toEqual(before);
  });

  test("a folder with another evaluation is refused, naming what differs", async () => {
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "one");
    const other = await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--seed", "3", "--out", "one");
    expect(other.exitCode).toBe(6);
    expect(other.stderr).toContain("error: HERE/one: holds another evaluation; different: seed\nhint: ");
  });

  test.each<[string, string[], number, string]>([
    ["an unknown model", ["--model", "demo-bace"], 4, "no run and no model at demo-bace (did you mean demo-base?)"],
    ["no price", ["--endpoint", "http://x/v1", "--model", "m"], 2, "no price is known for m"],
    ["no cap", endpoint, 2, "no limit is set on what this may cost"],
    ["a budget for an endpoint", [...endpoint, "--budgets", "16"], 2, "--budgets is for students"],
    ["a Wait for an endpoint", [...endpoint, "--waits", "1"], 2, "--waits is for students"],
    ["rejection at an endpoint", [...endpoint, "--reject", "16"], 2, "--reject is for students"],
    ["greedy rejection", ["--model", "tiny", "--reject", "16", "--temperature", "0"], 2, "the same reply again"],
    ["tries of nothing", ["--model", "tiny", "--max-tries", "3"], 2, "--max-tries is for --reject"],
    ["no model", [], 2, "no MODEL is named"],
    ["two models", ["tiny", "--model", "demo-base"], 2, "two models are named, tiny and --model demo-base"],
    ["a direct answer of an endpoint", [...endpoint, "--direct"], 2, "--direct is for students"],
    ["a cap for a student", ["--model", "tiny", "--max-usd", "1"], 2, "--max-usd is for --endpoint"],
    ["a key that is not set", [...endpoint, "--max-usd", "1", "--key-env", "NO_KEY"], 2, "variable NO_KEY is not set"],
    ["a budget that is no number", ["--model", "tiny", "--budgets", "16,x"], 2, "expected a whole number"],
  ])("%s is refused before anything is asked", async (_what, flags, exitCode, message) => {
    const outcome = await machine.run("evaluate", "--task", "sums", ...flags);
    expect(outcome.stderr).toContain(message);
    expect(outcome.exitCode).toBe(exitCode);
    expect(await readdir(machine.folder)).not.toContain("evaluations");
  });

  test("a hash that can be none is a slip of the hand, and said before anything is read", async () => {
    const { stderr, exitCode } = await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--sha256", "abc");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("expected a SHA-256, 64 hex digits, found 3")]);
  });

  test("several greedy samples of a student are refused: they are one", async () => {
    const line = ["evaluate", "--task", "sums:4", "--model", "tiny", "--temperature", "0"];
    const { stderr, exitCode } = await machine.run(...line);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("4 greedy samples of a student are the same sample");
  });

  test("origin.json keeps the command that goes on", async () => {
    await machine.run("evaluate", "--task", "sums:2", ...endpoint, "--max-usd", "0.5", "--out", "o u t");
    expect(JSON.parse(await readFile(join(machine.folder, "o u t/origin.json"), "utf8"))).toMatchObject({
      command:
        "grappa evaluate m --task sums:2 --endpoint http://127.0.0.1:1/v1 --input-price 1.00 --output-price 2.00 --max-usd 0.50 --out 'o u t'",
      data: null,
    });
  });
});

describe("rescore", () => {
  test("says which verdicts are others now, keeps the log, and counts from then on", async () => {
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "evaluations/one");
    const path = join(machine.folder, "evaluations/one/samples.jsonl");
    const older = (await readFile(path, "utf8")).replace('"outcome":"correct"', '"outcome":"answer_parse_error"');
    await writeFile(path, older);
    expect((await machine.run("rescore", "one")).stdout).toMatchInlineSnapshot(`
      "
        tiny on sums (1): 8 questions, one sample each.

        setting                                        right 95 % interval  tokens
        natural end                 ██████████        62.5 %   30.6–86.3 %      12

        of all samples          cut silent unread  limit   slow      completed, right
        natural end             0.0    0.0    0.0    0.0    0.0      62.5 % (31–86 %)
        In percent. cut: by the token limit. silent: no answer. unread: the answer
        could not be parsed. limit: too large to grade. slow: code ran too long.
        completed: samples that ended by themselves with an answer.

        8 samples graded again: 1 verdict changed.
              1  answer_parse_error -> correct
        06096307fa56a52a sample 0, thinking to its natural end: answer_parse_error (5) -> correct (5)

        new verdicts: evaluations/one/scores-1.jsonl
      "
    `);
    expect(await readFile(path, "utf8")).toBe(older);
    expect((await machine.run("rescore", "one")).stdout).toContain("8 samples graded again: no verdict changed.");
  });

  test("refuses a log that has lost samples, and leaves everything as it was", async () => {
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "evaluations/lost");
    const file = (name: string): string => join(machine.folder, "evaluations/lost", name);
    const [first = ""] = (await readFile(file("samples.jsonl"), "utf8")).split("\n");
    const summary = await readFile(file("summary.json"), "utf8");
    await writeFile(file("samples.jsonl"), `${first}\n`);
    const { stderr, exitCode } = await machine.run("rescore", "lost");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("the log holds 1 of 8 samples, although it was finished once");
    expect(await readFile(file("summary.json"), "utf8")).toBe(summary);
    await expect(readFile(file("scores-1.jsonl"))).rejects.toThrow();
  });

  test("refuses what is not finished, and says how to finish it", async () => {
    machine.during["answer"] = async () => machine.interrupt();
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "half");
    const { stderr, exitCode } = await machine.run("rescore", "half");
    expect(exitCode).toBe(4);
    expect(stderr).toContain(
      "error: HERE/half: the evaluation is not finished\nhint: go on with it: grappa evaluate tiny --task sums --out half\n",
    );
  });

  test("lists the evaluations there are", async () => {
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "evaluations/first");
    const { stderr, exitCode } = await machine.run("rescore", "fist");
    expect(exitCode).toBe(4);
    expect(stderr).toBe("error: no evaluation at fist (did you mean first?)\nhint: there are: first\n");
  });
});

describe("compare", () => {
  beforeEach(async () => {
    const common = ["evaluate", "--task", "sums", "--model", "tiny", "--direct"];
    await machine.run(...common, "--out", "evaluations/a");
    await machine.run(...common, "--seed", "1", "--out", "evaluations/b");
  });

  test("pairs two evaluations question by question, setting by setting", async () => {
    expect((await machine.run("compare", "a", "b")).stdout).toMatchInlineSnapshot(`
      "  b against a on sums, paired by question.

        setting                     a         b  points   95 % interval        p finds
        direct answer           0.0 %     0.0 %     0.0  −32.4 to +32.4     1.00  46.4
        natural end            62.5 %    62.5 %     0.0  −32.4 to +32.4     1.00  46.4
        p: exact McNemar, Holm-adjusted. finds: the difference in points that would be
        found four times in five.

        Direct answer: b and a are equally often right (95 % interval −32.4 to +32.4;
        p = 1.00 after Holm's correction for 2 comparisons): not distinguishable at 8
        questions; no difference was seen, and only one of 46.4 points or more would
        probably have been.
        Natural end: b and a are equally often right (95 % interval −32.4 to +32.4;
        p = 1.00 after Holm's correction for 2 comparisons): not distinguishable at 8
        questions; no difference was seen, and only one of 46.4 points or more would
        probably have been.
      "
    `);
  });

  test("--setting leaves one", async () => {
    const { stdout } = await machine.run("compare", "a", "b", "--setting", "natural", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      first: "a",
      second: "b",
      task: "sums",
      rows: [{ firstSetting: { mode: "think" }, questions: 8, difference: 0, pValue: 1 }],
    });
    const { stderr, exitCode } = await machine.run("compare", "a", "b", "--setting", "wait=1");
    const hint = "hint: it was answering directly; thinking to its natural end\n";
    expect([exitCode, stderr]).toEqual([2, `error: a was not evaluated under wait=1\n${hint}`]);
  });

  test("refuses other data unless forced, and names the difference", async () => {
    await machine.run("evaluate", "--task", "sums", "--limit", "5", "--model", "tiny", "--out", "evaluations/c");
    const refused = await machine.run("compare", "a", "c");
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("error: the two cannot be compared: they differ in the data (");
    const forced = await machine.run("compare", "a", "c", "--force", "--json");
    expect(JSON.parse(forced.stdout)).toMatchObject({
      mismatches: [{ field: "dataSha256" }],
      rows: [{ questions: 5 }],
    });
  });

  test("refuses an evaluation beside itself", async () => {
    const { stderr, exitCode } = await machine.run("compare", "a", "evaluations/a");
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/^error: a and evaluations\/a are the same: /)]);
  });

  test("says what there is", async () => {
    expect((await machine.run("compare", "a", "bb")).stderr).toBe(
      "error: no evaluation and no run at bb (did you mean b or a?)\nhint: there are: a, b\n",
    );
  });
});

describe("runs", () => {
  const completionOf = (n: number, isRight: boolean): object => ({
    schemaVersion: 1,
    questionId: String(n).padStart(16, "0"),
    model: "student",
    setting: { mode: "think", budgetTokens: 100, waits: 0 },
    sampleIndex: 0,
    thinking: "",
    answer: "",
    thinkingTokens: 9,
    answerTokens: 1,
    end: "natural",
    answerFinish: "stop",
    grade: { outcome: isRight ? "correct" : "incorrect", extracted: "1", rule: "r" },
  });

  test("are compared like evaluations, by what their students answered", async () => {
    for (const [seed, right] of [
      ["0", 3],
      ["1", 19],
    ] as const) {
      machine.during["evaluate"] = ({ output }) =>
        output.writeRows(
          "completions.jsonl",
          Array.from({ length: 20 }, (_, n) => completionOf(n, n < right)),
        );
      await machine.run("demo", "--seed", seed);
    }
    const { stdout } = await machine.run("compare", "demo-0", "demo-1", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      first: "demo-0",
      second: "demo-1",
      rows: [
        { questions: 20, first: 0.15, second: 0.95, difference: 0.8, test: "exact McNemar", next: { kind: "settled" } },
      ],
    });
    expect((await machine.run("compare", "demo-0", "demo-1")).stdout).toContain("demo-1 is 80.0 points above demo-0");
  });

  test("an unfinished run is not compared", async () => {
    await machine.run("demo", "--until", "train");
    const { stderr, exitCode } = await machine.run("compare", "demo-0", "demo-0");
    expect([exitCode, stderr]).toEqual([
      4,
      "error: HERE/runs/demo-0: the run is not finished\nhint: go on with it first\n",
    ]);
  });

  test("a student that was trained on a question of the task is flagged, and compared without it", async () => {
    const training = [
      { text: "1+1", isSelected: true }, // the task's own first question
      { text: "2+1", isSelected: false }, // collected, never trained on
    ].map(({ text, isSelected }) => ({ id: questionId(text), text, isSelected }));
    machine.during["attempt"] = ({ output }) =>
      output.writeRows(
        "questions.jsonl",
        training.map(({ id, text }) => ({
          schemaVersion: 1,
          id,
          text,
          answer: null,
          family: "f",
          domain: "d",
          difficulty: 1,
          bucket: "train",
          metadata: {},
        })),
      );
    machine.during["select"] = ({ output }) =>
      output.writeRows(
        "selection.jsonl",
        training
          .filter(({ isSelected }) => isSelected)
          .map(({ id }, rank) => ({
            schemaVersion: 1,
            rank,
            questionId: id,
            traceId: id,
            domain: "d",
            thinkingTokens: 1,
            reason: "all",
          })),
      );
    machine.during["train"] = ({ output }) => output.writeJson("student/config.json", {});
    await machine.run("demo");
    const flagged = await machine.run("evaluate", "--task", "sums", "--model", "demo-0", "--out", "evaluations/run");
    expect(flagged.stdout).toContain("CONTAMINATED: of 8 questions the student was trained on 1, and 0\n");
    await machine.run("evaluate", "--task", "sums", "--model", "tiny", "--out", "evaluations/other");
    const { stdout } = await machine.run("compare", "other", "run", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      first: "tiny",
      second: "demo-0",
      contamination: { sameId: [fakeTask(1).questions[0]!.id], sharedText: [], examples: 1 },
      rows: [{ questions: 8, clean: { questions: 7 } }],
    });
  });
});

test("tasks lists what is known", async () => {
  const { stdout } = await machine.run("tasks");
  expect(stdout).toContain("aime24           30 questions, graded as aime");
  expect(stdout).toContain("humaneval        164 questions, graded as code, runs code");
  expect(stdout).toContain("arithmetic       any number of questions");
});
