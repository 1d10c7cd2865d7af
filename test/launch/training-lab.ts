/** @file A run of the tiny recipe whose student a fake launcher trains, on a clock of its own. */
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import type { Waiting } from "../../src/adapters/teacher/retry-delay.ts";
import type { StageName } from "../../src/schema/manifest.ts";
import { Recipe } from "../../src/schema/recipe.ts";
import type { RunEvent } from "../../src/pipeline/run-events.ts";
import { type RunOutcome, runPipeline } from "../../src/pipeline/run-pipeline.ts";
import { buildStages, teacherWorld } from "../../src/pipeline/open-services.ts";
import type { LaunchedWorld } from "../../src/pipeline/stages/launched/launched-world.ts";
import { tinyRecipe, writeTinyStudent } from "../tiny-student.ts";
import { FakeLauncher, type FakeLauncherOptions, type FakeTry, startedJobs } from "./fake-launcher.ts";

const NO_ENGINE = () => Promise.reject(new Error("no engine is needed"));

/** The tiny recipe with a launcher; nothing before the training needs an engine. */
export function launchedRecipe(train: object = {}, whole: object = {}, launcher: object = {}): Recipe {
  const tiny = tinyRecipe("base") as { train: object };
  return Recipe.parse({
    ...tiny,
    maxUsd: 10,
    attempt: { modes: [] },
    ...whole,
    train: {
      ...tiny.train,
      checkpointEverySteps: 5,
      launcher: { type: "ray", storage: "/shared", gpuUsdPerHour: 3.6, workers: 8, ...launcher },
      ...train,
    },
  });
}

/** The stages of the recipe over a launcher. */
export function launchedStages(launched: LaunchedWorld) {
  return buildStages(NO_ENGINE, teacherWorld({ secrets: () => undefined, runFolder: "" }), { launched });
}

/** What launched stages are told where a fake is the launcher. */
export function fakeWorld(
  launcher: () => FakeLauncher,
  time: { readonly now: () => number; readonly waiting: Waiting },
): LaunchedWorld {
  return {
    openLauncher: () => Promise.resolve(launcher()),
    generateProgram: () => Promise.resolve({ path: "generate.mjs", bytes: new Uint8Array(1) }),
    pythonFiles: () => Promise.resolve([{ path: "train.py", bytes: new Uint8Array(1) }]),
    secrets: () => undefined,
    cacheFolder: "",
    isHeldHere: true,
    bringBaseWeights: () => Promise.resolve(),
    waiting: () => time.waiting,
    now: time.now,
  };
}

/** A base, and a run of the recipe up to tokenize, to be copied: the training is what is tested. */
export async function trainedRun(folder: string): Promise<void> {
  await writeTinyStudent(join(folder, "base"));
  const now = (): number => 0;
  const launched = fakeWorld(() => new FakeLauncher({ folder: join(folder, "none"), now }), {
    now,
    waiting: { now, seed: 0, sleep: () => Promise.resolve() },
  });
  await runPipeline(
    {
      ...requestOf(folder, launchedRecipe()),
      stages: launchedStages(launched),
      until: "tokenize",
      signal: new AbortController().signal,
    },
    portsOf([]),
  );
}

/** A request for the run in a folder, without its stages. */
export function requestOf(folder: string, recipe: Recipe) {
  return {
    folder: join(folder, "run"),
    recipe: { ...recipe, student: { base: "../base" } },
    baseFolder: join(folder, "base"),
    facts: { baseWeights: "b", tokenizer: "t", chatTemplate: "c" },
    tools: { grappa: "0.1.0" },
    command: "grappa run tiny",
  };
}

function portsOf(events: RunEvent[]) {
  let time = 0;
  return {
    fs: nodeFileSystem(),
    processes: { self: { pid: 7, host: "here", birth: "" }, isAlive: () => false },
    clock: { now: () => (time += 1), date: () => "2026-01-01T00:00:00.000Z" },
    observe: (event: RunEvent) => void events.push(event),
    machine: {},
  };
}

/** A laboratory: the training of one run, again and again. */
export interface Lab {
  readonly events: RunEvent[];
  readonly journal: string;
  /** The run's folder. */
  readonly run: string;
  train(): Promise<RunOutcome>;
  setTries(tries: (number: number) => FakeTry): void;
  launcher(options: Partial<FakeLauncherOptions>): void;
  recipe(train: object, whole?: object, launcher?: object): void;
  /** Aborts when so many steps are done. */
  interruptAt(step: number | undefined): void;
  /** Jobs that were started. */
  started(): number;
  warnings(): string[];
  stage(name: StageName): string;
  /** Throws away the training and the journal. */
  forget(): Promise<void>;
}

/** Opens one over a copy of what {@link trainedRun} made. */
export async function openLab(folder: string, prepared: string): Promise<Lab> {
  cpSync(prepared, folder, { recursive: true });
  const cluster = join(folder, "cluster");
  const events: RunEvent[] = [];
  let now = 1_000_000_000_000;
  let options: Partial<FakeLauncherOptions> = {};
  let recipe = launchedRecipe();
  let stopAt: number | undefined;
  const waiting: Waiting = {
    seed: 0,
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      await new Promise((resolve) => setTimeout(resolve, 2)); // the log is read meanwhile
    },
  };
  const open = (): FakeLauncher =>
    new FakeLauncher({ folder: cluster, now: () => now, stepMs: 10_000, loadMs: 20_000, ...options });
  const run = join(folder, "run");
  return await Promise.resolve({
    events,
    journal: join(run, "journal/requests.jsonl"),
    run,
    train: async () => {
      events.length = 0;
      const controller = new AbortController();
      const ports = portsOf(events);
      const launched = fakeWorld(open, { now: () => now, waiting });
      const observe = (event: RunEvent): void => {
        ports.observe(event);
        if (stopAt !== undefined && event.type === "stage-progress" && event.stage === "train" && event.done >= stopAt)
          controller.abort();
      };
      return await runPipeline(
        {
          ...requestOf(folder, recipe),
          stages: launchedStages(launched),
          until: "train",
          mayChange: true,
          signal: controller.signal,
        },
        { ...ports, observe },
      );
    },
    setTries: (tries) => (options = { ...options, tries }),
    launcher: (more) => (options = { ...options, ...more }),
    recipe: (train, whole = {}, launcher = {}) => (recipe = launchedRecipe(train, whole, launcher)),
    interruptAt: (step) => (stopAt = step),
    started: () => startedJobs(cluster),
    warnings: () => events.flatMap((event) => (event.type === "warning" ? [event.message] : [])),
    stage: (name) => {
      const found = readdirSync(join(run, "stages")).find((one) => one.startsWith(`${name}-`));
      return join(run, "stages", found ?? "missing");
    },
    forget: async () => {
      for (const name of readdirSync(join(run, "stages")).filter((one) => one.startsWith("train-")))
        rmSync(join(run, "stages", name), { recursive: true });
      if (existsSync(join(run, "journal"))) rmSync(join(run, "journal"), { recursive: true });
      await Promise.resolve();
    },
  });
}
