import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { type ReadJsonlOptions, readJsonl, type TornLine } from "./jsonl.ts";
import { readLines } from "./read-lines.ts";

const Row = z.strictObject({ schemaVersion: z.literal(1), n: z.number(), text: z.string().default("") });
const row = (n: number, text = ""): z.infer<typeof Row> => ({ schemaVersion: 1, n, text });

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-jsonl-"));
  path = join(folder, "rows.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function readAll(options?: ReadJsonlOptions): Promise<z.infer<typeof Row>[]> {
  const rows = [];
  for await (const value of readJsonl(path, Row, options)) rows.push(value);
  return rows;
}

async function failure(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe("reading JSONL", () => {
  it.each([
    ["not JSON", '{"n":1', "file-corrupt", ":2: the line is not JSON"],
    ["an unknown member", '{"schemaVersion":1,"n":2,"x":1}', "record-invalid", ":2: "],
    ["a wrong type", '{"schemaVersion":1,"n":"2"}', "record-invalid", ":2: n: "],
    ["another version", '{"schemaVersion":2,"n":2}', "schema-version", ":2: schemaVersion 2, this grappa reads 1"],
    ["an empty line", "", "file-corrupt", ":2: "],
  ])("names file and line of %s", async (_what, line, code, text) => {
    await writeFile(path, `${JSON.stringify(row(1))}\n${line}\n`);
    const error = await failure(readAll());
    expect(error.code).toBe(code);
    expect(error.message).toContain(path + text);
    expect(error.hint).toBeTruthy();
  });

  it("refuses bytes that are not UTF-8", async () => {
    await writeFile(path, Buffer.from([0x22, 0xff, 0x22, 0x0a]));
    expect((await failure(readAll())).code).toBe("file-corrupt");
  });

  it("says which file is missing", async () => {
    const error = await failure(readAll());
    expect(error.code).toBe("file-missing");
    expect(error.message).toContain(path);
  });

  it("stops at a line above the limit without reading it whole", async () => {
    await writeFile(path, `${JSON.stringify(row(1))}\n{"n":"${"x".repeat(1_000_000)}"}\n`);
    const error = await failure(readAll({ maxLineBytes: 1000 }));
    expect(error.code).toBe("limit-exceeded");
    expect(error.message).toContain(`${path}:2: `);
  });

  it("treats a cut-off last line as told: corrupt, a row, or reported and skipped", async () => {
    await writeFile(path, `${JSON.stringify(row(1))}\n${JSON.stringify(row(2))}`);
    expect((await failure(readAll())).message).toContain(":2: the last line is cut off");
    expect(await readAll({ unterminated: "accept" })).toEqual([row(1), row(2)]);
    const torn: TornLine[] = [];
    expect(await readAll({ unterminated: "skip", onTornLine: (line) => torn.push(line) })).toEqual([row(1)]);
    expect(torn).toEqual([{ path, line: 2, sizeBytes: JSON.stringify(row(2)).length }]);
  });

  it("splits lines at the same places whatever the chunks, and knows where each stands", async () => {
    const lines = ["", "a", "é".repeat(200_000), "", "b".repeat(300_000), "tail"];
    await writeFile(path, lines.join("\n"));
    const bytes = await readFile(path);
    const seen: string[] = [];
    for await (const line of readLines(path)) {
      seen.push(line.bytes.toString());
      expect(bytes.subarray(line.offset, line.offset + line.bytes.length).equals(line.bytes)).toBe(true);
      expect(line.isTerminated).toBe(line.number < lines.length);
      expect(line.number).toBe(seen.length);
    }
    expect(seen).toEqual(lines);
  });
});
