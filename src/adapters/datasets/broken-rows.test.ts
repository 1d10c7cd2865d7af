import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TaskRow } from "../../evaluate/tasks/task-row.ts";
import { openDataFile, type OpenDataOptions } from "./open-data-file.ts";
import { writeParquet } from "./write-parquet.ts";

const fixtures = fileURLToPath(new URL("../../../fixtures/tasks/", import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-broken-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What can be read of a file, as the values of the field `a` by row, and the rows that are reported. */
async function readAll(name: string, content: string | Buffer, limits: OpenDataOptions["limits"] = {}) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const bad: [number, string][] = [];
  const good: Record<number, unknown> = {};
  const onBadRow = (row: number, { message }: Error): void =>
    void bad.push([row, message.replace(path, name).slice(0, 60)]);
  for await (const { number, values } of (await openDataFile(path, { limits: { ...limits, onBadRow } })).rows())
    good[number] = values.a ?? values.answer;
  return { good, bad };
}

async function readRows(path: string): Promise<TaskRow[]> {
  const rows: TaskRow[] = [];
  for await (const row of (await openDataFile(path)).rows()) rows.push(row);
  return rows;
}

const FIFTY_MEGABYTES = 50 * 1024 ** 2;

describe("broken rows are reported, and nothing else is lost", () => {
  it("a line of 50 MB among lines of JSON", async () => {
    const long = Buffer.concat([Buffer.from('{"a": "'), Buffer.alloc(FIFTY_MEGABYTES, "x"), Buffer.from('"}\n')]);
    const file = Buffer.concat([Buffer.from('{"a": 1}\n'), long, Buffer.from('{"a": 3}\n')]);
    expect(await readAll("long.jsonl", file, { maxRowBytes: 16 * 1024 ** 2 })).toEqual({
      good: { 1: 1, 3: 3 },
      bad: [[2, "long.jsonl, line 2: 52428809 bytes exceed the limit of 16777"]],
    });
  });

  it("a record of 50 MB among records of CSV", async () => {
    const file = Buffer.concat([
      Buffer.from('a,b\n1,x\n"'),
      Buffer.alloc(FIFTY_MEGABYTES, "x"),
      Buffer.from('",y\n3,z\n'),
    ]);
    expect(await readAll("long.csv", file, { maxRowBytes: 16 * 1024 ** 2 })).toEqual({
      good: { 1: "1", 3: "3" },
      bad: [[2, "long.csv, row 2: 52428801 bytes exceed the limit of 16777216"]],
    });
  });

  it("lines and records in another encoding", async () => {
    const lines = Buffer.concat([
      Buffer.from('{"a": "é"}\n'),
      Buffer.from('{"a": "é"}\n', "latin1"),
      Buffer.from('{"a": "ü"}\n'),
    ]);
    expect(await readAll("mixed.jsonl", lines)).toEqual({
      good: { 1: "é", 3: "ü" },
      bad: [[2, "mixed.jsonl, line 2: not UTF-8 text"]],
    });
    const records = Buffer.concat([
      Buffer.from("\uFEFFa,b\né,1\n"),
      Buffer.from("é,2\n", "latin1"),
      Buffer.from('"ü\nß",3\n'),
    ]);
    expect(await readAll("mixed.csv", records)).toEqual({
      good: { 1: "é", 3: "ü\nß" },
      bad: [[2, "mixed.csv, row 2: not UTF-8 text"]],
    });
  });

  it("lines that are no JSON, or no object", async () => {
    expect(await readAll("bad.jsonl", '{"a": 1}\n{"a": \n[1]\n\n{"a": 4}')).toEqual({
      good: { 1: 1, 4: 4 },
      bad: [
        [2, "bad.jsonl, line 2: the line is not JSON"],
        [3, "bad.jsonl, row 3: expected an object with a field for each c"],
      ],
    });
  });

  it("records with too few or too many fields, or a quote in the middle", async () => {
    const { good, bad } = await readAll("bad.csv", 'a,b\n1,x\n2\n3,x,y\n4"4",x\n5,x\n');
    expect(good).toEqual({ 1: "1", 5: "5" });
    expect(bad.map(([row]) => row)).toEqual([2, 3, 4]);
  });

  it.each([
    ["LF header, CRLF rows", 'a,b\n1,x\r\n"2","y"\r\n3,z\r\n'],
    ["CRLF header, LF rows", 'a,b\r\n1,x\n"2","y"\n3,z\n'],
    ["CR alone", 'a,b\r1,x\r"2","y"\r3,z'],
    ["a CRLF over two chunks of the stream", `a,b\n1,x\n2,${"y".repeat(64 * 1024 - 11)}\r\n3,z\r\n`],
  ])("records end at any line end: %s", async (_, file) => {
    expect(file.length < 100 || file.indexOf("\r") === 64 * 1024 - 1).toBe(true);
    expect(await readAll("ends.csv", file)).toEqual({ good: { 1: "1", 2: "2", 3: "3" }, bad: [] });
    const rows = await readRows(join(folder, "ends.csv"));
    expect(rows.map(({ values }) => String(values.b).at(-1))).toEqual(["x", "y", "z"]);
  });

  it("a quote that is never closed, which takes the rest of the file with it", async () => {
    const { good, bad } = await readAll("open.csv", 'a,b\n1,x\n2,"y\n3,z\n4,z\n');
    expect(good).toEqual({ 1: "1" });
    expect(bad).toEqual([[2, "open.csv, row 2: a quote is never closed: all that follows i"]]);
    await expect(readRows(join(folder, "open.csv"))).rejects.toMatchObject({
      code: "file-corrupt",
      message: expect.stringContaining("to the file's end, was read as this one row") as string,
    });
  });

  it("a text of Parquet in another encoding, and no other row of its group", async () => {
    const kinds = [{ name: "a", kind: "text", values: ["naïve", "caf\u0001", "\uFEFFbon"] } as const];
    const file = Buffer.from(writeParquet(kinds));
    for (let at = file.indexOf("caf\u0001"); at >= 0; at = file.indexOf("caf\u0001")) file[at + 3] = 0xe9;
    expect(await readAll("latin.parquet", file, { columns: ["a"] })).toEqual({
      good: { 1: "naïve", 3: "bon" },
      bad: [[2, "latin.parquet, row 2: bytes that are no UTF-8 text"]],
    });
    // Nobody asked for the column: it may hold pictures.
    expect(await readAll("latin.parquet", file)).toEqual({ good: { 1: "naïve", 2: undefined, 3: "bon" }, bad: [] });
  });

  it("a damaged row group of Parquet", async () => {
    const damaged = readFileSync(join(fixtures, "aime-zstd.parquet"));
    damaged.fill(0xff, 60, 80);
    const { good, bad } = await readAll("damaged.parquet", damaged);
    expect(bad.map(([row]) => row)).toEqual([1, 2]);
    expect(bad[0]?.[1]).toContain("damaged.parquet, rows 1 to 2: cannot be read");
    expect(good).toEqual({ 3: 0 });
  });

  it("without somebody to tell, the first of them ends the reading", async () => {
    const path = join(folder, "strict.csv");
    writeFileSync(path, Buffer.concat([Buffer.from("a\n1\n"), Buffer.from("é\n", "latin1")]));
    const rows = (await openDataFile(path)).rows()[Symbol.asyncIterator]();
    expect((await rows.next()).value).toEqual({ number: 1, values: { a: "1" } });
    await expect(rows.next()).rejects.toMatchObject({ code: "file-corrupt" });
  });
});
