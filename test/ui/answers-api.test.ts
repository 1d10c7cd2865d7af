/** @file The answers behind the points of a sweep, over real sockets. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AnswerList, AnswerView } from "../../src/report/page/answer-view.ts";
import { ask } from "./ask.ts";
import { natural, think, writeFakeEvaluation } from "./fake-evaluation.ts";
import { writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

const [A, B] = ["00000000000000aa", "00000000000000bb"] as const;
const QUESTIONS = { [A]: "2 a+3", [B]: "<img src=x onerror=alert(1)>\u202e" };

let folder: string;
let server: ServedPage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-answers-"));
  server = await servePage(folder);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const asked = (path: string) => ask(`${server.url}/api${path}`, { authorization: `Bearer ${TOKEN}` });
const get = async <T>(path: string) => (await asked(path)).json() as T;

test("lists the answers of the natural end, or of the setting that is asked for", async () => {
  writeFakeEvaluation(join(folder, "a-run"), QUESTIONS, [
    { questionId: A, thinking: "two and three", isRight: true },
    { questionId: B, thinking: "hm" },
    { questionId: A, setting: think(8), thinking: "two", end: "cut" },
  ]);
  const list = await get<AnswerList>("/runs/a-run/answers");
  expect(list.key).toBe("student/think/1024/0");
  expect(list.settings.map(({ key, label, n, accuracy }) => [key, label, n, accuracy])).toEqual([
    ["student/think/8/0", "student, cut at 8", 1, 0],
    ["student/think/1024/0", "student, natural end", 2, 0.5],
  ]);
  expect(list.settings[1]?.interval).toHaveLength(2);
  expect(list.rows).toEqual([
    {
      questionId: A,
      sampleIndex: 0,
      question: "2 a+3",
      expected: "1",
      given: "1",
      outcome: "correct",
      thinkingTokens: 13,
      end: "natural",
    },
    expect.objectContaining({ questionId: B, question: QUESTIONS[B], outcome: "incorrect" }),
  ]);
  const cut = await get<AnswerList>(`/runs/a-run/answers?at=${encodeURIComponent("student/think/8/0")}`);
  expect(cut.rows.map(({ end }) => end)).toEqual(["cut"]);
});

test("opens an answer with the forced words marked, whatever its texts are", async () => {
  const hostile = "<script>1</script>\u202e\u0000é\ud83d\ude00";
  writeFakeEvaluation(join(folder, "a-run"), QUESTIONS, [
    { questionId: B, thinking: "é first" },
    { questionId: A, thinking: hostile },
    { questionId: A, setting: { ...natural, waits: 1 }, thinking: `${hostile}\nWait more`, isRight: true },
    { questionId: A, setting: think(8), thinking: "<scr", end: "cut", answer: "1" },
  ]);
  const at = encodeURIComponent("student/think/1024/1");
  const view = await get<AnswerView>(`/runs/a-run/answer?question=${A}&at=${at}`);
  expect(view.thinking).toEqual({
    runs: [
      { text: hostile, isForced: false },
      { text: "\nWait", isForced: true },
      { text: " more", isForced: false },
    ],
    left: 0,
  });
  expect(view.others.map(({ key, outcome }) => [key, outcome])).toEqual([
    ["student/think/8/0", "incorrect"],
    ["student/think/1024/0", "incorrect"],
    ["student/think/1024/1", "correct"],
  ]);
  const cut = await get<AnswerView>(`/runs/a-run/answer?question=${A}&at=${encodeURIComponent("student/think/8/0")}`);
  expect(cut.answer.runs).toEqual([
    { text: "Final Answer: ", isForced: true },
    { text: "1", isForced: false },
  ]);
});

test("sends so much of a very long thought, and says how much it left out", async () => {
  writeFakeEvaluation(join(folder, "a-run"), QUESTIONS, [{ questionId: A, thinking: "x".repeat(1_000_000) }]);
  const { thinking } = await get<AnswerView>(`/runs/a-run/answer?question=${A}`);
  expect(thinking.runs[0]?.text.length).toBe(200_000);
  expect(thinking.left).toBe(800_000);
});

test("says what is not there, and what is broken", async () => {
  writeFakeRun(join(folder, "early"));
  writeFakeEvaluation(join(folder, "a-run"), QUESTIONS, [{ questionId: A }]);
  expect((await asked("/runs/early/answers")).status).toBe(404);
  for (const path of ["answers?at=student%2Fno", "answer", `answer?question=${B}`, `answer?question=${A}&sample=x`])
    expect((await asked(`/runs/a-run/${path}`)).status, path).toBe(400);
  writeFakeEvaluation(join(folder, "torn"), QUESTIONS, [{ questionId: A }]);
  appendFileSync(join(folder, "torn", "stages", "evaluate-fedcba9876543210", "completions.jsonl"), '{"schema\n');
  const torn = await asked("/runs/torn/answers");
  expect([torn.status, torn.text]).toEqual([422, expect.stringContaining("completions.jsonl:2")]);
  expect(server.failures).toEqual([]);
});
