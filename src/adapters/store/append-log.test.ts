import { execFileSync } from "node:child_process";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppendLog } from "./append-log.ts";
import { type DurableFiles, nodeDurableFiles, type OpenFile } from "./durable-files.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-log-"));
  path = join(folder, "log.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (): Promise<string> => readFile(path, "utf8");

describe("append log", () => {
  it("keeps order, shares commits, and reads its own lines back", async () => {
    let syncs = 0;
    const log = await AppendLog.open(path, { files: watched(() => (syncs += 1)) });
    const opened = syncs;
    const spans = await Promise.all(Array.from({ length: 1000 }, (_, n) => log.append({ n, word: "é" })));
    expect(syncs - opened).toBeLessThanOrEqual(2);
    expect(JSON.parse((await log.read(spans[617] as never)).toString())).toEqual({ n: 617, word: "é" });
    await log.close();
    const lines = (await text()).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).n)).toEqual(Array.from({ length: 1000 }, (_, n) => n));
  });

  it("resolves a line only after its fsync", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let isGated = false;
    const log = await AppendLog.open(path, { files: watched(() => (isGated ? gate : undefined)) });
    isGated = true;
    let isDurable = false;
    const appended = log.append(1).then(() => (isDurable = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isDurable).toBe(false);
    release();
    await appended;
    await log.close();
  });

  it("commits what is pending when it closes, then takes no more", async () => {
    const log = await AppendLog.open(path);
    const appended = log.append("last");
    await log.close();
    await appended;
    expect(await text()).toBe('"last"\n');
    await expect(log.append("late")).rejects.toThrow("closed");
  });

  it.each([
    ["behind whole lines", '1\n2\n{"cut', "1\n2\n", 4, 5],
    ["as the only line", '{"cut', "", 0, 5],
    ["longer than a block", `1\n${"x".repeat(200_000)}`, "1\n", 2, 200_000],
  ])("reports and removes a torn line %s", async (_where, before, after, offset, sizeBytes) => {
    await writeFile(path, before);
    const torn: unknown[] = [];
    const log = await AppendLog.open(path, { onTornLine: (line) => torn.push(line) });
    expect(torn).toEqual([{ path, offset, sizeBytes }]);
    await log.append(3);
    await log.close();
    expect(await text()).toBe(`${after}3\n`);
  });

  it("reports nothing for a whole log", async () => {
    await writeFile(path, "1\n");
    const torn: unknown[] = [];
    await (await AppendLog.open(path, { onTornLine: (line) => torn.push(line) })).close();
    expect(torn).toEqual([]);
  });

  it("refuses a line that no reader would take, and goes on", async () => {
    const log = await AppendLog.open(path);
    await expect(log.append("x".repeat(17 * 1024 * 1024))).rejects.toMatchObject({ code: "limit-exceeded" });
    await log.append("y");
    await log.close();
    expect(await text()).toBe('"y"\n');
  });

  it("cuts half a line off when the disk fills, and says so for every line that waits", async () => {
    let isFull = false;
    const log = await AppendLog.open(path, { files: fillingUp(() => isFull) });
    await log.append("whole");
    isFull = true;
    const results = await Promise.allSettled([log.append("half"), log.append("not at all")]);
    expect(results.map((result) => (result as PromiseRejectedResult).reason.code)).toEqual(["disk-full", "disk-full"]);
    await expect(log.append("later")).rejects.toMatchObject({ code: "disk-full" });
    await log.close();
    expect(await text()).toBe('"whole"\n');
  });

  it("survives a really full disk", async (context) => {
    if (!mountSmallDisk(folder)) return context.skip("needs root and mount, to make a small tmpfs");
    try {
      const log = await AppendLog.open(path);
      await log.append("whole");
      await expect(log.append("x".repeat(2_000_000))).rejects.toMatchObject({ code: "disk-full" });
      await log.close();
      expect(await text()).toBe('"whole"\n');
      const again = await AppendLog.open(path);
      await again.append("goes on");
      await again.close();
      expect(await text()).toBe('"whole"\n"goes on"\n');
    } finally {
      execFileSync("umount", [folder]);
    }
  });

  it("goes on behind what another program appended before it was opened", async () => {
    await writeFile(path, "1\n");
    await appendFile(path, "2\n");
    const log = await AppendLog.open(path);
    expect(await log.append(3)).toEqual({ offset: 4, sizeBytes: 1 });
    await log.close();
    expect(await text()).toBe("1\n2\n3\n");
  });
});

/** Whether a tmpfs of 1 MiB could be mounted over `target`. */
function mountSmallDisk(target: string): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", target], { stdio: "ignore" });
    return true;
  } catch {
    return false; // no right to mount, as in most containers
  }
}

const bind = (file: OpenFile): OpenFile => ({
  write: (...args) => file.write(...args),
  sync: () => file.sync(),
  read: (...args) => file.read(...args),
  truncate: (length) => file.truncate(length),
  stat: () => file.stat(),
  close: () => file.close(),
});

/** Real files that report each fsync, and wait for what the report returns. */
function watched(onSync: () => unknown): DurableFiles {
  return {
    ...nodeDurableFiles,
    open: async (name, flags) => {
      const file = await nodeDurableFiles.open(name, flags);
      return {
        ...bind(file),
        sync: async () => {
          await onSync();
          await file.sync();
        },
      };
    },
  };
}

/** Real files on a disk that takes four bytes of a write and no more once `isFull` says so. */
function fillingUp(isFull: () => boolean): DurableFiles {
  return {
    ...nodeDurableFiles,
    open: async (name, flags) => {
      const file = await nodeDurableFiles.open(name, flags);
      let room = 4;
      return {
        ...bind(file),
        write: async (data, offset, length, position) => {
          if (!isFull()) return file.write(data, offset, length, position);
          if (room === 0) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
          const size = Math.min(room, length);
          room -= size;
          return file.write(data, offset, size, position);
        },
      };
    },
  };
}
