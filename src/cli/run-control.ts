import { joinPath } from "../adapters/file-system.ts";
import { interruptProcess } from "../adapters/interrupt-process.ts";
import { startDetached } from "../adapters/start-detached.ts";
import type { ResumedRun, RunControlPorts } from "../pipeline/page/run-switches.ts";
import { shellQuote } from "./shell-quote.ts";

/** Pauses runs, and goes on with them by this installation's `grappa run`, for `grappa ui`. */
export function runControl(packageFolder: string): RunControlPorts {
  const outputOf = (folder: string): string => joinPath(folder, "resume.log");
  return {
    interrupt: interruptProcess,
    outputOf,
    start: (run) =>
      startDetached(joinPath(packageFolder, "dist/cli/main.js"), [...wordsOf(run), "--json"], outputOf(run.folder)),
    commandOf: (run) => ["grappa", ...wordsOf(run)].map(shellQuote).join(" "),
  };
}

/** The run's own recipe, in which its seed stands. Never `--yes`. */
function wordsOf({ folder, hasControls }: ResumedRun): string[] {
  const recipe = joinPath(folder, "recipe.resolved.json");
  return ["run", recipe, "--run", folder, ...(hasControls ? ["--controls"] : [])];
}
