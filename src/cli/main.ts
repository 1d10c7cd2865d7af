#!/usr/bin/env node
/** @file The program `grappa`. It sets the exit status and lets the process end by itself. */
import { buildContext } from "./context.ts";
import { describeError, errorAsJson } from "./error-text.ts";
import { exitCodeOf } from "./exit-code.ts";
import { runCli } from "./run-cli.ts";

try {
  process.exitCode = await runCli(await buildContext(process), process.argv.slice(2));
} catch (error) {
  if (process.argv.includes("--json")) process.stdout.write(`${JSON.stringify(errorAsJson(error))}\n`);
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
