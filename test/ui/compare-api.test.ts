/** @file Two runs compared, over real sockets. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CompareView } from "../../src/report/page/compare-view.ts";
import { ask } from "./ask.ts";
import { type FakeAnswer, think, writeFakeEvaluation } from "./fake-evaluation.ts";
import { writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

const ids = Array.from({ length: 10 }, (_, at) => `000000000000000${at}`);
const questions = Object.fromEntries(ids.map((id) => [id, `question ${id}`]));
const right = (which: readonly number[], rest: Partial<FakeAnswer> = {}): FakeAnswer[] =>
  ids.map((questionId, at) => ({ questionId, isRight: which.includes(at), ...rest }));

let folder: string;
let server: ServedPage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-compare-"));
  server = await servePage(folder);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const asked = (path: string) => ask(`${server.url}/api${path}`, { authorization: `Bearer ${TOKEN}` });

test("pairs the questions, says what may be said, and names those won and lost", async () => {
  const early = { setting: think(8), end: "cut" as const };
  writeFakeEvaluation(join(folder, "old"), questions, [...right([0, 1]), ...right([], early)]);
  writeFakeEvaluation(join(folder, "new"), questions, [...right([1, 2, 3, 4]), ...right([9], early)]);
  const view = (await asked("/runs/new/compare?with=old")).json() as CompareView;
  expect([view.first, view.second, view.key]).toEqual(["old", "new", "student/think/1024/0"]);
  expect(view.settings.map(({ label }) => label)).toEqual(["cut at 8", "natural end"]);
  const row = view.settings[1]?.row;
  expect(row).toMatchObject({ questions: 10, first: 0.2, second: 0.4, test: "exact McNemar" });
  expect(row?.difference).toBeCloseTo(0.2);
  expect(row?.sentence).toMatch(/^new is 20\.0 points above old \(95 % interval .*not distinguishable at 10 questions/);
  expect(view.won.map(({ second }) => second.questionId)).toEqual([ids[2], ids[3], ids[4]]);
  expect(view.lost.map(({ first }) => [first.questionId, first.outcome])).toEqual([[ids[0], "correct"]]);
  expect([view.bothRight, view.bothWrong]).toEqual([1, 5]);
  const cut = (await asked("/runs/new/compare?with=old&at=student%2Fthink%2F8%2F0")).json() as CompareView;
  expect([cut.won.length, cut.lost.length]).toEqual([1, 0]);
});

test("counts all questions, and lists the first thousand of a kind", async () => {
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [at.toString(16).padStart(16, "0"), "?"]));
  const answers = (isRight: boolean) => Object.keys(many).map((questionId) => ({ questionId, isRight }));
  writeFakeEvaluation(join(folder, "old"), many, answers(false));
  writeFakeEvaluation(join(folder, "new"), many, answers(true));
  const view = (await asked("/runs/new/compare?with=old")).json() as CompareView;
  expect([view.won.length, view.wonInAll, view.lost.length, view.lostInAll]).toEqual([1000, 1001, 0, 0]);
});

test("leaves out what only one answered, and refuses what cannot be compared", async () => {
  writeFakeEvaluation(join(folder, "old"), questions, right([0]).slice(0, 4));
  writeFakeEvaluation(join(folder, "new"), questions, right([0, 9]).slice(2));
  const view = (await asked("/runs/new/compare?with=old")).json() as CompareView;
  expect(view.settings[0]?.row).toMatchObject({ questions: 2, unpairedFirst: 2, unpairedSecond: 6 });
  expect(view.caveats).toEqual(["Up to 8 questions were scored on one side only and are left out."]);
  writeFakeEvaluation(
    join(folder, "direct"),
    questions,
    right([], { setting: think(8) }).concat(right([], { setting: think(9) })),
  );
  writeFakeRun(join(folder, "early"));
  const status = async (path: string) => (await asked(`/runs/new/compare${path}`)).status;
  expect(await status("?with=direct")).toBe(400);
  expect(await status("?with=new")).toBe(400);
  expect(await status("?with=early")).toBe(404);
  expect(await status("?with=..%2Fold")).toBe(404);
  expect(await status("")).toBe(404);
  expect(server.failures).toEqual([]);
});
