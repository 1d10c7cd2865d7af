// PyTorch in a process of its own that answers line by line: a training step (python/bench/torch_step.py), or replies of
// `transformers` (python/bench/generate_tokens.py).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const local = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));

/** A process of a script in python/bench, or undefined with the reason said when this machine lacks what it imports. */
export async function openPython(script, asked, say) {
  const python = process.env.PYTHON ?? (existsSync(local) ? local : "python3");
  const path = fileURLToPath(new URL(`../python/bench/${script}`, import.meta.url));
  const child = spawn(python, [path, JSON.stringify(asked)], { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  child.stdin.on("error", () => undefined);
  child.on("error", (error) => (errors += error.message));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) {
    say(
      `  no comparison with PyTorch: ${errors.trim().split("\n").at(-1)} (npm run test:python makes .venv; or set PYTHON)`,
    );
    return undefined;
  }
  return {
    about: JSON.parse(first.value),
    /** Sends a line; what is printed in answer. */
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`PyTorch ended: ${errors}`);
      return JSON.parse(value);
    },
    close: () => child.stdin.end(),
  };
}

/** A process for one student's training steps, or undefined. */
export async function openTorch(asked, say) {
  const python = await openPython("torch_step.py", asked, say);
  if (python === undefined) return undefined;
  const { about, ask, close } = python;
  return { ...about, step: async () => Number(await ask("")), close };
}
