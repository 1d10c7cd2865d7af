import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type FileSystem, nodeFileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import type { StageName } from "../schema/manifest.ts";
import { Recipe } from "../schema/recipe.ts";
import { planRun } from "./plan-run.ts";
import type { RunEvent } from "./run-events.ts";
import { readEvents, readRunManifest, readTimings } from "./run-folder.ts";
import { runPipeline } from "./run-pipeline.ts";
import type { PipelinePorts, RunRequest } from "./run-request.ts";
import type { Stage, StageContext } from "./stage.ts";

const Row = z.strictObject({ value: z.number() });

const recipe = (name = "fake", seed = 3): Recipe =>
  Recipe.parse({
    name,
    seed,
    student: { base: "base" },
    collect: { sources: [{ type: "family", family: "arithmetic", count: 4, difficulty: [1, 2] }] },
    trace: { teacher: { type: "builtin" } },
  });

/** Doubles the rows of the stage before; the first one makes them from the seed. */
function fakeStage(name: StageName, inputs: StageName[], run?: (context: StageContext) => Promise<void>): Stage {
  return {
    name,
    inputs,
    facts: name === "train" ? ["kernelBuild"] : [],
    codeVersion: 1,
    config: (whole) =>
      name === "collect" ? { seed: whole.seed } : name === "train" ? { epochs: whole.train.epochs } : {},
    plan: () => `${name} some rows`,
    run: async (context) => {
      await run?.(context);
      const earlier =
        inputs[0] === undefined
          ? [{ value: context.recipe.seed }]
          : await context.input(inputs[0]).readRows("rows.jsonl", Row);
      await context.output.writeRows(
        "rows.jsonl",
        earlier.flatMap(({ value }) => [{ value }, { value: value * 2 }]),
      );
      context.progress({ done: 1, total: 1, unit: "rows" });
      context.measure("retries", 2);
      return { notes: { rows: earlier.length * 2 } };
    },
  };
}

const threeStages = (run?: (context: StageContext) => Promise<void>): Stage[] => [
  fakeStage("collect", []),
  fakeStage("train", ["collect"], run),
  fakeStage("report", ["train"]),
];

let folder: string;
let events: RunEvent[];
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "grappa-run-")), "fake-3");
  events = [];
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

function ports(fs: FileSystem = nodeFileSystem()): PipelinePorts {
  let time = 0;
  const self = { pid: 77, host: "here", birth: "" };
  return {
    fs,
    processes: { self, isAlive: (other) => other.pid === 4242 },
    clock: { now: () => (time += 500), date: () => "2026-01-01T00:00:00.000Z" },
    observe: (event) => events.push(event),
    machine: { cores: 2 },
  };
}

function request(parts: Partial<RunRequest> = {}): RunRequest {
  return {
    folder,
    recipe: recipe(),
    baseFolder: "base",
    stages: threeStages(),
    facts: { kernelBuild: "reference" },
    tools: { grappa: "0.1.0" },
    command: "grappa run fake",
    signal: new AbortController().signal,
    ...parts,
  };
}

const ran = (): string[] => events.flatMap((event) => (event.type === "stage-start" ? [event.stage] : []));
const skipped = (): string[] => events.flatMap((event) => (event.type === "stage-skip" ? [event.stage] : []));
const code = (error: unknown): string => (error instanceof AppError ? error.code : String(error));

/** Every file below stages/, with its content: what must be equal between two runs. */
async function stageBytes(): Promise<Record<string, string>> {
  const root = join(folder, "stages");
  const files = await nodeFileSystem().list(root);
  return Object.fromEntries(
    await Promise.all(files.map(async ({ path }) => [path, await readFile(join(root, path), "utf8")] as const)),
  );
}

