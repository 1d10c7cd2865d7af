import type { CliContext } from "./context.ts";
import { errorAsJson } from "./error-text.ts";

/** What a command has to say: one value for scripts, one text for people. */
export interface CommandResult {
  readonly json: unknown;
  /** Ends without a newline. */
  readonly text: string;
  /** What the command ends with although it has a result to show, as a check that found something. */
  readonly failure?: Error;
}

/** Flags that every command has. */
export interface CommonFlags {
  readonly json: boolean;
}

/**
 * A command's function for the argument scanner. Standard output gets the result, or with `--json` one line of JSON,
 * for failures too; errors go to standard error and decide the exit status. A command that wrote its result as it came
 * has no more to say.
 */
export function presenting<Flags extends CommonFlags, Args extends readonly unknown[]>(
  work: (context: CliContext, flags: Flags, ...args: Args) => Promise<CommandResult | undefined>,
) {
  return async function present(this: CliContext, flags: Flags, ...args: Args): Promise<Error | undefined> {
    const { stdout } = this.process;
    try {
      const result = await work(this, flags, ...args);
      if (result) stdout.write(`${flags.json ? JSON.stringify(result.json) : result.text}\n`);
      return result?.failure;
    } catch (error) {
      if (flags.json) stdout.write(`${JSON.stringify(errorAsJson(error))}\n`);
      return error instanceof Error ? error : new Error(String(error));
    }
  };
}
