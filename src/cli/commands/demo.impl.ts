import { presenting } from "../command-result.ts";
import { executeRun, type RunFlags } from "../execute-run.ts";

/** Flags of `grappa demo`. */
export interface DemoFlags extends RunFlags {
  readonly fresh: boolean;
}

/** Runs the demo's recipe. */
export default presenting<DemoFlags, []>((context, flags) =>
  executeRun(context, flags, {
    recipe: "demo",
    command: "grappa demo",
    redo: "--fresh",
    isFresh: flags.fresh,
  }),
);
