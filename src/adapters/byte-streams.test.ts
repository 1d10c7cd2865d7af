import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readBytes, writeAndWait } from "./byte-streams.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-bytes-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const never = new AbortController().signal;

async function sizeOf(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of chunks) size += chunk.length;
  return size;
}

test("reads a file, and names the one that is missing", async () => {
  await writeFile(join(folder, "a"), "x".repeat(200_000));
  expect(await sizeOf(readBytes(join(folder, "a"), never))).toBe(200_000);
  await expect(sizeOf(readBytes(join(folder, "b"), never))).rejects.toMatchObject({ code: "file-missing" });
});

test("an aborted reading ends quietly", async () => {
  const controller = new AbortController();
  const waiting = sizeOf(readBytes(new Readable({ read: () => undefined }), controller.signal));
  controller.abort();
  expect(await waiting).toBe(0);
});

test("a write waits until the reader took what came before", async () => {
  const pipe = new PassThrough({ highWaterMark: 4 });
  let isWritten = false;
  const writing = writeAndWait(pipe, "abcdefgh").then((isOpen) => {
    isWritten = true;
    return isOpen;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isWritten).toBe(false);
  pipe.resume();
  expect(await writing).toBe(true);
});

test("a reader that went away is told, not thrown", async () => {
  const pipe = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => done(Object.assign(new Error("closed"), { code: "EPIPE" })),
  });
  pipe.on("error", () => undefined);
  expect(await writeAndWait(pipe, "abc")).toBe(false);
  expect(await writeAndWait(pipe, "abc")).toBe(false);
});
