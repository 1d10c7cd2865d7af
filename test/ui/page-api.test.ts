/** @file What the page is told of runs: whole, going on, and broken; over real sockets. */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MoneyView } from "../../src/report/page/money-view.ts";
import type { RunList } from "../../src/report/page/run-list.ts";
import type { RunOverview } from "../../src/report/page/run-overview.ts";
import { ask } from "./ask.ts";
import { at, eventLines, writeFakeJournal, writeFakeRun } from "./fake-run.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

let folder: string;
let server: ServedPage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-page-"));
  server = await servePage(folder);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const headers = { authorization: `Bearer ${TOKEN}` };
const get = async <T>(path: string) => (await ask(`${server.url}/api${path}`, headers)).json() as T;

describe("the list", () => {
  test("is empty where there is nothing, and leaves out what is no run", async () => {
    mkdirSync(join(folder, "holiday-pictures"));
    expect(await get<RunList>("/runs")).toEqual({ folder, runs: [], left: 0 });
  });

  test("tells where a run stands that goes on, stopped, or failed", async () => {
    const end = (note: string) => ({ at: at("10:01:00"), type: "stage-fail" as const, stage: "train" as const, note });
    writeFakeRun(join(folder, "going"), { isRunning: true });
    writeFakeRun(join(folder, "killed"));
    writeFakeRun(join(folder, "failed"), { events: [end("disk-full: no space")] });
    writeFakeRun(join(folder, "stopped"), { events: [end("interrupted: stopped by the user")] });
    const { runs } = await get<RunList>("/runs");
    const told = Object.fromEntries(runs.map((run) => [run.name, run]));
    expect(Object.fromEntries(runs.map(({ name, state }) => [name, state]))).toEqual({
      going: "running",
      killed: "stopped",
      failed: "failed",
      stopped: "stopped",
    });
    expect(told["going"]).toMatchObject({
      doneStages: 1,
      stage: "train",
      progress: { done: 30, total: 100, unit: "steps" },
      startedAt: at("10:00:00"),
      lastAt: at("10:00:40"),
      score: null,
    });
    expect(told["failed"]?.problem).toBe("disk-full: no space");
  });

  test("shows broken and half-written runs as such, beside the others", async () => {
    writeFakeRun(join(folder, "fine"));
    for (const [name, text] of [
      ["cut", '{"schemaVersion":1,"run":"b'],
      ["newer", '{"schemaVersion":9,"run":"b"}'],
      ["empty", ""],
    ] as const) {
      writeFakeRun(join(folder, name));
      writeFileSync(join(folder, name, "run.json"), text);
    }
    writeFakeRun(join(folder, "headless"));
    rmSync(join(folder, "headless", "run.json"));
    writeFakeRun(join(folder, "bad-journal"));
    mkdirSync(join(folder, "bad-journal", "journal"));
    writeFileSync(join(folder, "bad-journal", "journal", "requests.jsonl"), '{"type":"what?"}\n');
    const { runs } = await get<RunList>("/runs");
    const states = Object.fromEntries(runs.map(({ name, state }) => [name, state]));
    expect(states).toEqual({
      fine: "stopped",
      cut: "unreadable",
      newer: "unreadable",
      empty: "unreadable",
      headless: "unreadable",
      "bad-journal": "unreadable",
    });
    expect(runs.find(({ name }) => name === "newer")?.problem).toContain("schemaVersion 9");
    const overview = await get<RunOverview>("/runs/cut");
    expect(overview).toMatchObject({ state: "unreadable", stages: [] });
    expect(overview.problem).toContain("not JSON");
    const money = await ask(`${server.url}/api/runs/cut/money`, headers);
    expect(money.status).toBe(422);
    expect(money.json()).toMatchObject({ error: { code: "record-invalid" } });
    expect(server.failures).toEqual([]);
  });

  test("a line of the events that is none is passed over", async () => {
    writeFakeRun(join(folder, "a-run"));
    appendFileSync(
      join(folder, "a-run", "events.jsonl"),
      `{"schemaVersion":1,"at":"${"x".repeat(100_000)}"}\nnonsense\n{"sch`,
    );
    expect((await get<RunList>("/runs")).runs[0]).toMatchObject({ state: "stopped", lastAt: at("10:00:40") });
  });
});

