import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { interruptProcess } from "./interrupt-process.ts";
import { processIdentity } from "./process-table.ts";

const isLinux = process.platform === "linux";
let child: ChildProcess;
let ended: Promise<string | null>;
beforeEach(async () => {
  child = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000); console.log(1)"]);
  ended = new Promise((settle) => child.on("exit", (_code, signal) => settle(signal)));
  await new Promise((settle) => child.stdout?.once("data", settle));
});
afterEach(() => void child.kill("SIGKILL"));

test.skipIf(!isLinux)("interrupts the very process, as Ctrl-C does, and tells when it is gone", async () => {
  const identity = processIdentity(child.pid!);
  expect(interruptProcess(identity)).toBe("sent");
  expect(await ended).toBe("SIGINT");
  expect(interruptProcess(identity)).toBe("gone");
});

test("leaves alone whatever may be another one", async () => {
  const identity = processIdentity(child.pid!);
  expect(interruptProcess({ ...identity, birth: "" })).toBe("not-known");
  expect(interruptProcess({ ...identity, host: "elsewhere.example" })).toBe("elsewhere");
  expect(interruptProcess({ ...identity, birth: `${identity.birth}1` })).toBe("gone");
  for (const pid of [0, 1, -child.pid!, child.pid! + 0.5, Number.NaN])
    expect(interruptProcess({ ...identity, pid })).toBe("not-known");
  expect(interruptProcess(processIdentity(process.pid))).toBe("not-known");
  await sleep(200);
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});
