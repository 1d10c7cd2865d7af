/** @file Questions of families through collect, attempt, trace and grade, with a teacher behind a socket. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { readJsonl } from "../src/adapters/store/jsonl.ts";
import { systemClock } from "../src/adapters/system-clock.ts";
import { runPipeline } from "../src/pipeline/run-pipeline.ts";
import type { PipelinePorts } from "../src/pipeline/run-request.ts";
import { attemptStage } from "../src/pipeline/stages/attempt.ts";
import { collectStage } from "../src/pipeline/stages/collect.ts";
import { gradeStage } from "../src/pipeline/stages/grade.ts";
import type { TeacherWorld } from "../src/pipeline/stages/teacher-world.ts";
import { traceStage } from "../src/pipeline/stages/trace.ts";
import { collectQuestions } from "../src/questions/collect-questions.ts";
import { families } from "../src/questions/families.ts";
import { Recipe } from "../src/schema/recipe.ts";
import { GradedTrace, Question } from "../src/schema/records.ts";
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

const world: TeacherWorld = { secrets: () => undefined, readKeyFile: () => "", prices: [], acceptedTerms: [] };

/** Runs the stages before selection; where the outputs of one of them lie, by its name. */
async function run(recipe: Recipe, until?: "collect"): Promise<(stage: string, file: string) => string> {
  const noEngine = () => Promise.reject(new Error("no engine here"));
  const request = {
    folder: join(folder, "run"),
    recipe,
    baseFolder: resolve("models/demo-base"),
    stages: [collectStage(), attemptStage(noEngine, world), traceStage(world), gradeStage(world)],
    facts: {},
    tools: {},
    command: "",
    mayChange: true,
    signal: new AbortController().signal,
  };
  const ports: PipelinePorts = {
    fs: nodeFileSystem(),
    processes: { self: { pid: process.pid, host: "here", birth: "" }, isAlive: () => false },
    clock: systemClock(),
    observe: () => undefined,
    machine: {},
  };
  const { manifests } = await runPipeline({ ...request, ...(until && { until }) }, ports);
  return (stage, file) => {
    const key = manifests.find((manifest) => manifest.stage === stage)?.key;
    return join(folder, "run", "stages", `${stage}-${key}`, file);
  };
}

function recipeOf(fields: object): Recipe {
  return Recipe.parse({
    name: "families",
    seed: 5,
    maxUsd: 10,
    student: { base: "demo-base" },
    collect: { sources: NAMES.map((family) => ({ type: "family", family, count: COUNT, difficulty: [1, 3] })) },
    attempt: { modes: [] },
    trace: { teacher: { type: "builtin" } },
    ...fields,
  });
}

test("curation by rule takes no question of a family for a near-duplicate or an overlap of another", async () => {
  const curate = { quality: "strict", decontaminate: { nearJaccard: 0.6 }, duplicates: { nearJaccard: 0.5 } };
  const pathOf = await run(recipeOf({ curate }), "collect");
  const kept: string[] = [];
  for await (const { id } of readJsonl(pathOf("collect", "questions.jsonl"), Question)) kept.push(id);
  expect(kept).toEqual(
    expected()
      .map(({ id }) => id)
      .sort(),
  );
});

test("replies are graded by the family's own check", async () => {
  const questions = expected();
  server = await startTeacher(questions);
  const price = { inputUsdPerMillion: 1, outputUsdPerMillion: 2 };
  const teacher = { type: "openai-compatible", name: "t", baseUrl: server.baseUrl, model: "m", maxTokens: 1000, price };
  const pathOf = await run(recipeOf({ trace: { teacher } }));
  const grades = new Map<string, string>();
  for await (const row of readJsonl(pathOf("grade", "grades.jsonl"), GradedTrace))
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
