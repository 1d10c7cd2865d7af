/** @file Two decisions on one trace that are under way at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { PageReader } from "../../src/pipeline/page/page-reader.ts";
import { changeTriage } from "../../src/pipeline/page/write-triage.ts";
import { readTriage } from "../../src/pipeline/triage-file.ts";
import { traceId, writeTracedRun } from "./fake-traces.ts";
import { portsOver } from "./serve-page.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "grappa-triage-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the last one holds, though the disk is slower for the first", async () => {
  await writeTracedRun(join(folder, "a-run"), 4);
  const fs = nodeFileSystem();
  let looks = 0;
  const slowAtFirst: typeof fs.kind = async (path) => {
    looks += 1;
    if (looks === 1) await new Promise((resolve) => setTimeout(resolve, 100));
    return await fs.kind(path);
  };
  const reader = new PageReader({ ...portsOver(folder), fs: { ...fs, kind: slowAtFirst } }, folder);
  const decide = (decision: string) => changeTriage(reader, "a-run", { traceId: traceId(1), decision });
  const [first, last] = await Promise.all([decide("keep"), decide("drop")]);
  expect([first.decision, last.decision]).toEqual(["keep", "drop"]);
  expect((await readTriage(fs, join(folder, "a-run"))).get(traceId(1))?.decision).toBe("drop");
});
