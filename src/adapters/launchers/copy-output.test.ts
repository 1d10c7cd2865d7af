import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { copyOutput } from "./copy-output.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-copy-"));
  mkdirSync(join(folder, "out/final"), { recursive: true });
  writeFileSync(join(folder, "out/final/a.txt"), "alpha");
  writeFileSync(join(folder, "secret"), "of somebody else");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const copy = (path: string): Promise<boolean> =>
  copyOutput(join(folder, "out"), path, { to: join(folder, "to"), signal: new AbortController().signal });

test("a link in place of a file or of a folder is refused", async () => {
  symlinkSync("../secret", join(folder, "out/link"));
  symlinkSync("..", join(folder, "out/up"));
  await expect(copy("link")).rejects.toMatchObject({ code: "file-denied" });
  await expect(copy("up/secret")).rejects.toMatchObject({ code: "file-denied" });
  expect(readdirSync(folder).sort()).toEqual(["out", "secret"]);
});

test("links within a folder are left out", async () => {
  symlinkSync("../../secret", join(folder, "out/final/link"));
  symlinkSync("../..", join(folder, "out/final/up"));
  expect(await copy("final")).toBe(true);
  expect(readdirSync(join(folder, "to"))).toEqual(["a.txt"]);
});

test("what was there before is replaced as a whole, and kept where nothing comes", async () => {
  mkdirSync(join(folder, "to"));
  writeFileSync(join(folder, "to/old.txt"), "old");
  expect(await copy("none")).toBe(false);
  expect(readdirSync(join(folder, "to"))).toEqual(["old.txt"]);
  expect(await copy("final/a.txt")).toBe(true);
  expect(readFileSync(join(folder, "to"), "utf8")).toBe("alpha");
});
