/** @file Traces over real sockets: listed in parts, searched, opened, and decided upon. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseJsonc } from "jsonc-parser";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { EventReader } from "../../src/ui/api/event-reader.ts";
import type { CurationView, DroppedExamples } from "../../src/report/page/curation-view.ts";
import type { ThinkingFound, TraceDetail, TracePage } from "../../src/report/page/trace-list.ts";
import { Recipe } from "../../src/schema/recipe.ts";
import { ask } from "./ask.ts";
import { writeFakeRun } from "./fake-run.ts";
import { questionId, traceId, writeTracedRun } from "./fake-traces.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

const COUNT = 4000;
const HOSTILE = `<img src=x onerror="alert(1)">\u202e $x$`;
const LONG = 3999;

let folder: string;
let server: ServedPage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-traces-"));
  await writeTracedRun(join(folder, "a-run"), COUNT, (place) =>
    place === 5 ? { question: HOSTILE, thinking: HOSTILE } : place === LONG ? { thinking: "z".repeat(1 << 20) } : {},
  );
  server = await servePage(folder);
});
afterEach(() => rmSync(join(folder, "a-run", "triage.jsonl"), { force: true }));
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const headers = { authorization: `Bearer ${TOKEN}` };
const get = async <T>(path: string) => (await ask(`${server.url}/api/runs/a-run/${path}`, headers)).json() as T;
const post = (body: unknown, extra: Record<string, string> = { ...headers, origin: server.url }) =>
  ask(`${server.url}/api/runs/a-run/triage`, extra, "POST", typeof body === "string" ? body : JSON.stringify(body));

describe("the list", () => {
  test("comes in parts, in the order of the file, with what became of each", async () => {
    const page = await get<TracePage>("traces?from=100&count=4");
    expect(page).toMatchObject({ run: "a-run", matched: COUNT, from: 100, index: { traces: COUNT } });
    expect(page.rows.map(({ place, state, reason, outcome }) => [place, state, reason, outcome])).toEqual([
      [100, "selected", "random", "correct"],
      [101, "dropped", "not-correct", "incorrect"],
      [102, "dropped", "not-drawn", "correct"],
      [103, "dropped", "not-drawn", "correct"],
    ]);
    expect(page.rows[0]).toMatchObject({ id: traceId(100), domain: "even", thinkingTokens: 100, decision: "none" });
    expect(page.index.textBytes).toBeGreaterThan(COUNT * 15);
    expect((await get<TracePage>("traces?from=3990&count=200")).rows).toHaveLength(10);
  });

  test("is searched in questions: every word, in any case, and by id", async () => {
    expect((await get<TracePage>("traces?q=PLUS%20%20wHaT&count=0")).matched).toBe(COUNT - 1);
    const { matched, rows } = await get<TracePage>("traces?q=what%2077%20plus");
    expect(matched).toBe(Array.from({ length: COUNT }, (_, at) => at).filter((at) => String(at).includes("77")).length);
    expect(rows[0]?.id).toBe(traceId(77));
    for (const id of [traceId(9), questionId(9)])
      expect((await get<TracePage>(`traces?q=${id}`)).rows.map(({ place }) => place)).toEqual([9]);
  });

  test("is filtered by what became of them", async () => {
    expect((await get<TracePage>("traces?state=selected")).matched).toBe(COUNT / 4);
    expect((await get<TracePage>("traces?state=dropped&reason=not-correct")).matched).toBe(COUNT / 4);
    expect((await get<TracePage>("traces?state=waiting")).rows).toEqual([]);
  });

  test.each(["state=all%00", "from=-1", "count=1e9", "from=x", "q=long"])("refuses %s", async (query) => {
    const long = query.replace("long", "y".repeat(201));
    expect((await ask(`${server.url}/api/runs/a-run/traces?${long}`, headers)).status).toBe(400);
  });

  test("says that a run has none yet", async () => {
    writeFakeRun(join(folder, "young"));
    const reply = await ask(`${server.url}/api/runs/young/traces`, headers);
    expect(reply.status).toBe(404);
    expect(reply.json()).toMatchObject({ error: { message: "this run has no traces yet" } });
  });
});

test("a trace is opened with its texts as they are, and why it went", async () => {
  expect(await get<TraceDetail>(`trace?id=${traceId(5)}`)).toMatchObject({
    row: { id: traceId(5), state: "dropped" },
    question: { text: HOSTILE, left: 0 },
    thinking: { text: HOSTILE, left: 0 },
    expected: { text: "10", left: 0 },
    grade: { outcome: "incorrect", extracted: "10", rule: "integer" },
    dropped: { stage: "quality", reason: "not-correct", detail: "incorrect" },
    selection: null,
    note: "",
    others: [],
  });
  const { thinking } = await get<TraceDetail>(`trace?id=${traceId(LONG)}`);
  expect([thinking.text.length, thinking.left]).toEqual([200_000, (1 << 20) - 200_000]);
  expect((await ask(`${server.url}/api/runs/a-run/trace?id=../x`, headers)).status).toBe(404);
});

describe("the funnel", () => {
  test("has every reason by its name, and both sides of the selection", async () => {
    const { stages, sides } = await get<CurationView>("curation");
    expect(stages.map(({ stage, reasons }) => [stage, reasons])).toEqual([
      [
        "select",
        [
          { reason: "not-drawn", count: COUNT / 2 },
          { reason: "not-correct", count: COUNT / 4 },
        ],
      ],
    ]);
    expect(sides).toMatchObject({
      selected: COUNT / 4,
      dropped: (3 * COUNT) / 4,
      domains: [
        { label: "even", selected: COUNT / 4, dropped: COUNT / 4 },
        { label: "odd", selected: 0, dropped: COUNT / 2 },
      ],
      medians: { selected: 1996 },
    });
    expect(sides?.lengths.map(({ label }) => label).slice(0, 2)).toEqual(["0–499", "500–999"]);
    expect(sides?.lengths).toHaveLength(8);
  });

  test("shows some of what went for a reason, from all of it", async () => {
    const { count, examples } = await get<DroppedExamples>("dropped?stage=select&reason=not-correct");
    expect(count).toBe(COUNT / 4);
    expect(examples).toHaveLength(12);
    expect(examples[0]).toEqual({
      id: traceId(1),
      step: "quality",
      detail: "incorrect",
      question: "What is 1 plus 1?",
      isTrace: true,
    });
    expect(examples.at(-1)?.id).toBe(traceId(1 + 4 * Math.floor((11 * COUNT) / 4 / 12)));
    expect((await get<DroppedExamples>("dropped?stage=select&reason=constructor")).examples).toEqual([]);
    expect((await ask(`${server.url}/api/runs/a-run/dropped?stage=nowhere`, headers)).status).toBe(404);
  });

  test("shows them from all of it also where they are few", async () => {
    await writeTracedRun(join(folder, "few"), 47);
    const reply = await ask(`${server.url}/api/runs/few/dropped?stage=select&reason=not-drawn`, headers);
    const { count, examples } = reply.json() as DroppedExamples;
    expect(count).toBe(23);
    // Of places 2, 3, 6, 7 … 43: numbers 0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19 and 21 of those that were not drawn.
    expect(examples.map(({ id }) => id)).toEqual([2, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39, 43].map(traceId));
    const two = await ask(`${server.url}/api/runs/few/dropped?stage=select&reason=not-correct`, headers);
    expect((two.json() as DroppedExamples).examples).toHaveLength(12);
    await writeTracedRun(join(folder, "two"), 6);
    const all = await ask(`${server.url}/api/runs/two/dropped?stage=select&reason=not-correct`, headers);
    expect((all.json() as DroppedExamples).examples.map(({ id }) => id)).toEqual([1, 5].map(traceId));
  });

  test("of a young run has no sides yet", async () => {
    writeFakeRun(join(folder, "young"));
    const reply = await ask(`${server.url}/api/runs/young/curation`, headers);
    expect(reply.json()).toEqual({ run: "young", stages: [], sides: null, countedBy: "student" });
  });

  test("says in whose tokens lengths are: of a student elsewhere they are the teacher's count", async () => {
    await writeTracedRun(join(folder, "elsewhere"), 4);
    const { $schema: _, ...demo } = parseJsonc(readFileSync("recipes/demo/recipe.json", "utf8")) as { $schema: string };
    const recipe = Recipe.parse({ ...demo, student: { base: "acme/base", hosted: { type: "together" } } });
    writeFileSync(join(folder, "elsewhere", "recipe.resolved.json"), JSON.stringify({ schemaVersion: 1, ...recipe }));
    const of = async (path: string) => (await ask(`${server.url}/api/runs/${path}`, headers)).json();
    expect(await of("elsewhere/curation")).toMatchObject({ countedBy: "teacher" });
    expect(await of(`elsewhere/trace?id=${traceId(0)}`)).toMatchObject({ countedBy: "teacher" });
    expect(await of(`a-run/trace?id=${traceId(0)}`)).toMatchObject({ countedBy: "student" });
  });
});

test("an x-ray of a run without examples says so", async () => {
  const reply = await ask(`${server.url}/api/runs/a-run/xray?id=${traceId(0)}`, headers);
  expect([reply.status, reply.text]).toEqual([404, expect.stringContaining("no training examples are made yet")]);
});

describe("the search in thinking", () => {
  const search = async (query: string) => {
    const response = await fetch(`${server.url}/api/runs/a-run/thinking-search?q=${query}`, { headers });
    expect(response.status).toBe(200);
    const events = new EventReader().take(await response.text());
    expect(events.every(({ type }) => type === "value")).toBe(true);
    return events.map(({ data }) => JSON.parse(data) as ThinkingFound);
  };

  test("streams what it finds, each hit once, with the text around it, to the end", async () => {
    const parts = await search("STEP%20is");
    expect(parts.length).toBeGreaterThan(10);
    const hits = parts.flatMap((part) => part.hits);
    expect(hits.map(({ row }) => row.place)).toEqual(
      Array.from({ length: COUNT - 1 }, (_, at) => at)
        .filter((at) => at !== 5)
        .slice(0, 2000),
    );
    expect(hits[3]?.around).toBe("3 and 3 is 6, step 3");
    expect(parts.at(-1)).toMatchObject({ scanned: COUNT, total: COUNT, matched: COUNT - 2 });
  });

  test("finds in a line of a megabyte, and tells no more of it than what is around", async () => {
    const hits = (await search("zzzz")).flatMap((part) => part.hits);
    expect(hits.map(({ row, around }) => [row.place, around.length])).toEqual([[LONG, 70]]);
  });

  test("ends when nobody listens any more, and is no fault of anybody's", async () => {
    for (let time = 0; time < 8; time++) {
      const leaving = new AbortController();
      const { signal } = leaving;
      const response = await fetch(`${server.url}/api/runs/a-run/thinking-search?q=step`, { headers, signal });
      await response.body?.getReader().read();
      leaving.abort();
    }
    // More than may be open at once, had they not ended.
    for (let time = 0; time < 30; time++) expect((await search("zzzz")).at(-1)?.scanned).toBe(COUNT);
    expect(server.failures).toEqual([]);
  }, 60_000);

  test("wants something to search for", async () => {
    expect((await ask(`${server.url}/api/runs/a-run/thinking-search?q=%20`, headers)).status).toBe(400);
  });
});

describe("triage", () => {
  const lines = () =>
    readFileSync(join(folder, "a-run", "triage.jsonl"), "utf8")
      .trimEnd()
      .split("\n");

  test("is on the disk when it is answered, and in the list at once", async () => {
    const reply = await post({ traceId: traceId(2), decision: "keep" });
    expect(reply.json()).toEqual({ id: traceId(2), decision: "keep", hasNote: false });
    expect(JSON.parse(lines()[0] ?? "")).toMatchObject({ schemaVersion: 1, traceId: traceId(2), decision: "keep" });
    await post({ traceId: traceId(2), note: HOSTILE });
    await post({ traceId: traceId(0), decision: "drop" });
    expect(await get<TracePage>("traces?count=3")).toMatchObject({
      kept: 1,
      dropped: 1,
      rows: [{ decision: "drop" }, { decision: "none" }, { decision: "keep", hasNote: true }],
    });
    expect((await get<TraceDetail>(`trace?id=${traceId(2)}`)).note).toBe(HOSTILE);
    for (const state of ["kept-by-hand", "noted"])
      expect((await get<TracePage>(`traces?state=${state}`)).rows.map(({ place }) => place)).toEqual([2]);
    await post({ traceId: traceId(2), decision: "none" });
    expect((await get<TracePage>("traces?state=kept-by-hand")).matched).toBe(0);
    expect((await get<TracePage>("traces?state=noted")).matched).toBe(1);
  });

  test("many at once all hold", async () => {
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, place) => post({ traceId: traceId(place), decision: "keep" })),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect((await get<TracePage>("traces?count=0")).kept).toBe(50);
  });

  test("goes on behind a line that a crash cut short", async () => {
    await post({ traceId: traceId(1), decision: "keep" });
    appendFileSync(join(folder, "a-run", "triage.jsonl"), '{"schemaVersion":1,"at":"20');
    await post({ traceId: traceId(2), decision: "keep" });
    expect((await get<TracePage>("traces?state=kept-by-hand")).rows.map(({ place }) => place)).toEqual([1, 2]);
  });

  test("on a trace that is gone can be taken back, and is not counted", async () => {
    const gone = "e".repeat(16);
    const line = { schemaVersion: 1, at: "before", traceId: gone, decision: "keep" };
    writeFileSync(join(folder, "a-run", "triage.jsonl"), `${JSON.stringify(line)}\n`);
    await post({ traceId: traceId(1), decision: "keep" });
    expect((await get<TracePage>("traces?state=kept-by-hand")).rows.map(({ place }) => place)).toEqual([1]);
    expect((await get<TracePage>("traces?count=0")).kept).toBe(1);
    expect((await post({ traceId: gone, decision: "drop" })).status).toBe(404);
    const reply = await post({ traceId: gone, decision: "none" });
    expect(reply.json()).toEqual({ id: gone, decision: "none", hasNote: false });
    expect(lines()).toHaveLength(3);
  });

  test("of another format is refused by name, again and again", async () => {
    writeFileSync(join(folder, "a-run", "triage.jsonl"), '{"schemaVersion":9}\n');
    for (const _time of [1, 2]) {
      const reply = await ask(`${server.url}/api/runs/a-run/traces`, headers);
      expect(reply.text).toContain("schemaVersion 9");
    }
  });

  test("is written by nobody but the page", async () => {
    const change = { traceId: traceId(1), decision: "drop" };
    const { origin: _ours, ...noOrigin } = { ...headers, origin: server.url };
    for (const [extra, status] of [
      [{ origin: server.url }, 401],
      [noOrigin, 403],
      [{ ...headers, origin: "http://evil.example" }, 403],
      [{ ...headers, origin: "null" }, 403],
      [{ ...headers, origin: server.url, host: "evil.example" }, 403],
      [{ ...headers, origin: server.url, "sec-fetch-site": "cross-site" }, 403],
    ] as const)
      expect((await post(change, extra as unknown as Record<string, string>)).status, JSON.stringify(extra)).toBe(
        status,
      );
    expect(() => lines()).toThrow("ENOENT");
  });

  test.each([
    ["no JSON", "{", 400],
    ["nothing said", { traceId: traceId(1) }, 400],
    ["another decision", { traceId: traceId(1), decision: "burn" }, 400],
    ["a field of its own", { traceId: traceId(1), decision: "drop", path: "/etc" }, 400],
    ["a path for an id", { traceId: "../../etc/passwd", decision: "drop" }, 400],
    ["a trace of no run", { traceId: "f".repeat(16), decision: "drop" }, 404],
    ["a long note", { traceId: traceId(1), note: "x".repeat(2001) }, 400],
    ["a large body", { traceId: traceId(1), note: "x".repeat(100_000) }, 413],
  ])("refuses %s", async (_name, body, status) => {
    expect((await post(body)).status).toBe(status);
    expect(() => lines()).toThrow("ENOENT");
  });

  test("of a run that is not there is refused", async () => {
    const url = `${server.url}/api/runs/${encodeURIComponent("../a-run")}/triage`;
    const reply = await ask(url, { ...headers, origin: server.url }, "POST", "{}");
    expect(reply.status).not.toBe(200);
  });
});

test("nothing of this was a fault of the server's own", () => expect(server.failures).toEqual([]));
