// PyTorch in a process of its own that runs one training step when asked (python/bench/torch_step.py).
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const local = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
const script = fileURLToPath(new URL("../python/bench/torch_step.py", import.meta.url));

/** A process for one student, or undefined with the reason said when this machine has no PyTorch. */
export async function openTorch(asked, say) {
  const python = process.env.PYTHON ?? (existsSync(local) ? local : "python3");
  const child = spawn(python, [script, JSON.stringify(asked)], { stdio: ["pipe", "pipe", "pipe"] });
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
    ...JSON.parse(first.value),
    async step() {
      child.stdin.write("\n");
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`PyTorch ended: ${errors}`);
      return Number(value);
    },
    close: () => child.stdin.end(),
  };
}
