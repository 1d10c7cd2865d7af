/** @file The training of a prepared run on the fake launcher, in real time, in a process that a test may kill: FOLDER [lost]. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { nodeProcessTable } from "../../src/adapters/process-table.ts";
import { systemClock } from "../../src/adapters/system-clock.ts";
import { runPipeline } from "../../src/pipeline/run-pipeline.ts";
import { FakeLauncher } from "./fake-launcher.ts";
import { CHILD_TIMES } from "./child-times.ts";
import { fakeWorld, launchedRecipe, launchedStages, requestOf } from "./training-lab.ts";

const [folder = "", scenario] = process.argv.slice(2);
const now = (): number => Date.now();
const launcher = (): FakeLauncher =>
  new FakeLauncher({
    folder: join(folder, "cluster"),
    now,
    ...CHILD_TIMES,
    tries: (number) => (scenario === "lost" && number === 1 ? { lostAfter: 17 } : {}),
  });
// Pauses are a tenth of real ones: the test has no minutes.
const waiting = { seed: 0, now, sleep: async (ms: number) => await sleep(ms / 10) };
const { isComplete } = await runPipeline(
  {
    ...requestOf(folder, launchedRecipe()),
    stages: launchedStages(fakeWorld(launcher, { now, waiting })),
    until: "train",
    signal: new AbortController().signal,
  },
  { fs: nodeFileSystem(), processes: nodeProcessTable(), clock: systemClock(), observe: () => undefined, machine: {} },
);
process.stdout.write(isComplete ? "complete\n" : "trained\n");
