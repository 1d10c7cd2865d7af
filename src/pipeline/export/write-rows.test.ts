import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { FileSystem, FileWriter } from "../../adapters/file-system.ts";
import { writeRows } from "./write-rows.ts";

/** A disk on which a file is the pieces that were written, seen by `take`. */
function diskOf(take: (text: string) => void, events: string[] = []): FileSystem {
  const writer: FileWriter = {
    write: async (text) => take(text),
    close: async () => void events.push("close"),
    abandon: async () => void events.push("abandon"),
  };
  return {
    openWriter: async (path: string) => (events.push(path), writer),
  } as unknown as FileSystem;
}

test("writes rows that are together longer than any text may be", async () => {
  const row = { text: "x".repeat(2 ** 20) };
  const count = 2 ** 9 + 1; // V8's longest text has 2^29 - 24 characters
  let bytes = 0;
  const written = await writeRows(
    diskOf((text) => (bytes += text.length)),
    "train.jsonl",
    Array.from({ length: count }, () => row),
  );
  expect(bytes).toBe(count * (JSON.stringify(row).length + 1));
  expect(written.bytes).toBe(bytes);
});

test("says the length in bytes and the hash of what was written", async () => {
  let text = "";
  const written = await writeRows(
    diskOf((piece) => (text += piece)),
    "train.jsonl",
    [{ a: "é" }, { a: null }],
  );
  expect(text).toBe('{"a":"é"}\n{"a":null}\n');
  expect(written).toEqual({ bytes: 22, sha256: createHash("sha256").update(text).digest("hex") });
});

test("leaves no file where a row fails", async () => {
  const events: string[] = [];
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  await expect(
    writeRows(
      diskOf(() => undefined, events),
      "train.jsonl",
      [cyclic],
    ),
  ).rejects.toThrow(TypeError);
  expect(events).toEqual(["train.jsonl", "abandon"]);
});
