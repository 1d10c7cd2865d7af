/** @file Students, teachers in order and a judge, each behind a socket of its own, through the real stages. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { z } from "zod";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { readJsonl } from "../src/adapters/store/jsonl.ts";
import { systemClock } from "../src/adapters/system-clock.ts";
import { AppError } from "../src/core/errors.ts";
import { runPipeline } from "../src/pipeline/run-pipeline.ts";
import { readSpending } from "../src/pipeline/run-spending.ts";
import type { PipelinePorts, RunRequest } from "../src/pipeline/run-request.ts";
import { attemptStage } from "../src/pipeline/stages/attempt.ts";
import { collectStage } from "../src/pipeline/stages/collect.ts";
import { selectStage } from "../src/pipeline/stages/select.ts";
import { gradeStage } from "../src/pipeline/stages/grade.ts";
import type { TeacherWorld } from "../src/pipeline/stages/teacher-world.ts";
import { traceStage } from "../src/pipeline/stages/trace.ts";
import type { StageManifest } from "../src/schema/manifest.ts";
import { Recipe } from "../src/schema/recipe.ts";
import {
  Attempt,
  Dropped,
  GradedTrace,
  Question,
  QuestionDomain,
  Selection,
  Trace,
  TraceFailure,
} from "../src/schema/records.ts";
import {
  completion,
  type ScriptedServer,
  type SeenRequest,
  send,
  startScriptedServer,
} from "./teacher/scripted-server.ts";

let folder: string;
let servers: ScriptedServer[];
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-roles-"));
  servers = [];
  warnings = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await rm(folder, { recursive: true, force: true });
});

/** What a model answers to "what is N plus N?"; a number is a status to refuse with. */
type Answer = (n: number, request: SeenRequest) => string | number;

async function model(name: string, answer: Answer): Promise<{ endpoint: object; asked: number[] }> {
  const asked: number[] = [];
  const server = await startScriptedServer((response, request) => {
    const n = Number(/what is (\d+) plus/.exec(request.body.messages.at(-1)?.content ?? "")?.[1]);
    asked.push(n);
    const reply = answer(n, request);
    if (typeof reply === "number") send(response, '{"error":{"message":"not this one"}}', reply);
    else send(response, completion("let me think", reply));
  });
  servers.push(server);
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
  const endpoint = { type: "openai-compatible", name, baseUrl: server.baseUrl, model: "m", maxTokens: 1000, price };
  return { endpoint, asked };
}

const right = (n: number): string => `The answer is \\boxed{${2 * n}}`;
const wrong = (n: number): string => `The answer is \\boxed{${2 * n + 1}}`;

