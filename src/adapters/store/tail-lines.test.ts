import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LineTail } from "./tail-lines.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-tail-"));
  path = join(folder, "events.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("reads what is new, and a line without its end only when that has come", async () => {
  const tail = new LineTail(path, 100);
  expect(await tail.read()).toEqual({ lines: [], isRestarted: false });
  writeFileSync(path, "one\ntw");
  expect(await tail.read()).toEqual({ lines: ["one"], isRestarted: false });
  expect(await tail.read()).toEqual({ lines: [], isRestarted: false });
  appendFileSync(path, "o é\nthree\n");
  expect(await tail.read()).toEqual({ lines: ["two é", "three"], isRestarted: false });
});

test("a file that became shorter, went, or was replaced is read from its beginning", async () => {
  const tail = new LineTail(path, 100);
  writeFileSync(path, "a long first line\n");
  await tail.read();
  writeFileSync(path, "b\n");
  expect(await tail.read()).toEqual({ lines: ["b"], isRestarted: true });
  rmSync(path);
  expect(await tail.read()).toEqual({ lines: [], isRestarted: true });
  writeFileSync(path, "c\n");
  expect((await tail.read()).lines).toEqual(["c"]);
});

test("passes over a line past the limit, however long it is, and goes on after it", async () => {
  const tail = new LineTail(path, 10);
  writeFileSync(path, `short\n${"x".repeat(2_000_000)}`);
  expect((await tail.read()).lines).toEqual(["short"]);
  appendFileSync(path, "xx\nafter\n");
  expect((await tail.read()).lines).toEqual(["after"]);
});
