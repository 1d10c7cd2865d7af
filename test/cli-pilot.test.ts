import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeServices } from "../src/cli/services.ts";
import { buildStages, teacherWorld } from "../src/pipeline/open-services.ts";
import { type FakeMachine, fakeMachine } from "./fake-cli.ts";
import { completion, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

let machine: FakeMachine;
let server: ScriptedServer;
beforeEach(async () => {
  server = await startScriptedServer((response, { body }) => {
    const [first = 0, second = 0] = (body.messages.at(-1)?.content.match(/\d+/g) ?? []).map(Number);
    // The student adds rightly where the first is even, the teacher but where it ends in a 1.
    const isRight = body["model"] === "student" ? first % 2 === 0 : first % 10 !== 1;
    send(response, completion("thinking", `\\boxed{${first + second + (isRight ? 0 : 1)}}`));
  });
  machine = await fakeMachine({
    ...nodeServices,
    openRun: async (options) => ({
      stages: buildStages(() => Promise.reject(new Error("no engine in this test")), teacherWorld(options)),
      facts: { baseWeights: "b", tokenizer: "t", chatTemplate: "c", kernelBuild: "k", questionFiles: "f" },
      notes: [],
      close: async () => undefined,
    }),
  });
  const endpoint = (model: string) => ({
    type: "openai-compatible",
    name: model,
    baseUrl: server.baseUrl,
    model,
    maxTokens: 100,
    price: { inputUsdPerMillion: 10, outputUsdPerMillion: 10 },
  });
  const rows = Array.from({ length: 300 }, (_, i) => ({
    question: `How much is ${i} + ${i + 7}?`,
    answer: String(2 * i + 7),
  }));
  await writeFile(join(machine.folder, "own.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const recipe = {
    name: "sums",
    student: { base: "demo-base" },
    maxUsd: 1,
    collect: { sources: [{ type: "file", path: "own.jsonl" }] },
    attempt: { modes: [], students: [endpoint("student")] },
    trace: { teacher: endpoint("teacher") },
    select: { count: 50 },
  };
  await writeFile(join(machine.folder, "recipe.json"), JSON.stringify(recipe));
});
afterEach(async () => {
  await server.close();
  await rm(machine.folder, { recursive: true, force: true });
});

test("a pilot is bought into the run, measures, and is not bought twice", async () => {
  const { stdout, stderr, exitCode } = await machine.run("plan", "--pilot", "40", "--json");
  expect({ stderr, exitCode }).toMatchObject({ exitCode: 0 });
  const plan = JSON.parse(stdout);
  const of = (model: string): number => server.requests.filter(({ body }) => body["model"] === model).length;
  const evens = server.requests.filter(
    ({ body }) => body["model"] === "student" && Number(/\d+/.exec(body.messages.at(-1)?.content ?? "")?.[0]) % 2 === 0,
  ).length;
  expect(of("student")).toBe(40);
  expect(of("teacher")).toBe(40 - evens); // what the student solved is not traced
  const [student, teacher] = plan.pilot.solved;
  expect(student).toEqual({ account: "attempt", provider: "student", model: "student", asked: 40, solved: evens });
  expect(teacher).toMatchObject({ account: "trace", provider: "teacher", asked: 40 - evens });
  // 10 tokens in and 20 out at $10 a million
  expect(plan.pilot.spentMicroUsd).toBe((80 - evens) * 300);
  expect(stderr).toContain(`pilot: 40 questions, $${((80 - evens) * 0.0003).toFixed(4).replace(/0+$/, "")} spent`);
  expect(plan.spentMicroUsd).toBe(plan.pilot.spentMicroUsd);
  const figure = (what: string) => plan.figures.find((one: { what: string }) => one.what === what)?.knownBy;
  expect(figure("questions student solves")).toEqual({ type: "measured", n: 40 });
  expect(figure("tokens of a reply of teacher")).toEqual({ type: "measured", n: 40 - evens });
  expect(plan.rows[0]).toMatchObject({ stage: "attempt", bought: { calls: 40 }, calls: { p50: plan.questions } });

  const again = JSON.parse((await machine.run("plan", "--pilot", "40", "--json")).stdout);
  expect(again.pilot).toMatchObject({ spentMicroUsd: 0, solved: plan.pilot.solved });
  expect(server.requests).toHaveLength(80 - evens);
  const header = JSON.parse(await readFile(join(machine.folder, "runs/sums-0/run.json"), "utf8"));
  expect(header.command).toBe("grappa run recipe.json --seed 0");
});

test("a pilot keeps to the cap, and asks nobody where the run could not", async () => {
  const poor = await machine.run("plan", "--pilot", "40", "--set", "maxUsd=0.006", "--run", "poor");
  expect(poor.exitCode).toBe(7);
  expect(server.requests.length).toBeLessThanOrEqual(20); // $0.006 pays for 20 replies of $0.0003
  const before = server.requests.length;
  const small = await machine.run("plan", "--pilot", "1", "--set", "maxUsd=0.0001", "--run", "small");
  expect(small.exitCode).toBe(7);
  expect(server.requests).toHaveLength(before);
});

test("the recipe in a run's folder names the same key files as the one that it was made of", async () => {
  const key = "sk-from-a-file-0123456789";
  await mkdir(join(machine.folder, "keys"));
  await writeFile(join(machine.folder, "keys/one.txt"), `${key}\n`);
  const path = join(machine.folder, "recipe.json");
  const recipe = JSON.parse(await readFile(path, "utf8"));
  const keyed = (endpoint: object): object => ({ ...endpoint, apiKeyFile: "keys/one.txt" });
  recipe.attempt.students = recipe.attempt.students.map(keyed);
  recipe.trace = {
    teacher: keyed(recipe.trace.teacher),
    escalate: [keyed({ ...recipe.trace.teacher, name: "second" })],
  };
  recipe.judge = { ...recipe.trace.teacher, apiKeyFile: join(machine.folder, "keys/one.txt") };
  await writeFile(path, JSON.stringify(recipe));
  const first = await machine.run("plan", "--pilot", "4", "--json");
  expect({ stderr: first.stderr, exitCode: first.exitCode }).toMatchObject({ exitCode: 0 });
  const again = await machine.run("plan", "runs/sums-0", "--run", "runs/sums-0", "--pilot", "6", "--json");
  expect({ stderr: again.stderr, exitCode: again.exitCode }).toMatchObject({ exitCode: 0 });
  expect(new Set(server.requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${key}`]));
  const resolved = JSON.parse(await readFile(join(machine.folder, "runs/sums-0/recipe.resolved.json"), "utf8"));
  expect(resolved.trace.teacher.apiKeyFile).toBe("../../keys/one.txt");
  expect(resolved.judge.apiKeyFile).toBe(recipe.judge.apiKeyFile);
  // As an earlier grappa wrote it: where a key lies makes no other run.
  resolved.trace.teacher.apiKeyFile = "keys/one.txt";
  await writeFile(join(machine.folder, "runs/sums-0/recipe.resolved.json"), JSON.stringify(resolved));
  expect((await machine.run("plan", "--pilot", "6")).exitCode).toBe(0);
  const texts = JSON.stringify([first, again, resolved]);
  expect(texts).not.toContain(key);
});
