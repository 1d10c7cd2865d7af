import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { markedProcesses } from "./job-processes.ts";
import { askForEnd, readEnd, type TryEnd, writeEnd } from "./local-try.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-supervisor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Lets the supervisor's program watch over a shell script; how it ended, and how long that took. */
async function supervised(
  script: string,
  { graceSeconds = 5, timeoutSeconds = null as number | null } = {},
  during: () => Promise<void> = async () => undefined,
): Promise<{ end: TryEnd | undefined; mark: string }> {
  const mark = Buffer.from(folder).toString("hex");
  const child = spawn(process.execPath, [resolve("dist/adapters/launchers/supervise.js"), folder], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const order = { command: ["sh", "-c", script], cwd: folder, environment: { OUT: folder }, mark };
  child.stdin.end(JSON.stringify({ ...order, timeoutSeconds, graceSeconds }));
  const ended = new Promise((done) => child.once("exit", done));
  await during();
  await ended;
  return { end: await readEnd(folder), mark };
}

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((done) => setTimeout(done, 20));
};
const written = (name: string): string => {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return "";
  }
};

test("an exit code is written down", async () => {
  const { end } = await supervised("exit 7");
  expect(end).toMatchObject({ reason: "exited", exitCode: 7, signal: null, detail: "exit code 7" });
});

test("a program that is not there is told as such", async () => {
  const child = spawn(process.execPath, [resolve("dist/adapters/launchers/supervise.js"), folder], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const order = { command: [join(folder, "none")], cwd: folder, environment: {}, mark: "aa" };
  child.stdin.end(JSON.stringify({ ...order, timeoutSeconds: null, graceSeconds: 1 }));
  await new Promise((done) => child.once("exit", done));
  expect(await readEnd(folder)).toMatchObject({
    exitCode: null,
    detail: expect.stringContaining("could not be started"),
  });
});

test("past its time it is asked to end, and killed where it does not listen", async () => {
  const { end, mark } = await supervised("trap '' TERM; sleep 600 & wait; sleep 600", {
    timeoutSeconds: 0.2,
    graceSeconds: 0.3,
  });
  expect(end).toMatchObject({ reason: "timed-out", signal: "SIGKILL" });
  expect(markedProcesses(mark)).toEqual([]);
});

test("one that listens has the time to save", async () => {
  const { end } = await supervised(
    "trap 'sleep 0.5; echo saved > $OUT/saved; exit 0' TERM; echo up > $OUT/up; while :; do sleep 0.05; done",
    {},
    async () => {
      await until(() => written("up") !== "");
      await askForEnd(folder);
    },
  );
  expect(end).toMatchObject({ reason: "cancelled", exitCode: 0 });
  expect(written("saved")).toBe("saved\n");
});

test.runIf(process.platform === "linux")("what it leaves behind is ended, in whatever session it hides", async () => {
  const { end, mark } = await supervised("setsid sleep 600 & echo $! > $OUT/pid; exit 0");
  expect(end).toMatchObject({ reason: "exited", exitCode: 0 });
  expect(markedProcesses(mark)).toEqual([]);
  await until(() => isGone(Number(written("pid"))));
});

test("a try that somebody took for dead is not started", async () => {
  const end = { reason: "not-started", exitCode: null, signal: null, detail: "never started", endedAt: 1 } as const;
  await writeEnd(folder, end);
  expect((await supervised("echo up > $OUT/up")).end).toEqual(end);
  expect(written("up")).toBe("");
});

test("one that a launcher took for dead while it came up is ended: another try may run by now", async () => {
  const end = { reason: "not-started", exitCode: null, signal: null, detail: "never started", endedAt: 1 } as const;
  const during = async (): Promise<void> => {
    await until(() => written("up") !== "");
    await writeEnd(folder, end);
  };
  const ended = await supervised("echo up > $OUT/up; while :; do sleep 0.05; done", {}, during);
  expect(ended.end).toEqual(end);
  expect(markedProcesses(ended.mark)).toEqual([]);
});

test("how it ended is written once: the first word counts", async () => {
  const end = { reason: "exited", exitCode: 0, signal: null, detail: "exit code 0", endedAt: 1 } as const;
  expect(await writeEnd(folder, end)).toBe(true);
  expect(await writeEnd(folder, { ...end, exitCode: 1 })).toBe(false);
  expect(await readEnd(folder)).toEqual(end);
});

test("a record that is none is refused by its path", async () => {
  writeFileSync(join(folder, "end.json"), '{"reason": "exi');
  await expect(readEnd(folder)).rejects.toMatchObject({
    code: "file-corrupt",
    message: expect.stringContaining("end.json"),
  });
});

function isGone(pid: number): boolean {
  try {
    return /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}
