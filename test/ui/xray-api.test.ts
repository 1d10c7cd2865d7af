/** @file The x-ray of a trace over real sockets: one line of the examples' file is read for it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TraceXray } from "../../src/report/page/trace-xray.ts";
import { Recipe } from "../../src/schema/recipe.ts";
import type { Example } from "../../src/schema/records.ts";
import { tinyRecipe } from "../tiny-student.ts";
import { ask } from "./ask.ts";
import { at, writeFakeRun } from "./fake-run.ts";
import { questionId, traceId, writeStage } from "./fake-traces.ts";
import { type ServedPage, servePage, TOKEN } from "./serve-page.ts";

let folder: string;
let server: ServedPage;
let examplesPath: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "grappa-xray-"));
  const run = join(folder, "a-run");
  const event = { stage: "tokenize", key: "0123456789abcdef", note: "" } as const;
  writeFakeRun(run, {
    events: [
      { ...event, at: at("10:00:00"), type: "stage-start" },
      { ...event, at: at("10:00:10"), type: "stage-end" },
    ],
  });
  const recipe = { schemaVersion: 1, ...Recipe.parse(tinyRecipe("demo-base")) };
  writeFileSync(join(run, "recipe.resolved.json"), JSON.stringify(recipe));
  const examples = [0, 1, 2].map(
    (place): Example => ({
      schemaVersion: 1,
      questionId: questionId(place),
      traceId: traceId(place),
      inputIds: [1, 2, 3 + place],
      labels: [-100, 2, 3 + place],
      thinkingTokens: 1,
    }),
  );
  await writeStage(run, "tokenize", { "examples.jsonl": examples });
  const [stage = ""] = readdirSync(join(run, "stages"));
  examplesPath = join(run, "stages", stage, "examples.jsonl");
  server = await servePage(folder);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const xray = (id: string) =>
  ask(`${server.url}/api/runs/a-run/xray?id=${id}`, { authorization: `Bearer ${TOKEN}` }, "GET");

test("shows each trace's own example, and none of a trace that nothing is trained on", async () => {
  for (const place of [2, 0, 1]) {
    const found = (await xray(traceId(place))).json() as TraceXray;
    expect(found).toMatchObject({ traceId: traceId(place), tokens: 3, trained: 2, left: 0 });
    expect(found.runs.flatMap(({ tokens }) => tokens)).toHaveLength(3);
  }
  const none = await xray(traceId(9));
  expect([none.status, none.text]).toEqual([404, expect.stringContaining("nothing is trained on this trace")]);
});

test("reads no other line once it knows where each lies, and says so where another stands there now", async () => {
  const text = readFileSync(examplesPath, "utf8");
  const [first = "", second = "", third = ""] = text.split("\n");
  writeFileSync(examplesPath, `${"?".repeat(first.length)}\n${third}\n${second}\n`);
  const moved = await xray(traceId(1));
  expect([moved.status, moved.text]).toEqual([422, expect.stringContaining("another example stands there now")]);
  writeFileSync(examplesPath, `${"?".repeat(first.length)}\n${second}\n${third}\n`);
  expect((await xray(traceId(2))).json()).toMatchObject({ traceId: traceId(2), tokens: 3 });
  writeFileSync(examplesPath, text);
});

test("nothing of this was a fault of the server's own", () => expect(server.failures).toEqual([]));