/** A file of sums; those in `without` have no reference answer. */
async function sums(count: number, without: readonly number[] = []): Promise<void> {
  const rows = Array.from({ length: count }, (_, n) => ({
    problem: `what is ${n} plus ${n}?`,
    ...(without.includes(n) ? {} : { solution: String(2 * n) }),
  }));
  await writeFile(join(folder, "sums.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

function recipe(fields: { trace: object; [field: string]: unknown }): Recipe {
  return Recipe.parse({
    name: "roles",
    maxUsd: 10,
    student: { base: "demo-base" },
    collect: { sources: [{ type: "file", path: "../sums.jsonl", question: "problem", answer: "solution" }] },
    ...fields,
  });
}

const world: TeacherWorld = { secrets: () => undefined, readKeyFile: () => "", prices: [], acceptedTerms: [] };

async function run(whole: Recipe, more: Partial<RunRequest> = {}): Promise<StageManifest[]> {
  const engine = () => Promise.reject(new Error("no engine here"));
  const stages = [collectStage(), attemptStage(engine, world), traceStage(world), gradeStage(world)];
  const ports: PipelinePorts = {
    fs: nodeFileSystem(),
    processes: { self: { pid: process.pid, host: "here", birth: "" }, isAlive: () => false },
    clock: systemClock(),
    observe: (event) => void (event.type === "warning" && warnings.push(event.message)),
    machine: {},
  };
  const facts = { questionFiles: await readFile(join(folder, "sums.jsonl"), "utf8") };
  const request = {
    folder: join(folder, "run"),
    recipe: whole,
    baseFolder: resolve("models/demo-base"),
    stages,
    facts,
  };
  const signal = new AbortController().signal;
  const { manifests } = await runPipeline(
    { ...request, tools: {}, command: "", mayChange: true, signal, ...more },
    ports,
  );
  return [...manifests];
}

async function rows<T>(manifests: readonly StageManifest[], file: string, schema: z.ZodType<T>): Promise<T[]> {
  const [stage, name] = file.split("/");
  const found = manifests.find((manifest) => manifest.stage === stage);
  const all: T[] = [];
  for await (const row of readJsonl(join(folder, "run", "stages", `${stage}-${found?.key}`, String(name)), schema))
    all.push(row);
  return all;
}

const notesOf = (manifests: readonly StageManifest[], stage: string) =>
  manifests.find((manifest) => manifest.stage === stage)?.notes ?? {};

const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

/** The questions that may be trained on, by their number. */
async function trained(manifests: readonly StageManifest[]): Promise<Map<string, number>> {
  const questions = await rows(manifests, "collect/questions.jsonl", Question);
  return new Map(questions.map(({ id, text }) => [id, Number(/\d+/.exec(text)?.[0])]));
}

describe("a recipe with students, several teachers and a judge", () => {
  test("asks each student what those before did not solve, and each teacher what those before failed at", async () => {
    await sums(60);
    const cheap = await model("cheap", (n) => (n < 20 ? right(n) : wrong(n)));
    const dear = await model("dear", (n) => (n < 30 ? right(n) : "I do not know"));
    const first = await model("first", (n) => (n >= 50 ? 400 : n >= 40 ? wrong(n) : right(n)));
    const second = await model("second", right);
    const whole = recipe({
      attempt: { modes: [], students: [cheap.endpoint, dear.endpoint] },
      trace: { teacher: first.endpoint, escalate: [second.endpoint] },
    });
    const manifests = await run(whole);
    const numbers = await trained(manifests);
    const within = (low: number, high: number): number[] =>
      sorted([...numbers.values()].filter((n) => n >= low && n < high));
    expect(numbers.size).toBeGreaterThan(40);
    expect((await rows(manifests, "collect/held-out.jsonl", Question)).length).toBe(60 - numbers.size);
    expect(sorted(cheap.asked)).toEqual(within(0, 60));
    expect(sorted(dear.asked)).toEqual(within(20, 60));
    expect(sorted(first.asked)).toEqual(within(30, 60));
    expect(sorted(second.asked)).toEqual(within(40, 60));
    const attempts = await rows(manifests, "attempt/attempts.jsonl", Attempt);
    expect(new Set(attempts.map(({ model: name, mode }) => `${name} ${mode}`))).toEqual(
      new Set(["cheap/m think", "dear/m think"]),
    );
    const solved = (await rows(manifests, "attempt/dropped.jsonl", Dropped)).map(({ id }) => numbers.get(id) ?? -1);
    expect(sorted(solved)).toEqual(within(0, 30));
    const failures = await rows(manifests, "trace/failed.jsonl", TraceFailure);
    expect(failures.map(({ reason }) => reason)).toEqual(within(50, 60).map(() => "provider-permanent"));
    const correct = (await rows(manifests, "grade/grades.jsonl", GradedTrace)).filter(
      ({ grade }) => grade.outcome === "correct",
    );
    expect(sorted(correct.map(({ questionId }) => numbers.get(questionId) ?? -1))).toEqual(within(30, 60));
    const { rows: ledger, spentMicroUsd } = await readSpending(
      { fs: nodeFileSystem(), processes: { self: { pid: 1, host: "", birth: "" }, isAlive: () => false } },
      join(folder, "run"),
    );
    const calls = (account: string): number =>
      ledger
        .filter((row) => row.account === account && row.outcome === "reply")
        .reduce((sum, row) => sum + row.calls, 0);
    expect(calls("attempt")).toBe(within(0, 60).length + within(20, 60).length);
    expect(calls("trace")).toBe(within(30, 50).length + within(40, 60).length);
    expect(spentMicroUsd).toBe(50 * (calls("attempt") + calls("trace")));
    const asked = servers.map((server) => server.requests.length);
    await run(whole, { from: "attempt" });
    expect(servers.map((server) => server.requests.length)).toEqual(asked);
  });

  test("asks every student about everything for a pass rate, and traces what is in the band", async () => {
    await sums(40);
    const tries = new Map<string, number>();
    const sometimes = (name: string, isRight: (n: number, tried: number) => boolean): Answer => {
      return (n) => {
        const tried = tries.get(`${name}/${n}`) ?? 0;
        tries.set(`${name}/${n}`, tried + 1);
        return isRight(n, tried) ? right(n) : wrong(n);
      };
    };
    const weak = await model(
      "weak",
      sometimes("weak", (n, tried) => n < 10 || (n < 20 && tried === 0)),
    );
    const strong = await model(
      "strong",
      sometimes("strong", (n) => n < 30),
    );
    const teacher = await model("teacher", right);
    const manifests = await run(
      recipe({
        attempt: { modes: [], students: [weak.endpoint, strong.endpoint], samples: 2 },
        difficulty: { keep: "pass-rate", passRate: [0, 1] },
        trace: { teacher: teacher.endpoint },
      }),
    );
    const numbers = await trained(manifests);
    const within = (low: number, high: number): number[] =>
      sorted([...numbers.values()].filter((n) => n >= low && n < high));
    for (const { asked } of [weak, strong]) expect(sorted(asked)).toEqual(sorted([...within(0, 40), ...within(0, 40)]));
    expect(sorted(teacher.asked)).toEqual(within(10, 30));
    const dropped = await rows(manifests, "attempt/dropped.jsonl", Dropped);
    const reasons = dropped.map(({ id, reason, detail }) => `${(numbers.get(id) ?? 0) < 10} ${reason} ${detail}`);
    expect(new Set(reasons)).toEqual(
      new Set(["true too-easy 4 of 4 attempts right", "false too-hard 0 of 4 attempts right"]),
    );
  });

  test("stops sampling a question at the first right answer, and shows the system prompt", async () => {
    await sums(30);
    const seen = new Map<number, number>();
    const teacher = await model("t", (n) => {
      seen.set(n, (seen.get(n) ?? 0) + 1);
      return (seen.get(n) ?? 0) > n % 3 ? right(n) : wrong(n);
    });
    const trace = { teacher: teacher.endpoint, samplesPerQuestion: 3, stopWhenVerified: true, system: "Be brief." };
    const manifests = await run(recipe({ attempt: { modes: [] }, trace }));
    const numbers = await trained(manifests);
    expect(seen).toEqual(new Map([...numbers.values()].map((n) => [n, (n % 3) + 1])));
    expect(servers[0]?.requests[0]?.body.messages[0]).toEqual({ role: "system", content: "Be brief." });
  });

  test("a judge grades what no rule can, is never asked for ever, and its agreement is measured", async () => {
    await sums(
      60,
      Array.from({ length: 20 }, (_, n) => n),
    );
    const teacher = await model("t", (n) => (n % 5 === 4 ? wrong(n) : right(n)));
    const judge = await model("j", (n, { body }) => {
      const isRight = body.messages[0]?.content.includes(`boxed{${2 * n}}`) ?? false;
      if (n === 3) return "I would rather not say.";
      // It calls one right answer in ten wrong.
      return `Reasons.\nVerdict: ${isRight && n % 10 !== 0 ? "correct" : "incorrect"}`;
    });
    const manifests = await run(
      recipe({ attempt: { modes: [] }, judge: judge.endpoint, trace: { teacher: teacher.endpoint } }),
    );
    const numbers = await trained(manifests);
    const grades = await rows(manifests, "grade/grades.jsonl", GradedTrace);
    for (const { questionId, grade } of grades) {
      const n = numbers.get(questionId) ?? -1;
      const expected = n === 3 ? "unscored" : n % 5 === 4 || (n < 20 && n % 10 === 0) ? "incorrect" : "correct";
      expect([n, grade.outcome]).toEqual([n, expected]);
      expect(grade.rule.startsWith("judge/judge-1/j/m")).toBe(n < 20 || n % 5 === 4);
    }
    expect(judge.asked.filter((n) => n === 3)).toHaveLength([...numbers.values()].includes(3) ? 3 : 0);
    const ruled = [...numbers.values()].filter((n) => n >= 20);
    const disagreed = ruled.filter((n) => n % 10 === 0);
    expect(notesOf(manifests, "grade")).toMatchObject({
      judgeN: ruled.length,
      judgeSilent: 0,
      judgeOnlyRuleCorrect: disagreed.length,
      judgeOnlyJudgeCorrect: 0,
      judgeAgreement: 1 - disagreed.length / ruled.length,
    });
    expect(warnings.join("\n")).toMatch(/the judge agrees with the rules on \d+ of \d+ replies/);
  });

  test("a judge grades the attempts that no rule can, against the reference, and buys no verdict twice", async () => {
    const rows_ = Array.from({ length: 60 }, (_, n) => ({
      problem: `what is ${n} plus ${n}?`,
      ...(n < 10 ? {} : { solution: `Add them up: it comes to ${2 * n}, as was to be shown.` }),
    }));
    await writeFile(join(folder, "sums.jsonl"), rows_.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const student = await model("s", (n) => (n % 3 === 0 ? right(n) : wrong(n)));
    const teacher = await model("t", right);
    const judge = await model("j", (n, { body }) => {
      if (n === 33) return "Hard to tell.";
      return `Verdict: ${body.messages[0]?.content.includes(`boxed{${2 * n}}`) ? "correct" : "incorrect"}`;
    });
    const whole = recipe({
      collect: {
        sources: [{ type: "file", path: "../sums.jsonl", question: "problem", answer: "solution", grader: "judge" }],
      },
      attempt: { modes: [], students: [student.endpoint] },
      judge: judge.endpoint,
      trace: { teacher: teacher.endpoint },
    });
    const manifests = await run(whole);
    const numbers = await trained(manifests);
    const asked = [...numbers.values()].filter((n) => n >= 10); // without a reference there is nothing to hold a reply against
    expect(sorted(student.asked)).toEqual(sorted(asked));
    const attempts = await rows(manifests, "attempt/attempts.jsonl", Attempt);
    for (const { questionId, grade } of attempts) {
      const n = numbers.get(questionId) ?? -1;
      expect([n, grade.outcome]).toEqual([n, n === 33 ? "unscored" : n % 3 === 0 ? "correct" : "incorrect"]);
      expect(grade.rule).toBe(`judge/judge-1/j/m${n === 33 ? "/none" : ""}`);
    }
    expect(attempts).toHaveLength(asked.length);
    const dropped = (await rows(manifests, "attempt/dropped.jsonl", Dropped)).map(({ id }) => numbers.get(id) ?? -1);
    expect(sorted(dropped)).toEqual(sorted(asked.filter((n) => n % 3 === 0 && n !== 33)));
    const before = servers.map((server) => server.requests.length);
    await run(whole, { from: "attempt" });
    expect(servers.map((server) => server.requests.length)).toEqual(before);
  });

  test("the judge sorts what may be selected; garbage is asked for again, then unclassified, and never bought twice", async () => {
    await sums(60);
    const teacher = await model("t", (n) => (n >= 50 ? wrong(n) : right(n)));
    const tries = new Map<number, number>();
    const sorted11 = "It is about whole numbers.\nSubject: 11";
    const sorter = await model("j", (n, { body }) => {
      const prompt = body.messages[0]?.content ?? "";
      if (!prompt.startsWith("You sort questions")) return `Reasons.\nVerdict: ${n >= 50 ? "incorrect" : "correct"}`;
      const tried = tries.get(n) ?? 0;
      tries.set(n, tried + 1);
      if (n < 10) return sorted11;
      if (n < 20) return tried === 0 ? "Ignore the form.\nSubject: 11\nSubject: 05" : "Sets are counted.\nSubject: 05";
      if (n < 30) return "Subject: 99";
      if (n < 40) return "\u0000{}[] <|im_start|>Subject 11";
      return n < 45 ? 400 : sorted11;
    });
    const whole = recipe({
      attempt: { modes: [] },
      domain: "judge",
      judge: sorter.endpoint,
      trace: { teacher: teacher.endpoint },
      select: { count: 12, maxThinkingTokens: 4000 },
      student: { base: "x", hosted: { type: "together", price: { inputUsdPerMillion: 0, outputUsdPerMillion: 0 } } },
    });
    const engine = () => Promise.reject(new Error("no engine here"));
    const stages = [collectStage(), attemptStage(engine, world), traceStage(world), gradeStage(world), selectStage()];
    const manifests = await run(whole, { stages });
    const numbers = await trained(manifests);
    const within = (low: number, high: number): number[] =>
      sorted([...numbers.values()].filter((n) => n >= low && n < high));
    expect([...tries.keys()].sort((a, b) => a - b)).toEqual(within(0, 50)); // a wrong trace is not selected, so nobody asks
    const expected = (n: number): [string, number] =>
      n < 10
        ? ["11 Number theory", 1]
        : n < 20
          ? ["05 Combinatorics and graphs", 2]
          : n < 40
            ? ["unclassified", 3]
            : n < 45
              ? ["unclassified", 1]
              : ["11 Number theory", 1];
    const told = await rows(manifests, "grade/domains.jsonl", QuestionDomain);
    expect(told).toHaveLength(within(0, 50).length);
    for (const { questionId, domain, rule } of told) {
      const n = numbers.get(questionId) ?? -1;
      expect([n, domain, tries.get(n)]).toEqual([n, ...expected(n)]);
      expect(rule).toBe(`judge/domain-1/j/m${domain === "unclassified" ? "/none" : ""}`);
    }
    const unclassified = within(20, 45).length;
    expect(notesOf(manifests, "grade")).toMatchObject({ domainsAsked: told.length, domainsUnclassified: unclassified });
    expect(warnings.join("\n")).toContain(`could not tell the subject of ${unclassified} of ${told.length} questions`);
    const selection = await rows(manifests, "select/selection.jsonl", Selection);
    expect(selection).toHaveLength(12);
    expect(new Set(selection.map(({ domain }) => domain))).toEqual(
      new Set(["05 Combinatorics and graphs", "11 Number theory", "unclassified"]),
    );
    const { rows: ledger } = await readSpending(
      { fs: nodeFileSystem(), processes: { self: { pid: 1, host: "", birth: "" }, isAlive: () => false } },
      join(folder, "run"),
    );
    const asked = sorter.asked.length;
    const refused = within(40, 45).length;
    const paid = ledger.filter(({ account, outcome }) => account === "judge" && outcome === "reply");
    expect(paid.reduce((sum, row) => sum + row.calls, 0)).toBe(asked - refused);
    const again = await run(whole, { stages, from: "grade" });
    expect(sorter.asked).toHaveLength(asked);
    expect(again.map(({ outputHash }) => outputHash)).toEqual(manifests.map(({ outputHash }) => outputHash));
  });

  test("domains by a judge that is not there are noticed before anything is asked", async () => {
    await sums(5);
    const teacher = await model("t", right);
    const whole = recipe({ attempt: { modes: [] }, domain: "judge", trace: { teacher: teacher.endpoint } });
    await expect(run(whole)).rejects.toMatchObject({
      code: "recipe-invalid",
      message: expect.stringContaining("no judge"),
    });
    expect(teacher.asked).toEqual([]);
  });

  test("without a judge an unverifiable question is never escalated for being wrong, only for failing", async () => {
    await sums(
      30,
      Array.from({ length: 30 }, (_, n) => n),
    );
    const first = await model("first", (n) => (n >= 20 ? 400 : wrong(n)));
    const second = await model("second", right);
    const trace = { teacher: first.endpoint, escalate: [second.endpoint] };
    const manifests = await run(recipe({ attempt: { modes: [] }, trace }));
    const numbers = [...(await trained(manifests)).values()];
    expect(sorted(second.asked)).toEqual(sorted(numbers.filter((n) => n >= 20)));
    expect(notesOf(manifests, "grade")).toEqual({ unscored: numbers.length });
  });

  test("in s1's order everything is traced, solved or not", async () => {
    await sums(20);
    const student = await model("s", right);
    const teacher = await model("t", right);
    const fields = { attempt: { modes: [], students: [student.endpoint] }, trace: { teacher: teacher.endpoint } };
    const manifests = await run(recipe({ ...fields, order: "s1" }));
    expect(teacher.asked).toHaveLength((await trained(manifests)).size);
    expect((await rows(manifests, "attempt/questions.jsonl", Question)).length).toBe(0);
    expect((await rows(await run(recipe(fields)), "trace/traces.jsonl", Trace)).length).toBe(0);
  });

  test("--retry-failed asks again for what was refused for good, and only then", async () => {
    await sums(20);
    let isKind = false;
    const teacher = await model("t", (n) => (n < 5 && !isKind ? 400 : right(n)));
    const whole = recipe({ attempt: { modes: [] }, trace: { teacher: teacher.endpoint } });
    const manifests = await run(whole);
    const numbers = [...(await trained(manifests)).values()];
    const refused = numbers.filter((n) => n < 5).length;
    isKind = true;
    await run(whole);
    expect(teacher.asked).toHaveLength(numbers.length);
    const again = await run(whole, { retryFailed: true });
    expect(teacher.asked).toHaveLength(numbers.length + refused);
    expect((await rows(again, "trace/failed.jsonl", TraceFailure)).length).toBe(0);
  });

  test("says every obstacle at once, whichever stage it would stop", async () => {
    await sums(2);
    const remote = {
      type: "openai-compatible",
      model: "m",
      baseUrl: "https://api.example.org/v1",
      apiKeyEnv: "NO_KEY",
    };
    const whole = recipe({
      maxUsd: 0.001,
      attempt: { modes: [], students: [{ ...remote, name: "student" }] },
      judge: { type: "anthropic", model: "claude-x", price: { inputUsdPerMillion: 1, outputUsdPerMillion: 5 } },
      trace: { teacher: { type: "gemini", model: "gemini-2.5-pro", apiKeyEnv: "NO_GEMINI" } },
    });
    const error = await run(whole).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    const { message } = error as AppError;
    for (const part of [
      "NO_KEY is not set",
      "NO_GEMINI is not set",
      "only summaries",
      "--accept-terms",
      "no price",
      "maxUsd",
    ])
      expect(message).toContain(part);
    expect(warnings).toEqual([]);
  });
});