describe("runPipeline", () => {
  test("runs every stage once, then skips all of them", async () => {
    const outcome = await runPipeline(request(), ports());
    expect(outcome.isComplete).toBe(true);
    expect(ran()).toEqual(["collect", "train", "report"]);
    const last = outcome.manifests[2];
    expect(last?.files).toEqual([
      { path: "rows.jsonl", bytes: 100, rows: 8, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ]);
    expect(await readFile(join(folder, "stages", `report-${last?.key}`, "rows.jsonl"), "utf8")).toMatch(
      /^\{"value":3}\n\{"value":6}\n/,
    );
    expect(await readRunManifest(nodeFileSystem(), folder)).toMatchObject({
      run: "fake-3",
      seeds: { recipe: 3 },
      tools: { grappa: "0.1.0" },
    });
    events = [];
    const before = await stageBytes();
    await runPipeline(request(), ports());
    expect(ran()).toEqual([]);
    expect(skipped()).toEqual(["collect", "train", "report"]);
    expect(await stageBytes()).toEqual(before);
  });

  test("times, retries and the machine are in timings.jsonl and nowhere in the stages", async () => {
    await runPipeline(request(), ports());
    const timings = await readTimings(nodeFileSystem(), folder);
    expect(timings.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      "collect done",
      "train done",
      "report done",
    ]);
    expect(timings[0]).toMatchObject({
      measures: { retries: 2 },
      machine: { cores: 2 },
      startedAt: "2026-01-01T00:00:00.000Z",
    });
    expect(timings[0]?.seconds).toBeGreaterThan(0);
    expect(JSON.stringify(await stageBytes())).not.toContain("2026");
    expect((await readEvents(nodeFileSystem(), folder)).map(({ type }) => type)).toContain("stage-end");
  });

  test("a changed recipe runs only what depends on the change", async () => {
    await runPipeline(request(), ports());
    const changed = recipe();
    changed.train.epochs = 9;
    const refused = await runPipeline(request({ recipe: changed }), ports()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "run-changed", data: { changes: ["train.epochs"] } });
    events = [];
    await runPipeline(request({ recipe: changed, mayChange: true }), ports());
    expect(ran()).toEqual(["train"]);
    expect(skipped()).toEqual(["collect", "report"]);
  });

  test("another kernel build runs the stages that name it as a fact", async () => {
    await runPipeline(request(), ports());
    events = [];
    await runPipeline(request({ facts: { kernelBuild: "wasm-simd" } }), ports());
    expect(ran()).toEqual(["train"]);
  });

  test("--until leaves the run without a manifest, and the rest is run later", async () => {
    const outcome = await runPipeline(request({ until: "train" }), ports());
    expect(outcome.isComplete).toBe(false);
    expect(await readRunManifest(nodeFileSystem(), folder)).toBeUndefined();
    expect(ran()).toEqual(["collect", "train"]);
    events = [];
    await runPipeline(request(), ports());
    expect(ran()).toEqual(["report"]);
    expect(await readRunManifest(nodeFileSystem(), folder)).toBeDefined();
  });

  test("--from forgets that stage and the later ones, and gives the same bytes again", async () => {
    await runPipeline(request(), ports());
    const before = await stageBytes();
    events = [];
    await runPipeline(request({ from: "train" }), ports());
    expect(skipped()).toEqual(["collect"]);
    expect(ran()).toEqual(["train", "report"]);
    expect(await stageBytes()).toEqual(before);
  });

  test("a stage that fails keeps its work folder and writes no manifest; the next run resumes it", async () => {
    let tries = 0;
    const stages = threeStages(async (context) => {
      tries += 1;
      const checkpoint = join(context.workFolder, "checkpoint");
      if (tries === 1) {
        await writeFile(checkpoint, "step 10");
        await context.output.writeRows("half.jsonl", [{ value: 1 }]);
        throw new AppError("provider", "the teacher went away");
      }
      expect(await readFile(checkpoint, "utf8")).toBe("step 10");
    });
    expect(code(await runPipeline(request({ stages }), ports()).catch((error: unknown) => error))).toBe("provider");
    expect(await readRunManifest(nodeFileSystem(), folder)).toBeUndefined();
    expect(events.at(-1)).toMatchObject({ type: "stage-fail", stage: "train" });
    const { manifests } = await runPipeline(request({ stages }), ports());
    expect(events).toContainEqual({ type: "stage-start", stage: "train", key: manifests[1]?.key, isResumed: true });
    // What the failed try had written is gone, and so is the work folder.
    expect(Object.keys(await stageBytes()).filter((path) => path.startsWith("train"))).toEqual([
      `train-${manifests[1]?.key}/manifest.json`,
      `train-${manifests[1]?.key}/rows.jsonl`,
    ]);
    expect((await readTimings(nodeFileSystem(), folder)).map(({ outcome }) => outcome)).toEqual([
      "done",
      "failed",
      "done",
      "done",
    ]);
  });

  test("a shortened output is noticed by size, a changed one by --verify", async () => {
    const { manifests } = await runPipeline(request(), ports());
    const rows = join(folder, "stages", `collect-${manifests[0]?.key}`, "rows.jsonl");
    const whole = await readFile(rows, "utf8");
    events = [];
    await appendFile(rows, "\n");
    await runPipeline(request(), ports());
    expect(ran()).toEqual(["collect"]);
    expect(events).toContainEqual({
      type: "warning",
      stage: "collect",
      message: expect.stringContaining("rows.jsonl has 25 bytes"),
    });
    expect(await readFile(rows, "utf8")).toBe(whole);
    await writeFile(rows, whole.replace("3", "4"));
    events = [];
    await runPipeline(request(), ports());
    expect(ran()).toEqual([]);
    await runPipeline(request({ verification: "hashes" }), ports());
    expect(ran()).toEqual(["collect"]);
    expect(await readFile(rows, "utf8")).toBe(whole);
  });

  test("a stage manifest of another version is refused by name", async () => {
    const { manifests } = await runPipeline(request(), ports());
    const path = join(folder, "stages", `collect-${manifests[0]?.key}`, "manifest.json");
    await writeFile(path, (await readFile(path, "utf8")).replace('"schemaVersion": 1', '"schemaVersion": 7'));
    const error = await runPipeline(request(), ports()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "schema-version", data: { found: 7, expected: 1 } });
  });

  test("a row that does not fit its schema is named by file and line", async () => {
    const { manifests } = await runPipeline(request({ until: "collect" }), ports());
    const rows = join(folder, "stages", `collect-${manifests[0]?.key}`, "rows.jsonl");
    const text = await readFile(rows, "utf8");
    await writeFile(rows, text.replace('"value":6', '"valuf":6'));
    const error = await runPipeline(request(), ports()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "record-invalid",
      message: expect.stringMatching(/collect-\w+.rows\.jsonl:2: /),
    });
  });

  test("an interrupt stops a stage that listens, and one that does not, and the run finishes later", async () => {
    for (const isDeaf of [false, true]) {
      const controller = new AbortController();
      const stages = threeStages(async ({ signal }) => {
        setTimeout(() => controller.abort(), 5);
        await new Promise((_resolve, reject) => {
          if (!isDeaf) signal.addEventListener("abort", () => reject(signal.reason as Error));
        });
      });
      const start = performance.now();
      const error = await runPipeline(request({ stages, signal: controller.signal }), ports()).catch(
        (cause: unknown) => cause,
      );
      expect(code(error)).toBe("interrupted");
      expect(performance.now() - start).toBeLessThan(1500);
      expect((await readTimings(nodeFileSystem(), folder)).at(-1)?.outcome).toBe("interrupted");
      expect(await readdir(folder)).not.toContain("lock.json");
    }
    expect((await runPipeline(request(), ports())).isComplete).toBe(true);
  });

  test("a full disk fails by name, and the run finishes once there is room", async () => {
    const real = nodeFileSystem();
    const full: FileSystem = {
      ...real,
      openWriter: async (path) => {
        if (!path.includes("train-")) return await real.openWriter(path);
        throw new AppError("disk-full", `${path}: no space left on the device`);
      },
    };
    expect(code(await runPipeline(request(), ports(full)).catch((error: unknown) => error))).toBe("disk-full");
    events = [];
    await runPipeline(request(), ports());
    expect(skipped()).toEqual(["collect"]);
    expect(ran()).toEqual(["train", "report"]);
  });

  test("a live process keeps others out; the lock of a dead one is taken over", async () => {
    await runPipeline(request({ until: "collect" }), ports());
    await writeFile(join(folder, "lock.json"), JSON.stringify({ pid: 4242, host: "here", birth: "" }));
    const error = await runPipeline(request(), ports()).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "run-locked", data: { pid: 4242 } });
    for (const stale of [JSON.stringify({ pid: 4243, host: "here", birth: "" }), "", "{"]) {
      await writeFile(join(folder, "lock.json"), stale);
      await runPipeline(request(), ports());
      expect(await readdir(folder)).not.toContain("lock.json");
    }
  });

  test("a folder that is not a run is left alone", async () => {
    await nodeFileSystem().writeAtomic(join(folder, "thesis.tex"), "precious");
    const error = await runPipeline(request(), ports()).catch((cause: unknown) => cause);
    expect(code(error)).toBe("file-denied");
    expect(await readdir(folder)).toEqual(["thesis.tex"]);
  });

  test("reading a stage that is not among the inputs is a bug that is caught", async () => {
    const stages = [
      fakeStage("collect", []),
      fakeStage("train", ["collect"]),
      fakeStage("report", [], async (context) => void context.input("train")),
    ];
    await expect(runPipeline(request({ stages }), ports())).rejects.toThrow("report reads train without saying so");
  });
});

