import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { nodeProcessTable } from "./process-table.ts";

const table = nodeProcessTable();

test("this process lives; one that has ended does not", async () => {
  expect(table.isAlive(table.self)).toBe(true);
  const child = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => child.once("exit", resolve));
  expect(table.isAlive({ ...table.self, pid: child.pid ?? 0, birth: "" })).toBe(false);
});

test.runIf(process.platform === "linux")("a number that went to another process is not the one that held it", () => {
  expect(table.self.birth).toMatch(/^[0-9a-f-]{36}\/\d+$/);
  expect(table.isAlive({ ...table.self, birth: table.self.birth.replace(/\d+$/, "1") })).toBe(false);
});

test("a process of another machine counts as alive: nobody here can tell", () => {
  expect(table.isAlive({ pid: 1, host: "elsewhere", birth: "" })).toBe(true);
});
