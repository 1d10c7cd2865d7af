/** @file What is kept of evaluations that were looked at. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { answerIndex } from "../../src/pipeline/page/answer-index.ts";
import { PageReader } from "../../src/pipeline/page/page-reader.ts";
import { writeFakeEvaluation } from "./fake-evaluation.ts";
import { portsOver } from "./serve-page.ts";

const QUESTION = "00000000000000aa";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "grappa-places-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("two that are compared are read once; of many, those looked at longest ago are let go", async () => {
  const runs = ["a", "b", "c", "d", "e"];
  for (const run of runs) writeFakeEvaluation(join(folder, run), { [QUESTION]: "2+3" }, [{ questionId: QUESTION }]);
  const reader = new PageReader(portsOver(folder), folder);
  const indexOf = async (run: string) => await answerIndex(await reader.facts(run), reader);
  const [first, second] = [await indexOf("a"), await indexOf("b")];
  expect(await indexOf("a")).toBe(first);
  expect(await indexOf("b")).toBe(second);
  for (const run of runs.slice(2)) await indexOf(run);
  expect(await indexOf("b")).toBe(second);
  expect(await indexOf("a")).not.toBe(first);
  expect(await indexOf("a")).toEqual(first);
});
