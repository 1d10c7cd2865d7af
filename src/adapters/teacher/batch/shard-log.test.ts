import { appendFile, mkdtemp, rm, truncate, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { liveBatches, ShardLog } from "./shard-log.ts";

const A = "aaaaaaaaaaaaaaaa";
const B = "bbbbbbbbbbbbbbbb";
const requests = [{ key: "0123456789abcdef", maxTokens: 5, promptBytes: 9 }];

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "grappa-shards-")), "batches", "teacher.jsonl");
});
afterEach(async () => {
  await rm(join(path, "..", ".."), { recursive: true, force: true });
});

async function live() {
  const log = await ShardLog.open(path);
  await log.close();
  return log.live;
}

describe("ShardLog", () => {
  it("remembers how far each batch came, and forgets those that ended", async () => {
    const log = await ShardLog.open(path);
    await log.write({ type: "planned", shard: A, atMs: 7, requests });
    expect(await live()).toEqual([{ name: A, atMs: 7, requests }]);
    await log.write({ type: "prepared", shard: A, reference: "file-1" });
    await log.write({ type: "planned", shard: B, atMs: 8, requests });
    await log.write({ type: "submitted", shard: A, handle: "batch-1" });
    await log.write({ type: "cancelling", shard: A });
    const a = { name: A, atMs: 7, requests, reference: "file-1", handle: "batch-1", isCancelling: true };
    expect(await live()).toEqual([a, { name: B, atMs: 8, requests }]);
    await log.write({ type: "ended", shard: A, how: "completed" });
    expect(await live()).toEqual([{ name: B, atMs: 8, requests }]);
    await log.close();
  });

  it("tells a reader which batches live, whatever is being written", async () => {
    const log = await ShardLog.open(path);
    await log.write({ type: "planned", shard: A, atMs: 7, requests });
    await log.write({ type: "planned", shard: B, atMs: 8, requests });
    await log.write({ type: "ended", shard: A, how: "completed" });
    await log.close();
    await appendFile(path, '{"schemaVersion":1,"type":"ended","sha');
    const folder = join(path, "..", "..");
    expect([...(await liveBatches(folder))]).toEqual([[B, path]]);
    expect([...(await liveBatches(join(folder, "nowhere")))]).toEqual([]);
  });

  it("takes a step that a crash cut off as not taken", async () => {
    const log = await ShardLog.open(path);
    await log.write({ type: "planned", shard: A, atMs: 7, requests });
    await log.write({ type: "prepared", shard: A, reference: "file-1" });
    await log.close();
    await truncate(path, (await stat(path)).size - 3);
    expect(await live()).toEqual([{ name: A, atMs: 7, requests }]);
  });

  it("refuses a file that is broken, with its line", async () => {
    const log = await ShardLog.open(path);
    await log.close();
    await appendFile(path, '{"schemaVersion":1,"type":"planned","shard":"x"}\n');
    await expect(ShardLog.open(path)).rejects.toMatchObject({
      code: "record-invalid",
      message: expect.stringContaining(":1"),
    });
  });
});
