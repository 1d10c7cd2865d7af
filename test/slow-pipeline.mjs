// A pipeline of slow fake stages, run from dist/ in a process of its own so that a test can kill it: node slow-pipeline.mjs DIR
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeFileSystem } from "../dist/adapters/file-system.js";
import { nodeProcessTable } from "../dist/adapters/process-table.js";
import { systemClock } from "../dist/adapters/system-clock.js";
import { runPipeline } from "../dist/pipeline/run-pipeline.js";
import { Recipe } from "../dist/schema/recipe.js";

const STEPS = 6;

/** Makes rows one by one, journalling each in its work folder; a later try goes on after the last whole line. */
function slowStage(name, inputs) {
  return {
    name,
    inputs,
    facts: [],
    codeVersion: 1,
    config: () => ({}),
    plan: () => name,
    run: async ({ workFolder, output, input, progress }) => {
      const journal = join(workFolder, "journal.txt");
      const text = await readFile(journal, "utf8").catch(() => "");
      let done = text.split("\n").length - 1;
      const seen = inputs.map((stage) => input(stage).manifest.outputHash);
      for (; done < STEPS; done++) {
        await sleep(4);
        await appendFile(journal, `${done}\n`);
        progress({ done, total: STEPS, unit: "rows" });
      }
      await output.writeRows(
        "a/rows.jsonl",
        Array.from({ length: 2000 }, (_, row) => ({ name, row, seen })),
      );
      await output.writeJson("b.json", { name });
      return { notes: { rows: 2000 } };
    },
  };
}

const recipe = Recipe.parse({
  name: "slow",
  student: { base: "none" },
  collect: { sources: [{ type: "family", family: "arithmetic", count: 1, difficulty: [1, 1] }] },
  trace: { teacher: { type: "builtin" } },
});
const outcome = await runPipeline(
  {
    folder: process.argv[2],
    recipe,
    baseFolder: "none",
    stages: [
      slowStage("collect", []),
      slowStage("attempt", ["collect"]),
      slowStage("train", ["attempt"]),
      slowStage("report", ["train"]),
    ],
    facts: {},
    tools: { grappa: "test" },
    command: "test",
    signal: new AbortController().signal,
  },
  { fs: nodeFileSystem(), processes: nodeProcessTable(), clock: systemClock(), observe: () => undefined, machine: {} },
);
console.log(outcome.isComplete ? "complete" : "incomplete");
