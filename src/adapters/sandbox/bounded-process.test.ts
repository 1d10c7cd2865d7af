import { openSync, closeSync } from "node:fs";
import { devNull } from "node:os";
import { describe, expect, test } from "vitest";
import { BoundedProcess, type ProcessCommand, runProcess } from "./bounded-process.ts";

const { signal } = new AbortController();
const USE = { stdin: "", wallMs: 20_000, outputBytes: 1000 };
const node = (code: string): ProcessCommand => ({ file: process.execPath, args: ["-e", code], env: {} });

describe.skipIf(process.platform === "win32")("a bounded process", () => {
  test("gets its input, and its output, error, status and time come back", async () => {
    const code =
      'process.stdin.on("data", (d) => process.stdout.write("<" + d + ">")).on("end", () => { console.error("e"); process.exitCode = 3 })';
    const end = await runProcess(node(code), { ...USE, stdin: "in" }, signal);
    expect(end).toMatchObject({ cause: "exited", exitCode: 3, signal: null, stdout: "<in>", stderr: "e\n" });
    expect(end.wallMs).toBeGreaterThan(1);
  });

  test("has no environment, reads its texts and writes its report", async () => {
    const code =
      'const fs = require("fs"); fs.writeSync(4, fs.readFileSync(3)); console.log(Object.keys(process.env).length)';
    const end = await runProcess({ ...node(code), inputs: ["text"], hasReport: true }, USE, signal);
    expect(end).toMatchObject({ stdout: "0\n", report: "text" });
  });

  test("is killed at the wall clock, with the processes that it started", async () => {
    const child = 'setInterval(() => process.stdout.write("."), 50)';
    const code = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); for (;;);`;
    const end = await runProcess(node(code), { ...USE, wallMs: 800 }, signal);
    expect(end).toMatchObject({ cause: "timeout", signal: "SIGKILL" });
    expect(end.wallMs).toBeLessThan(5000);
  });

  test("is killed when it prints too much, and the first bytes are kept", async () => {
    const end = await runProcess(node('for (;;) require("fs").writeSync(1, "x".repeat(100))'), USE, signal);
    expect(end.cause).toBe("output_limit");
    expect(end.stdout).toBe("x".repeat(1000));
  });

  test.skipIf(process.platform !== "linux")(
    "is killed when it and what it started hold too much together",
    async () => {
      const hold = "const block = Buffer.alloc(80 << 20, 1); setInterval(() => block, 1000)";
      const code = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(hold)}], { stdio: "inherit" }); ${hold}`;
      const end = await runProcess(node(code), { ...USE, memoryBytes: 140 << 20 }, signal);
      expect(end).toMatchObject({ cause: "memory_limit", signal: "SIGKILL" });
      const alone = await runProcess(node("setTimeout(() => 0, 300)"), { ...USE, memoryBytes: 140 << 20 }, signal);
      expect(alone).toMatchObject({ cause: "exited", exitCode: 0 });
    },
  );

  test("ends though a process that it left behind holds its output open", async () => {
    const code =
      'require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => 0, 5000)"], { stdio: "inherit", detached: true }).unref()';
    const end = await runProcess(node(code), USE, signal);
    expect(end).toMatchObject({ cause: "exited", exitCode: 0 });
    expect(end.wallMs).toBeLessThan(4500);
  });

  test("that cannot be started says so, and reads of its report end", async () => {
    const command = { file: "/nowhere/at/all", args: [], env: {}, hasReport: true };
    expect(await runProcess(command, USE, signal)).toMatchObject({ cause: "failed", exitCode: null });
    expect(await new BoundedProcess(command).firstReport()).toBe("");
  });

  test("that has ended before anybody asks still says how", async () => {
    const process = new BoundedProcess({ ...node("process.exit(5)"), hasReport: true });
    expect(await process.firstReport()).toBe("");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await process.finish(USE, signal)).toMatchObject({ cause: "exited", exitCode: 5 });
  });

  test("is killed when the caller gives up", async () => {
    const controller = new AbortController();
    const running = runProcess(node("for (;;);"), USE, controller.signal);
    setTimeout(() => controller.abort(new Error("enough")), 200);
    await expect(running).rejects.toThrow("enough");
    await expect(runProcess(node("0"), USE, controller.signal)).rejects.toThrow("enough");
  });

  test("does not write to a process that is gone as if that were our failure", async () => {
    const end = await runProcess(node("process.exit(0)"), { ...USE, stdin: "x".repeat(1 << 20) }, signal);
    expect(end).toMatchObject({ cause: "exited", exitCode: 0 });
  });

  test.skipIf(process.platform !== "linux")("inherits no descriptor, whoever opened it", async () => {
    // Node opens everything closed on exec; a child's standard input, handed on as number 9, is not.
    const log = openSync(devNull, "r");
    const inner =
      'import("' +
      new URL("./bounded-process.js", distFolder()).href +
      '").then(async (m) => { const end = await m.runProcess({ file: process.execPath, args: ["-e", "console.log(require(\\"fs\\").fstatSync(9).isFile())"], env: {} }, { stdin: "", wallMs: 9000, outputBytes: 999 }, new AbortController().signal); console.log(end.stdout.trim()) })';
    const { spawnSync } = await import("node:child_process");
    const file = openSync(new URL(import.meta.url).pathname, "r");
    const outer = spawnSync(process.execPath, ["-e", inner], {
      stdio: ["ignore", "pipe", "pipe", ...Array.from({ length: 6 }, () => "ignore" as const), file],
    });
    closeSync(file);
    closeSync(log);
    expect(outer.stdout.toString().trim()).toBe("false");
  });
});

const distFolder = (): URL => new URL("../../../dist/adapters/sandbox/", import.meta.url);
