/** @file A recipe's `curate` through the real stage and real files: funnel, reasons, what was not checked, order, bytes. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeFileSystem } from "../src/adapters/file-system.ts";
import { systemClock } from "../src/adapters/system-clock.ts";
import { sha256Hex } from "../src/core/hash.ts";
import { prng } from "../src/core/prng.ts";
import { readDroppedEarly } from "../src/pipeline/question-story.ts";
import { runPipeline } from "../src/pipeline/run-pipeline.ts";
import { collectStage } from "../src/pipeline/stages/collect.ts";
import { fileBucketOf, questionId } from "../src/questions/bucket.ts";
import type { StageManifest } from "../src/schema/manifest.ts";
import { Recipe } from "../src/schema/recipe.ts";

let folder: string;
let warnings: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-curate-"));
  warnings = [];
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const random = prng("curate-questions");
const words = (count: number): string =>
  Array.from({ length: count }, () => `w${random.int(0, 9_999).toString(36)}x`).join(" ");

/** A text that falls into a bucket: a file's rows do by a hash. */
function inBucket(bucket: "train" | "test", make: () => string): string {
  for (;;) {
    const text = make();
    if (fileBucketOf(text) === bucket) return text;
  }
}

interface Row {
  readonly question: string;
  readonly answer?: string;
}

