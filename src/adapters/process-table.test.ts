import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { nodeProcessTable } from "./process-table.ts";

const table = nodeProcessTable();

test("this process lives; one that has ended does not", async () => {
  expect(table.isAlive(table.self)).toBe(true);
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  expect(table.isAlive({ ...table.self, pid: child.pid ?? 0, birth: "" })).toBe(false);
});

test.runIf(process.platform === "linux")("one that was killed and has not been reaped is gone", async () => {
  // The shell leaves a child behind and becomes `sleep`, which reaps nobody.
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"]);
  const pid = Number(await new Promise((resolve) => parent.stdout.once("data", (text) => resolve(String(text)))));
  const identity = { ...table.self, pid, birth: "" };
  expect(table.isAlive(identity)).toBe(true);
  await vi.waitFor(() => expect(readFileSync(`/proc/${parent.pid}/comm`, "utf8")).toBe("sleep\n"));
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(table.isAlive(identity)).toBe(false));
  expect(() => process.kill(pid, 0)).not.toThrow(); // it still answers: that alone says nothing
  parent.kill("SIGKILL");
});

test.runIf(process.platform === "linux")("a number that went to another process is not the one that held it", () => {
  expect(table.self.birth).toMatch(/^[0-9a-f-]{36}\/\d+$/);
  expect(table.isAlive({ ...table.self, birth: table.self.birth.replace(/\d+$/, "1") })).toBe(false);
});

test("a process of another machine counts as alive: nobody here can tell", () => {
  expect(table.isAlive({ pid: 1, host: "elsewhere", birth: "" })).toBe(true);
});
