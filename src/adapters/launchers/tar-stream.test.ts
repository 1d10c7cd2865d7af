import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packTar, unpackTar } from "./tar-stream.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-tar-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const to = (): string => join(folder, "to");
const long = `${"very-".repeat(40)}long/${"n".repeat(90)}/ünïcode.txt`;

async function packed(files: Parameters<typeof packTar>[0]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of packTar(files, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** An archive in pieces of this size. */
async function* pieces(archive: Buffer, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
}

const unpack = (archive: Buffer, path: string): Promise<boolean> =>
  unpackTar(pieces(archive), { path, to: to(), signal });

test("the system's tar reads what we pack: bytes, folders, links followed, long names, empty files", async () => {
  mkdirSync(join(folder, "base/deep"), { recursive: true });
  writeFileSync(join(folder, "blob"), "weights");
  symlinkSync("../blob", join(folder, "base/model.bin"));
  writeFileSync(join(folder, "base/deep/empty"), "");
  const bytes = Buffer.alloc(1537, 7);
  const archive = await packed([
    { path: "train.py", bytes },
    { path: long, bytes: Buffer.from("far") },
    { path: "model", from: join(folder, "base") },
  ]);
  expect(archive.length % 512).toBe(0);
  mkdirSync(to());
  execFileSync("tar", ["-xf", "-", "-C", to()], { input: archive });
  expect(readFileSync(join(to(), "train.py"))).toEqual(bytes);
  expect(readFileSync(join(to(), long), "utf8")).toBe("far");
  expect(readFileSync(join(to(), "model/model.bin"), "utf8")).toBe("weights");
  expect(readFileSync(join(to(), "model/deep/empty"), "utf8")).toBe("");
});

test.each(["gnu", "pax", "ustar"])("we read what the system's tar packs, format %s", async (format) => {
  const deep = format === "ustar" ? "final/deep/b.txt" : `final/${long}`;
  mkdirSync(join(folder, deep, ".."), { recursive: true });
  mkdirSync(join(folder, "final/empty"));
  writeFileSync(join(folder, "final/a.bin"), Buffer.alloc(5000, 1));
  writeFileSync(join(folder, deep), "beta");
  const archive = execFileSync("tar", ["-cf", "-", `--format=${format}`, "--", "final"], { cwd: folder });
  expect(await unpack(archive, "final")).toBe(true);
  expect(readFileSync(join(to(), "a.bin"))).toEqual(Buffer.alloc(5000, 1));
  expect(readFileSync(join(to(), deep.slice("final/".length)), "utf8")).toBe("beta");
  expect(readdirSync(join(to(), "empty"))).toEqual([]);
});

test("links and what lies elsewhere are left out", async () => {
  mkdirSync(join(folder, "final"));
  symlinkSync("/etc", join(folder, "final/link"));
  writeFileSync(join(folder, "final/a.txt"), "a");
  writeFileSync(join(folder, "other"), "o");
  const archive = execFileSync("tar", ["-cf", "-", "final", "other"], { cwd: folder });
  expect(await unpack(archive, "final")).toBe(true);
  expect(readdirSync(to())).toEqual(["a.txt"]);
  expect(await unpack(archive, "none")).toBe(false);
});

test("a name that leads out of the folder is refused", async () => {
  const archive = await packed([{ path: "final/xx/evil.txt", bytes: Buffer.from("evil") }]);
  const evil = Buffer.from(archive);
  evil.write("final/../evil.txt", 0);
  await expect(unpack(evil, "final")).rejects.toMatchObject({ code: "file-corrupt" });
  expect(existsSync(join(folder, "evil.txt"))).toBe(false);
});

test("an archive that is cut short or is none is refused", async () => {
  const archive = await packed([{ path: "final", bytes: Buffer.alloc(4096, 1) }]);
  await expect(unpack(archive.subarray(0, 2000), "final")).rejects.toMatchObject({ code: "file-corrupt" });
  await expect(unpack(Buffer.alloc(1024, "x"), "final")).rejects.toMatchObject({ code: "file-corrupt" });
});

test("a file past 8 GiB has its size in base 256, as GNU's tar reads it", async () => {
  const huge = 9 * 2 ** 30;
  execFileSync("truncate", ["-s", String(huge), join(folder, "huge")]); // no block of it is stored
  const stop = new AbortController();
  let head: Buffer | undefined;
  for await (const chunk of packTar([{ path: "huge", from: join(folder, "huge") }], stop.signal)) {
    head = Buffer.from(chunk);
    break;
  }
  expect(head?.[124]).toBe(0x80);
  expect(head?.readBigUInt64BE(128)).toBe(BigInt(huge));
});