test("a run's own folder is a list of one", async () => {
  writeFakeRun(join(folder, "a-run"));
  const own = await servePage(join(folder, "a-run"));
  const list = (await ask(`${own.url}/api/runs`, headers)).json() as RunList;
  expect(list.runs.map(({ name }) => name)).toEqual(["a-run"]);
  expect((await ask(`${own.url}/api/runs/a-run`, headers)).status).toBe(200);
  await own.close();
});

test("the overview forecasts the stage by its pace, and the rest by nothing where no run tells", async () => {
  writeFakeRun(join(folder, "a-run"), { isRunning: true });
  const { forecast, warnings, stages } = await get<RunOverview>("/runs/a-run");
  // 20 steps in 20 seconds, 70 to go; the clock stands 10 seconds after the last event.
  expect(forecast).toMatchObject({ stage: "train", stageSeconds: 60, restSeconds: null });
  expect(warnings).toEqual([{ at: at("10:00:30"), text: "the loss jumps" }]);
  const train = { status: "running", seconds: 40, progress: { done: 30, total: 100, unit: "steps" } };
  expect(stages.find(({ stage }) => stage === "train")).toMatchObject(train);
});

test("money is settled, held, or left", async () => {
  writeFakeRun(join(folder, "a-run"), { isRunning: true });
  writeFakeJournal(join(folder, "a-run"));
  const money = await get<MoneyView>("/runs/a-run/money");
  expect(money).toMatchObject({
    spentMicroUsd: 7000,
    capMicroUsd: null,
    openRequests: 1,
    isRunning: true,
    rightTraces: null,
    rightAnswers: null,
  });
  expect(money.rows).toEqual([
    {
      account: "trace",
      model: "acme/teacher-1",
      calls: 2,
      freeCalls: 0,
      promptTokens: 0,
      completionTokens: 0,
      measuredMicroUsd: 2000,
      estimatedMicroUsd: 0,
      heldMicroUsd: 5000,
      unknownMicroUsd: 0,
    },
  ]);
});

test("the live stream tells at once, and again when something happened, and ends with the server", async () => {
  writeFakeRun(join(folder, "a-run"), { isRunning: true });
  const response = await fetch(`${server.url}/api/runs/a-run/live`, { headers });
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const next = async (): Promise<RunOverview> => {
    const { value } = await reader.read();
    const [, data] = /^event: value\ndata: (.*)\n\n$/.exec(value ?? "") ?? [];
    return JSON.parse(data ?? "null") as RunOverview;
  };
  expect((await next()).progress?.done).toBe(30);
  const step = {
    at: at("10:00:44"),
    type: "stage-progress" as const,
    stage: "train" as const,
    total: 100,
    unit: "steps",
  };
  appendFileSync(join(folder, "a-run", "events.jsonl"), eventLines([{ ...step, done: 44 }]));
  expect((await next()).progress?.done).toBe(44);
  const closing = server.close();
  expect((await reader.read()).done).toBe(true);
  await closing;
  server = await servePage(folder);
});

test("a folder copied while it is written is told as far as it came", async () => {
  writeFakeRun(join(folder, "a-run"));
  cpSync(join(folder, "a-run"), join(folder, "b-run"), { recursive: true });
  writeFileSync(join(folder, "b-run", "manifest.json"), '{"schemaVersion":1,"run"');
  const { runs } = await get<RunList>("/runs");
  expect(runs.map(({ name, state }) => [name, state])).toContainEqual(["b-run", "unreadable"]);
  expect(runs.map(({ name, state }) => [name, state])).toContainEqual(["a-run", "stopped"]);
});
