import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { processTree, residentBytes } from "./process-tree.ts";

describe.skipIf(process.platform !== "linux")("a tree of processes", () => {
  test("holds children and grandchildren, and their memory counts", async () => {
    const grandchild = 'const block = Buffer.alloc(100 << 20, 1); console.log("ready"); setInterval(() => block, 1000)';
    const child = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(grandchild)}], { stdio: "inherit" })`;
    const process_ = spawn(process.execPath, ["-e", child], { stdio: ["ignore", "pipe", "ignore"], detached: true });
    const pid = process_.pid as number;
    await once(process_.stdout, "data");
    const tree = processTree(pid);
    expect(tree.length).toBe(2);
    expect(processTree(process.pid)).toEqual(expect.arrayContaining([...tree]));
    expect(residentBytes(tree)).toBeGreaterThan(100 << 20);
    expect(residentBytes([pid])).toBeLessThan(100 << 20);
    process.kill(-pid, "SIGKILL");
    await once(process_, "close");
    expect(residentBytes(tree)).toBe(0);
    expect(processTree(pid)).toEqual([pid]);
  });
});
