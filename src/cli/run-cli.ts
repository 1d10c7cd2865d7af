import { run } from "@stricli/core";
import { buildApp } from "./app.ts";
import type { CliContext } from "./context.ts";
import { exitCodeOfScanner } from "./exit-code.ts";

/**
 * Runs one command line and gives its exit status. With `--json`, a command line that cannot be understood also ends
 * standard output with one line of JSON, as every other failure does.
 */
export async function runCli(context: CliContext, args: readonly string[]): Promise<number> {
  const messages: string[] = [];
  const stderr = {
    ...context.process.stderr,
    write: (text: string) => {
      messages.push(text);
      context.process.stderr.write(text);
    },
  };
  const host = { ...context.process, stderr };
  await run(buildApp(context.version), askedForHelp(args), { ...context, process: host });
  const code = exitCodeOfScanner(host.exitCode);
  const isScannerFault = Number(host.exitCode ?? 0) < 0;
  if (isScannerFault && args.includes("--json")) {
    const [message = "", hint = null] = messages.join("").trim().split("\nhint: ");
    const error = { code: "usage", message: message.replace(/^error: /, ""), hint, isRetryable: false, data: {} };
    context.process.stdout.write(`${JSON.stringify({ error })}\n`);
  }
  return code;
}

/** `help` and `help COMMAND`, as other tools have it, in the words of this one. */
function askedForHelp(args: readonly string[]): readonly string[] {
  return args[0] === "help" ? [...args.slice(1).filter((arg) => arg !== "--json"), "--help"] : args;
}