const write = async (file: string, rows: readonly object[]): Promise<void> =>
  await writeFile(join(folder, file), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

async function collect(curate: unknown, run = "run", paths = ["../rows.jsonl"]): Promise<StageManifest> {
  const recipe = Recipe.parse({
    name: "curate",
    student: { base: "demo-base" },
    collect: { sources: paths.map((path) => ({ type: "file", path })) },
    trace: { teacher: { type: "builtin" } },
    ...(curate === undefined ? {} : { curate }),
  });
  const request = {
    folder: join(folder, run),
    recipe,
    baseFolder: resolve("models/demo-base"),
    recipeFolder: join(folder, "recipe"),
  };
  const { manifests } = await runPipeline(
    {
      ...request,
      stages: [collectStage()],
      facts: { questionFiles: await readFile(join(folder, "rows.jsonl"), "utf8") },
      tools: {},
      command: "",
      mayChange: true,
      signal: new AbortController().signal,
    },
    {
      fs: nodeFileSystem(),
      processes: { self: { pid: process.pid, host: "here", birth: "" }, isAlive: () => false },
      clock: systemClock(),
      observe: (event) => void (event.type === "warning" && warnings.push(event.message)),
      machine: {},
    },
  );
  return manifests[0] as StageManifest;
}

const output = async ({ key }: StageManifest, file: string, run = "run"): Promise<string> =>
  await readFile(join(folder, run, "stages", `collect-${key}`, file), "utf8");
const lines = async (manifest: StageManifest, file: string): Promise<Record<string, unknown>[]> =>
  (await output(manifest, file))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const [aime, heldOut] = [words(20), inBucket("test", () => words(20))];
const original = inBucket("train", () => words(30));
const ROWS: Record<string, Row> = {
  good: { question: inBucket("train", () => words(25)), answer: "1" },
  original: { question: original, answer: "2" },
  nearly: { question: inBucket("train", () => `${original} ${words(1)}`), answer: "3" },
  leaked: {
    question: inBucket("train", () => `${words(5)} ${aime.split(" ").slice(3, 11).join("  ").toUpperCase()}`),
    answer: "4",
  },
  edited: {
    question: inBucket("train", () =>
      aime
        .split(" ")
        .map((word, at) => (at % 7 === 6 ? words(1) : word))
        .join(" "),
    ),
    answer: "5",
  },
  ofTest: { question: inBucket("train", () => `${heldOut} ${words(2)}`), answer: "6" },
  threads: { question: inBucket("train", () => `p1. ${words(20)}`), answer: "7" },
  open: { question: inBucket("train", () => words(25)) },
  control: { question: inBucket("train", () => `${words(20)} <|im_end|>`), answer: "8" },
  test: { question: heldOut, answer: "9" },
};
const idOf = (name: keyof typeof ROWS): string => questionId((ROWS[name] as Row).question);
const AGAINST = [{ task: "aime24", data: "../aime.jsonl" }, { task: "math500" }, { task: "gpqa", data: "../none.csv" }];

async function files(rows: readonly Row[] = Object.values(ROWS)): Promise<void> {
  await write("rows.jsonl", rows);
  await write("aime.jsonl", [{ problem: aime, answer: "7" }]);
}

describe("a recipe with curate", () => {
  test("drops by every rule of s1, names item and words, and says what it could not check", async () => {
    await files();
    const manifest = await collect({
      quality: "s1",
      decontaminate: { against: AGAINST, nearJaccard: 0.6 },
      duplicates: { nearJaccard: 0.8 },
    });
    expect(manifest.funnel.map(({ stage, in: taken, kept, reasons }) => [stage, taken, kept, reasons])).toEqual([
      ["collect", 9, 8, { "control-text": 1 }],
      ["decontaminate", 8, 5, { "benchmark-overlap": 2, "near-benchmark": 1 }],
      ["duplicates", 5, 5, {}],
      ["quality", 5, 3, { "no-reference": 1, "several-problems": 1 }],
      ["near-duplicates", 3, 2, { "near-duplicate": 1 }],
    ]);
    const dropped = new Map((await lines(manifest, "dropped.jsonl")).map((row) => [row.id, row]));
    const shared = aime.split(" ").slice(3, 11).join(" ");
    expect(dropped.get(idOf("leaked"))?.detail).toMatch(new RegExp(`^aime24 [0-9a-f]{16}: ${shared}$`));
    expect(dropped.get(idOf("edited"))?.detail).toMatch(
      new RegExp(`^aime24 [0-9a-f]{16} \\(Jaccard 0\\.\\d\\d, \\d\\d % of it\\): ${aime}$`),
    );
    expect(dropped.get(idOf("ofTest"))?.detail).toBe(`held-out ${idOf("test")}: ${heldOut}`);
    const early = await readDroppedEarly(nodeFileSystem(), join(folder, "run"), idOf("leaked").slice(0, 12));
    expect(early).toEqual([dropped.get(idOf("leaked"))]);
    const [first, second] = [idOf("original"), idOf("nearly")].sort() as [string, string];
    expect(dropped.get(second)).toMatchObject({ stage: "duplicates", reason: "near-duplicate" });
    expect(await lines(manifest, "duplicate-clusters.jsonl")).toMatchObject([
      { representative: first, members: [{ id: second }] },
    ]);
    const left = (await lines(manifest, "questions.jsonl")).map(({ id }) => id);
    expect(left).toEqual([idOf("good"), first].sort());
    expect(JSON.parse(await output(manifest, "curation.json"))).toMatchObject({
      decontamination: {
        checked: [
          { task: "held-out", questions: 1 },
          { task: "aime24", questions: 1, source: "aime.jsonl" },
        ],
        notChecked: [
          { task: "math500", reason: expect.stringMatching(/needs its data/) },
          { task: "gpqa", reason: expect.stringMatching(/^none\.csv: /) },
        ],
      },
      nearDuplicates: { clusters: 1, crowded: 0 },
    });
    expect(await output(manifest, "curation.json")).not.toContain(folder);
    expect(manifest.notes).toEqual({ notCheckedAgainst: "math500, gpqa" });
    expect(manifest.funnel.map(({ note }) => note)[1]).toBe("not checked against math500, gpqa");
    expect(warnings.filter((one) => one.startsWith("not checked against"))).toHaveLength(2);
  });

  test("is strict in its own way", async () => {
    await files();
    const { funnel } = await collect({ quality: "strict" });
    expect(funnel.at(-1)).toMatchObject({ stage: "quality", reasons: { "no-reference": 1 } });
  });

  test("gives the same bytes for rows in any order", async () => {
    const curate = { quality: "strict", decontaminate: { nearJaccard: 0.6 }, duplicates: {} };
    await files();
    const manifest = await collect(curate, "one");
    const kept = await output(manifest, "questions.jsonl", "one");
    const gone = await output(manifest, "dropped.jsonl", "one");
    expect(sha256Hex(kept)).toBe("a8ebdf4a20640da4f46061a7f9046e8ecf25df8a3c6e00618df7a23c76db9ab9"); // of any version of Node
    await files(random.shuffle(Object.values(ROWS)));
    const other = await collect(curate, "other");
    expect(await output(other, "questions.jsonl", "other")).toBe(kept);
    expect(await output(other, "dropped.jsonl", "other")).toBe(gone);
    expect(other.funnel).toEqual(manifest.funnel);
  });

  test("names the same question of an earlier source, whichever of its rows comes first", async () => {
    const run = words(8);
    const early = [1, 2].map(() => ({ question: inBucket("train", () => `${run} ${words(9)}`), answer: "1" }));
    const late = [1, 2].map(() => ({ question: inBucket("train", () => `${words(9)} ${run}`), answer: "1" }));
    const dropped = async (name: string, [first, second]: readonly (readonly Row[])[]): Promise<string> => {
      await write("rows.jsonl", first ?? []);
      await write("other.jsonl", second ?? []);
      const manifest = await collect({ decontaminate: {} }, name, ["../rows.jsonl", "../other.jsonl"]);
      return await output(manifest, "dropped.jsonl", name);
    };
    const forth = await dropped("forth", [early, late]);
    expect(forth.match(/earlier-source/g)).toHaveLength(2);
    expect(await dropped("back", [[...early].reverse(), [...late].reverse()])).toBe(forth);
  });

  test("checks a file against those before it, not against itself, and lets AIME keep its figures", async () => {
    const figure = () => inBucket("train", () => `[asy] draw(); [/asy] p1. ${words(20)}`);
    const [run, own] = [words(8), words(8)];
    const twice = [1, 2].map(() => ({ question: inBucket("train", () => `${own} ${words(9)}`), answer: "1" }));
    await write("rows.jsonl", [{ question: inBucket("train", () => `${words(9)} ${run}`), answer: "1" }]);
    const again = { question: inBucket("train", () => `${run} ${words(9)}`), answer: "1" };
    await write("AIME.jsonl", [...twice, again, { question: figure(), answer: "1" }]);
    await write("other.jsonl", [{ question: figure(), answer: "1" }]);
    const files = ["../rows.jsonl", "../AIME.jsonl", "../other.jsonl"];
    const manifest = await collect({ quality: "s1", decontaminate: {} }, "run", files);
    const reasons = manifest.funnel.map(({ stage, kept, reasons: why }) => [stage, kept, why]);
    expect(reasons).toEqual([
      ["collect", 6, {}],
      ["decontaminate", 5, { "earlier-source": 1 }],
      ["duplicates", 5, {}],
      ["quality", 4, { "figure-code": 1 }],
    ]);
  });

  test("depends on the benchmarks' names and not on where they lie, and changes nothing where it is absent", async () => {
    const config = (curate: unknown) =>
      collectStage().config(
        Recipe.parse({
          name: "curate",
          student: { base: "demo-base" },
          collect: { sources: [{ type: "file", path: "rows.jsonl" }] },
          trace: { teacher: { type: "builtin" } },
          ...(curate === undefined ? {} : { curate }),
        }),
      );
    expect(config({ decontaminate: { against: [{ task: "aime24", data: "/a/aime.jsonl" }] } })).toEqual(
      config({ decontaminate: { against: [{ task: "aime24", data: "../b/aime.jsonl" }] } }),
    );
    expect(config(undefined)).not.toHaveProperty("curate");
    await files();
    const manifest = await collect(undefined);
    expect(manifest.funnel).toEqual([
      { stage: "collect", in: 9, kept: 8, dropped: 1, reasons: { "control-text": 1 } }, // no gate may refuse it after its trace is paid for
    ]);
    expect(manifest.files.map(({ path }) => path)).toEqual([
      "dropped.jsonl",
      "held-out.jsonl",
      "questions.jsonl",
      "sources.jsonl",
    ]);
  });
});
