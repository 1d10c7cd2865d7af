import { expect, test } from "vitest";
import type { AppError } from "../../src/core/errors.ts";
import { openCodeRunner } from "../../src/adapters/sandbox/open-code-runner.ts";
import { DEFAULT_CODE_LIMITS as limits } from "../../src/grade/code/code-limits.ts";
import { isFull } from "./full.ts";
import { pathWith } from "./path-with.ts";

const run = { language: "python", files: { "main.py": "print(input())" }, stdin: "hello", limits } as const;
const { signal } = new AbortController();

// Pyodide takes seconds to open, half a minute where the machine is busy: with `npm run test:sandbox` only.
test.runIf(isFull)(
  "without bwrap and a daemon Pyodide runs the code, in namespaces where unshare makes them, and says so",
  async () => {
    const path = await pathWith("setpriv", "prlimit", "unshare");
    if (path === undefined) return console.log("SKIP Pyodide in unshare: setpriv, prlimit or unshare is not on PATH");
    const runner = await openCodeRunner({ path, allowPartialSandbox: true, spares: 0 }, signal);
    try {
      console.log(`  without bwrap: ${runner.backend}, ${runner.version}`);
      expect(runner.backend).toBe("pyodide");
      expect(runner.version).toMatch(/^pyodide [\d.]+, (?:unshare|network open)$/);
      expect(runner.isPartial).toBe(runner.version.endsWith("network open"));
      expect(await runner.run(run, signal)).toMatchObject({ status: "ok", stdout: "hello\n" });
    } finally {
      await runner.close();
    }
  },
  300_000,
);

test.runIf(isFull)(
  "a sandbox that leaves the network open is refused with what to do, and taken when allowed",
  async () => {
    const path = (await pathWith()) as string;
    const error = (await openCodeRunner({ path, spares: 0 }, signal).catch((thrown) => thrown)) as AppError;
    expect(error).toMatchObject({ code: "sandbox" });
    expect(error.message).toContain("bubblewrap: no bwrap on PATH; container: no docker on PATH; no podman on PATH");
    expect(error.message).toMatch(/pyodide: works, but leaves something open \(pyodide [\d.]+, network open/);
    expect(error.hint).toContain("Install bubblewrap");
    expect(error.hint).toContain("--allow-partial-sandbox");
    const runner = await openCodeRunner({ path, spares: 0, allowPartialSandbox: true }, signal);
    try {
      expect(runner).toMatchObject({ backend: "pyodide", isPartial: true });
      expect(runner.version).toContain("network open");
      expect(await runner.run(run, signal)).toMatchObject({ status: "ok", stdout: "hello\n" });
    } finally {
      await runner.close();
    }
  },
);
