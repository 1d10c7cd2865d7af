import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodeRunnerOptions, openCodeRunner } from "../../src/adapters/sandbox/open-code-runner.ts";
import { SYSTEM_PATH } from "../../src/adapters/sandbox/sandbox.ts";
import type { CodeRunner } from "../../src/grade/code/code-runner.ts";
import { runAttacks, tableOf } from "./attack-suite.ts";
import { ATTACKS, type Column } from "./attacks.ts";
import { pathWith } from "./path-with.ts";
import { runnerAs } from "./runner-as.ts";

// All of them with GRAPPA_ATTACKS=all (`npm run test:sandbox`), else those that take a moment, in bubblewrap alone.
const isFull = process.env["GRAPPA_ATTACKS"] === "all";
const attacks = ATTACKS.filter(({ isFast }) => isFull || isFast);
const isRoot = process.getuid?.() === 0;
/** A user that nothing else on this machine is. */
const USER = 54_321;

process.env["GRAPPA_TEST_SECRET"] = "k3y-0f-th3-h0us3";

async function attack(title: string, column: Column, opened: Promise<CodeRunner | string>): Promise<void> {
  // Half a second a run: as a second user, Pyodide gets the short list.
  const isShort = column !== "bubblewrap" && title.endsWith("ordinary user");
  const runner = await opened.catch((error: Error) => error.message);
  if (typeof runner === "string") {
    console.log(`SKIP ${title}: ${runner}`);
    return;
  }
  try {
    const rows = await runAttacks(runner, isShort ? attacks.filter(({ isFast }) => isFast) : attacks, column);
    console.log(tableOf(`${title}: ${runner.version}${runner.isPartial ? " (partial)" : ""}`, rows));
    expect(rows.filter(({ expected, observed }) => observed !== expected)).toEqual([]);
    expect(rows.length).toBeGreaterThan(10);
    expect(runner.isPartial).toBe(column === "pyodide alone");
  } finally {
    await runner.close();
  }
}

const open = (options: CodeRunnerOptions): Promise<CodeRunner> => openCodeRunner({ spares: 0, ...options });
const me = isRoot ? "as root" : "as an ordinary user";

describe("bubblewrap", () => {
  const options: CodeRunnerOptions = { backend: "bubblewrap", path: process.env["PATH"] ?? SYSTEM_PATH };
  test(me, () => attack(`bubblewrap, ${me}`, "bubblewrap", open(options)), 300_000);

  describe.skipIf(!isRoot)("from root", () => {
    const sleepers: ReturnType<typeof spawn>[] = [];
    beforeAll(() => {
      for (let n = 0; n < 100; n++) {
        sleepers.push(spawn("setpriv", [`--reuid=${USER}`, "--clear-groups", "sleep", "600"], { stdio: "ignore" }));
      }
      for (const sleeper of sleepers) sleeper.on("error", () => undefined);
    });
    afterAll(() => {
      for (const sleeper of sleepers) sleeper.kill();
    });

    test("as a user with 100 processes", async () => {
      await attack("bubblewrap, as a user with 100 processes", "bubblewrap", runnerAs(USER, options));
    }, 300_000);

    test.runIf(isFull)(
      "as root, runs by a user with 100 processes",
      async () => {
        const opened = open({ ...options, unprivilegedUid: USER });
        await attack("bubblewrap, as root, runs by a user with 100 processes", "bubblewrap", opened);
      },
      300_000,
    );

    test.runIf(isFull)(
      "as an ordinary user",
      async () => {
        await attack("bubblewrap, as an ordinary user", "bubblewrap", runnerAs(USER + 1, options));
      },
      300_000,
    );
  });
});

describe.runIf(isFull)("pyodide", () => {
  const options: CodeRunnerOptions = { backend: "pyodide", allowPartialSandbox: true };
  const columns = {
    "pyodide in bubblewrap": ["setpriv", "prlimit", "bwrap"],
    "pyodide in unshare": ["setpriv", "prlimit", "unshare"],
    "pyodide alone": ["setpriv", "prlimit"],
  } as const;
  for (const [column, programs] of Object.entries(columns) as [Column, readonly string[]][]) {
    test(`${column}, ${me}`, async () => {
      const path = await pathWith(...programs);
      if (path === undefined) return console.log(`SKIP ${column}: one of ${programs.join(", ")} is not on PATH`);
      await attack(`${column}, ${me}`, column, open({ ...options, path }));
    }, 900_000);
    test.runIf(isRoot)(
      `${column}, as an ordinary user`,
      async () => {
        const path = await pathWith(...programs);
        if (path === undefined) return console.log(`SKIP ${column}: one of ${programs.join(", ")} is not on PATH`);
        await attack(`${column}, as an ordinary user`, column, runnerAs(USER, { ...options, path, spares: 0 }));
      },
      900_000,
    );
  }
});