describe("a stage that cannot run", () => {
  const obstacle = new AppError("usage", "the environment variable KEY is not set");
  const blocked = (check = () => Promise.reject(obstacle)) =>
    threeStages().map((stage, place) => (place === 1 ? { ...stage, check } : stage));

  test("stops the run before the first stage, and before anything is written", async () => {
    const error = await runPipeline(request({ stages: blocked() }), ports()).catch((cause: unknown) => cause);
    expect(error).toBe(obstacle);
    expect(events).toEqual([]);
    expect(await nodeFileSystem().kind(folder)).toBe("none");
  });

  test("is in nobody's way when it is not wanted or already done, and is again when it is to run again", async () => {
    const first = threeStages()[0]!.name;
    await runPipeline(request({ stages: blocked(), until: first }), ports());
    await runPipeline(request(), ports());
    const middle = threeStages()[1]!.name;
    expect((await runPipeline(request({ stages: blocked() }), ports())).isComplete).toBe(true);
    expect(
      (await planRun(request({ stages: blocked(), from: middle }), nodeFileSystem())).map(({ status }) => status),
    ).toEqual(["done", "run", "later"]);
    const again = request({ stages: blocked(), from: middle });
    expect(await runPipeline(again, ports()).catch((cause: unknown) => cause)).toBe(obstacle);
    const fresh = request({ stages: blocked(), isFresh: true });
    expect(await runPipeline(fresh, ports()).catch((cause: unknown) => cause)).toBe(obstacle);
    expect((await runPipeline(request(), ports())).isComplete).toBe(true);
  });

  test("a bug in a check is thrown as it is", async () => {
    const stages = blocked(() => Promise.reject(new TypeError("x is not a function")));
    await expect(runPipeline(request({ stages }), ports())).rejects.toThrow(TypeError);
  });
});

describe("planRun", () => {
  test("says what is done, what would run, and what cannot be known yet; changes nothing", async () => {
    expect((await planRun(request(), nodeFileSystem())).map(({ stage, status }) => `${stage} ${status}`)).toEqual([
      "collect run",
      "train later",
      "report later",
    ]);
    expect(await nodeFileSystem().kind(folder)).toBe("none");
    await runPipeline(request({ until: "train" }), ports());
    expect((await planRun(request(), nodeFileSystem())).map(({ status }) => status)).toEqual(["done", "done", "run"]);
  });
});
