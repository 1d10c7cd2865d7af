import { type ChildProcess, spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodeRunnerOptions, openCodeRunner } from "../../src/adapters/sandbox/open-code-runner.ts";
import { SYSTEM_PATH } from "../../src/adapters/sandbox/sandbox.ts";
import { attack } from "./attack-suite.ts";
import { ATTACKS } from "./attacks.ts";
import { isFull, isRoot, me, USER } from "./full.ts";
import { runnerAs } from "./runner-as.ts";

const attacks = ATTACKS.filter(({ isFast }) => isFull || isFast);
const path = process.env["PATH"] ?? SYSTEM_PATH;
const concurrency = 4;
const bubblewrap: CodeRunnerOptions = { backend: "bubblewrap", path, concurrency };
const unsafeLocal: CodeRunnerOptions = { backend: "unsafe-local", unsafeLocal: true, path, concurrency };

process.env["GRAPPA_TEST_SECRET"] = "k3y-0f-th3-h0us3";

test(`bubblewrap, ${me}`, async () => {
  await attack({ title: `bubblewrap, ${me}`, column: "bubblewrap", attacks }, openCodeRunner(bubblewrap));
}, 120_000);

test.runIf(isFull)(`unsafe-local, ${me}: what a plain child process holds`, async () => {
  await attack({ title: `unsafe-local, ${me}`, column: "unsafe-local", attacks }, openCodeRunner(unsafeLocal));
});

describe.runIf(isFull && isRoot)("from root", () => {
  const sleepers: ChildProcess[] = [];
  beforeAll(() => {
    for (let n = 0; n < 100; n++) {
      sleepers.push(spawn("setpriv", [`--reuid=${USER}`, "--clear-groups", "sleep", "600"], { stdio: "ignore" }));
    }
    for (const sleeper of sleepers) sleeper.on("error", () => undefined);
  });
  afterAll(() => {
    for (const sleeper of sleepers) sleeper.kill();
  });

  test("bubblewrap, as a user with 100 processes, which are left alone", async () => {
    const title = "bubblewrap, as a user with 100 processes";
    await attack({ title, column: "bubblewrap", attacks }, runnerAs(USER, bubblewrap));
    expect(sleepers.filter(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)).toEqual([]);
  }, 120_000);

  test("bubblewrap, as root, runs by a user with 100 processes, which are left alone", async () => {
    const opened = openCodeRunner({ ...bubblewrap, unprivilegedUid: USER });
    await attack({ title: "bubblewrap, as root, runs by such a user", column: "bubblewrap", attacks }, opened);
    expect(sleepers.filter(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)).toEqual([]);
  }, 120_000);

  test("bubblewrap, as an ordinary user", async () => {
    const title = "bubblewrap, as an ordinary user";
    await attack({ title, column: "bubblewrap", attacks }, runnerAs(USER + 1, bubblewrap));
  }, 120_000);

  test("unsafe-local, as an ordinary user", async () => {
    const title = "unsafe-local, as an ordinary user";
    await attack({ title, column: "unsafe-local", attacks }, runnerAs(USER + 1, unsafeLocal));
  });
});
