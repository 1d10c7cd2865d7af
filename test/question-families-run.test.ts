/** @file Questions of families through collect, attempt, trace and grade, with a teacher behind a socket. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { readJsonl } from "../src/adapters/store/jsonl.ts";
import { systemClock } from "../src/adapters/system-clock.ts";
import { runPipeline } from "../src/pipeline/run-pipeline.ts";
import { attemptStage } from "../src/pipeline/stages/attempt.ts";
import { collectStage } from "../src/pipeline/stages/collect.ts";
import { gradeStage } from "../src/pipeline/stages/grade.ts";
import type { TeacherWorld } from "../src/pipeline/stages/teacher-world.ts";
import { traceStage } from "../src/pipeline/stages/trace.ts";
import { collectQuestions } from "../src/questions/collect-questions.ts";
import { families } from "../src/questions/families.ts";
import { Recipe } from "../src/schema/recipe.ts";
import { GradedTrace, type Question } from "../src/schema/records.ts";
import { completion, type ScriptedServer, send, startScriptedServer } from "./teacher/scripted-server.ts";

let folder: string;
let server: ScriptedServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-families-"));
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

const NAMES = ["countdown", "knights-and-knaves", "linear-equation"] as const;
const COUNT = 12;

/** The same questions as the collect stage takes. */
const expected = (): Question[] =>
  NAMES.flatMap((name) =>
    collectQuestions({ family: families[name], count: COUNT, difficulty: [1, 3], bucket: "train", seed: 5 }),
  );

/** A teacher that knows every other answer, says it in its own spelling, and is never asked about anything else. */
async function startTeacher(questions: readonly Question[]): Promise<ScriptedServer> {
  return await startScriptedServer((response, request) => {
    const text = request.body.messages.at(-1)?.content;
    const place = questions.findIndex((question) => question.text === text);
    if (place < 0) return send(response, '{"error":{"message":"unknown question"}}', 400);
    const { answer } = questions[place] as Question;
    const said = place % 2 === 0 ? `So it is.\n\n**Answer:** $${answer}$` : "Answer: 1 + 1";
    return send(response, completion("let me think", said));
  });
}

test("replies are graded by the family's own check", async () => {
  const questions = expected();
  server = await startTeacher(questions);
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
  const teacher = { type: "openai-compatible", name: "t", baseUrl: server.baseUrl, model: "m", maxTokens: 1000, price };
  const recipe = Recipe.parse({
    name: "families",
    seed: 5,
    maxUsd: 10,
    student: { base: "demo-base" },
    collect: { sources: NAMES.map((family) => ({ type: "family", family, count: COUNT, difficulty: [1, 3] })) },
    attempt: { modes: [] },
    trace: { teacher },
  });
  const world: TeacherWorld = { secrets: () => undefined, readKeyFile: () => "", prices: [], acceptedTerms: [] };
  const noEngine = () => Promise.reject(new Error("no engine here"));
  const { manifests } = await runPipeline(
    {
      folder: join(folder, "run"),
      recipe,
      baseFolder: resolve("models/demo-base"),
      stages: [collectStage(), attemptStage(noEngine, world), traceStage(world), gradeStage(world)],
      facts: {},
      tools: {},
      command: "",
      mayChange: true,
      signal: new AbortController().signal,
    },
    {
      fs: nodeFileSystem(),
      processes: { self: { pid: process.pid, host: "here", birth: "" }, isAlive: () => false },
      clock: systemClock(),
      observe: () => undefined,
      machine: {},
    },
  );
  const { key } = manifests.find(({ stage }) => stage === "grade") ?? {};
  const grades = new Map<string, string>();
  for await (const row of readJsonl(join(folder, "run", "stages", `grade-${key}`, "grades.jsonl"), GradedTrace))
    grades.set(row.questionId, `${row.grade.outcome} ${row.grade.rule}`);
  const wrong: Readonly<Record<string, string>> = {
    countdown: "incorrect answer-line/checked",
    "knights-and-knaves": "answer_parse_error answer-line/checked",
    "linear-equation": "answer_parse_error answer-line/checked",
  };
  expect(grades).toEqual(
    new Map(
      questions.map(({ id, family }, i) => [id, i % 2 === 0 ? "correct answer-line/checked" : (wrong[family] ?? "")]),
    ),
  );
});
