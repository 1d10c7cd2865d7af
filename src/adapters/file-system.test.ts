import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { fileError } from "./file-error.ts";
import { nodeFileSystem } from "./file-system.ts";

const fs = nodeFileSystem();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-fs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "no error",
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

describe("makeFolder", () => {
  test("makes folders above it, minds none that is there, and is quick about what cannot be", async () => {
    const deep = join(folder, "a/b/c");
    await Promise.all(Array.from({ length: 10 }, () => fs.makeFolder(deep)));
    expect(await fs.kind(deep)).toBe("folder");
    await fs.makeFolder(deep);
    await fs.writeAtomic(join(folder, "file"), "x");
    expect(await codeOf(fs.makeFolder(join(folder, "file")))).toBe("file-denied");
    expect(await codeOf(fs.makeFolder(join(folder, "file/below")))).toBe("file-missing");
  });

  test.runIf(existsSync("/proc/self"))("a parent that refuses children is an error, not an endless loop", async () => {
    expect(await codeOf(fs.makeFolder("/proc/grappa"))).toBe("file-missing");
  });
});

describe("files appear whole", () => {
  test("writeAtomic replaces, makes folders, and leaves nothing else", async () => {
    const path = join(folder, "a/b.txt");
    await fs.writeAtomic(path, "old");
    await fs.writeAtomic(path, new Uint8Array([110, 101, 119]));
    expect(await readFile(path, "utf8")).toBe("new");
    expect(await fs.names(join(folder, "a"))).toEqual(["b.txt"]);
  });

  test("a writer's file has its name only after close, and none after abandon", async () => {
    const path = join(folder, "rows.jsonl");
    const writer = await fs.openWriter(path);
    await writer.write("1\n");
    await writer.write("2\n");
    expect(await fs.kind(path)).toBe("none");
    await writer.close();
    expect(await readFile(path, "utf8")).toBe("1\n2\n");
    const other = await fs.openWriter(join(folder, "gone"));
    await other.write("x");
    await other.abandon();
    expect(await fs.names(folder)).toEqual(["rows.jsonl"]);
  });

  test("a large file is written in order", async () => {
    const path = join(folder, "large");
    const writer = await fs.openWriter(path);
    const line = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 30_000; i++) await writer.write(line);
    await writer.close();
    expect(await fs.digest(path)).toEqual({ bytes: 3_000_000, lines: 30_000, sha256: sha256Hex(line.repeat(30_000)) });
  });

  test("createExclusive gives one of many the file", async () => {
    const path = join(folder, "lock");
    const won = await Promise.all(Array.from({ length: 20 }, (_, who) => fs.createExclusive(path, String(who))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, "utf8")).toBe(String(won.indexOf(true)));
    expect(await fs.names(folder)).toEqual(["lock"]);
  });
});

describe("reading", () => {
  test("list is ordered, relative, with forward slashes, and follows no links", async () => {
    for (const name of ["b", "a/c", "a/b"]) await fs.writeAtomic(join(folder, name), name);
    await symlink(join(folder, "b"), join(folder, "link"));
    expect(await fs.list(folder)).toEqual([
      { path: "a/b", bytes: 3 },
      { path: "a/c", bytes: 3 },
      { path: "b", bytes: 1 },
    ]);
    expect(await fs.list(join(folder, "none"))).toEqual([]);
  });

  test("what another process removes while it is listed counts as gone, whenever that happens", async () => {
    const make = async (): Promise<void> => {
      for (let n = 0; n < 40; n++) await fs.writeAtomic(join(folder, `stage/${n % 8}/${n}`), "text");
    };
    for (let round = 0; round < 10; round++) {
      await make();
      const listings = Array.from({ length: 4 }, () => fs.list(folder));
      const [gone] = await Promise.all([rm(join(folder, "stage"), { recursive: true }), ...listings]);
      expect(gone).toBeUndefined();
      for (const entry of (await Promise.all(listings)).flat()) expect(entry.bytes).toBe(4);
    }
    expect(await fs.list(folder)).toEqual([]);
  });

  test("lines come without ends, the last one also when it is not ended", async () => {
    await writeFile(join(folder, "t"), "a\n\nb");
    const lines: string[] = [];
    for await (const line of fs.readLines(join(folder, "t"), 10)) lines.push(line);
    expect(lines).toEqual(["a", "", "b"]);
  });

  test("size caps are kept", async () => {
    await writeFile(join(folder, "t"), "x".repeat(100));
    expect(await codeOf(fs.readText(join(folder, "t"), 99))).toBe("limit-exceeded");
    expect(await fs.readText(join(folder, "t"), 100)).toHaveLength(100);
  });

  test.each([
    ["a file that is not there", () => fs.readText(join(folder, "none"), 1), "file-missing"],
    ["a folder where a file should be", () => fs.readText(folder, 1), "file-missing"],
    ["a file where a folder should be", () => fs.writeAtomic("/dev/null/x", ""), "file-denied"],
  ])("%s", async (_phenomenon, work, code) => {
    expect(await codeOf(work())).toBe(code);
  });
});

test("system errors become AppErrors that name the path; bugs stay bugs", () => {
  const full = fileError("/data/x", Object.assign(new Error("write"), { code: "ENOSPC" }));
  expect(full).toMatchObject({ code: "disk-full", message: "/data/x: no space left on the device", isRetryable: true });
  expect(fileError("/x", Object.assign(new Error(""), { code: "EACCES" }))).toMatchObject({ code: "file-denied" });
  expect(fileError("/x", Object.assign(new Error(""), { code: "EIO" }))).toMatchObject({
    code: "file-denied",
    message: "/x: EIO",
  });
  const bug = new TypeError("bug");
  expect(fileError("/x", bug)).toBe(bug);
});
