// A code runner in a process of its own, so that a test can have one under another user:
// node runner-process.mjs OPTIONS-AS-JSON; runs come as JSON lines on standard input, results go out as JSON lines.
import { createInterface } from "node:readline";
import { openCodeRunner } from "../../dist/adapters/sandbox/open-code-runner.js";

const signal = new AbortController().signal;
const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
try {
  const runner = await openCodeRunner(JSON.parse(process.argv[2]), signal);
  const { backend, version, isPartial } = runner;
  answer({ backend, version, isPartial });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, run } = JSON.parse(line);
    void runner.run(run, signal).then((result) => answer({ id, result }));
  }
  await runner.close();
} catch (error) {
  answer({ error: error.message });
}
