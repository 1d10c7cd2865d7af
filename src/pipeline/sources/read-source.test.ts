import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prng } from "../../core/prng.ts";
import { FileSource } from "../../schema/question-source.ts";
import { readSource, type SourcePorts } from "./read-source.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "grappa-sources-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Fields = Readonly<Record<string, unknown>> & { readonly path?: string };

/** Reads rows, written as JSON lines unless they are bytes already, all of them into the train bucket. */
async function read(rows: readonly unknown[] | Buffer, fields: Fields = {}, ports: Partial<SourcePorts> = {}) {
  const path = fields.path ?? "own.jsonl";
  writeFileSync(join(folder, path), Buffer.isBuffer(rows) ? rows : rows.map((row) => JSON.stringify(row)).join("\n"));
  const source = FileSource.parse({ type: "file", path, holdOut: false, ...fields });
  const signal = new AbortController().signal;
  return await readSource(source, { recipeFolder: folder, signal, seed: 7, strict: false, ...ports });
}

const texts = ({ train }: Awaited<ReturnType<typeof read>>): string[] => train.map(({ text }) => text);

describe("mapping", () => {
  it("fields by name and by path, the source's name, kind, part and metadata on each question", async () => {
    const rows = [{ q: "1+1?", meta: { gold: ["2"] }, src: "forum", year: 1999, topic: "sums" }];
    const { train, reading } = await read(rows, {
      name: "acme/sums",
      licence: "CC-BY 4.0",
      question: "q",
      answer: "meta.gold.0",
      domain: "topic",
      kind: "math",
      part: "{src}/{topic}",
      metadata: ["year"],
    });
    expect(train).toEqual([
      expect.objectContaining({
        text: "1+1?",
        answer: "2",
        domain: "sums",
        family: "file",
        bucket: "train",
        metadata: { year: 1999, grader: "maths", sourceName: "acme/sums", kind: "math", part: "forum/sums" },
      }),
    ]);
    expect(reading).toMatchObject({ name: "acme/sums", licence: "CC-BY 4.0", rows: 1, questions: 1 });
    expect(reading.data).toEqual([{ source: "own.jsonl", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string }]);
  });

  it("a template, of which no column is looked at for placeholders again", async () => {
    const rows = [{ passage: "{question} {{", question: "Why?" }];
    const found = await read(rows, { template: "Passage: {passage}\n{{Q}} {question}", answer: "" });
    expect(texts(found)).toEqual(["Passage: {question} {{\n{Q} Why?"]);
  });

  it("literal edits: replaced, or cut to the end", async () => {
    const edits = [
      { find: "Optimal $& x:", replace: "What is $& x?" },
      { find: "\nAnswer:", toEnd: true },
    ];
    const found = await read([{ question: "Optimal $& x: Optimal $& x:\nAnswer: 4", answer: "4" }], { edits });
    expect(texts(found)).toEqual(["What is $& x? What is $& x?"]);
  });

  it("literal edits: cut from the start", async () => {
    const edits = [{ find: "### Clue: ", fromStart: true, replace: "Solve:\n" }];
    expect(texts(await read([{ question: "x ### Clue: a ### Clue: b" }], { edits }))).toEqual([
      "Solve:\na ### Clue: b",
    ]);
  });

  it("choices from a list or from fields, lettered or as they are; the answer's place or text becomes its letter", async () => {
    const rows = [{ question: "Q?", options: ["yes", " no\nway "], answer: 1, a: "no", b: "yes", gold: "yes" }];
    const choices = { fields: ["options"], answerIs: "index" };
    const [indexed] = (await read(rows, { grader: "choice", choices })).train;
    expect(indexed).toMatchObject({ text: "Q?\nAnswer Choices:\n(A) yes\n(B) no way", answer: "B" });
    const named = { fields: ["a", "b"], answerIs: "choice", heading: "", labels: "none" };
    const [chosen] = (await read(rows, { grader: "choice", answer: "gold", choices: named })).train;
    expect(chosen).toMatchObject({ text: "Q?\nno\nyes", answer: "B" });
  });

  it("shuffles choices by the seed, the right one with them", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ question: `Q${i}?`, r: "right", x: "x", y: "y", z: "z" }));
    const choices = { fields: ["r", "x", "y", "z"], answerIs: "choice", shuffle: true };
    const fields = { grader: "choice", answer: "r", choices } as const;
    const { train } = await read(rows, fields);
    for (const { text, answer } of train) expect(text).toContain(`(${answer}) right`);
    expect(new Set(train.map(({ answer }) => answer)).size).toBe(4);
    expect((await read(rows, fields)).train).toEqual(train);
    expect((await read(rows, fields, { seed: 8 })).train).not.toEqual(train);
  });

  it("a reference for a judge need not be an answer that a rule can read", async () => {
    const rows = [{ question: "Prove it.", answer: "By induction on n, as follows. For n = 1 it is plain." }];
    expect((await read(rows, { grader: "judge" })).train[0]?.answer).toContain("By induction");
  });
});

describe("which rows", () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    question: `What is ${i}?`,
    answer: i,
    group: i % 5,
    key: i % 10,
  }));

  it("conditions, one of each, a count: what becomes of each row is counted", async () => {
    const where = [{ field: "group", in: [0, 1, 2, 3] }];
    const { reading, train } = await read(rows, { where, uniqueBy: "key", count: 3 });
    expect(train.map(({ answer }) => answer)).toEqual(["0", "1", "2"]);
    expect(reading).toMatchObject({ rows: 50, filtered: 10, repeated: 32, overCount: 5, questions: 3, bad: 0 });
  });

  it("of rows without a key each is taken; a row that is no question keeps its key from no other", async () => {
    const keyed = [
      { question: "A?", key: null },
      { question: "B?" },
      { question: "C?", key: " " },
      { question: null, key: "k" },
      { question: "D?", key: "k" },
      { question: "E?", key: "k" },
      { question: null, key: "k" },
    ];
    const found = await read(keyed, { uniqueBy: "key", answer: "" });
    expect(texts(found)).toEqual(["A?", "B?", "C?", "D?"]);
    expect(found.reading).toMatchObject({ rows: 7, repeated: 2, bad: 1, questions: 4 });
  });

  it("rows that stand in another file, and those that do not", async () => {
    writeFileSync(join(folder, "listed.csv"), "Question\n What  is 3?\nWhat is 4?\n");
    const lists = [{ name: "kept", data: "listed.csv", field: "Question" }];
    const listed = await read(rows, { lists, where: [{ field: "question", listedIn: "kept" }] });
    expect(texts(listed)).toEqual(["What is 3?", "What is 4?"]);
    const others = await read(rows, { lists, where: [{ field: "question", notListedIn: "kept" }] });
    expect(others.train).toHaveLength(48);
    writeFileSync(join(folder, "listed.csv"), "Question,x\n What is 3?,\n,y\n");
    await expect(read(rows, { lists, where: [{ field: "question", listedIn: "kept" }] })).rejects.toMatchObject({
      code: "record-invalid",
      message: 'the list "kept": row 2, field Question: empty',
    });
  });

  it("a sample, the same for rows in any order", async () => {
    const { train, reading } = await read(rows, { sample: 12 });
    expect(reading).toMatchObject({ rows: 50, notSampled: 38, questions: 12 });
    const again = await read(prng("order").shuffle(rows), { sample: 12 });
    expect(again.train).toEqual(train);
    expect((await read(rows, { sample: 12 }, { seed: 8 })).train).not.toEqual(train);
  });

  it("a fifth is held out, unless the source says not to; all adds up", async () => {
    const { reading, train, heldOut } = await read(rows, { holdOut: true });
    expect(heldOut.length).toBeGreaterThan(0);
    expect(heldOut.every(({ bucket }) => bucket !== "train")).toBe(true);
    expect(train.length + heldOut.length).toBe(50);
    expect(reading).toMatchObject({ heldOut: heldOut.length, questions: train.length });
  });
});

describe("broken rows are reported with file and row, and nothing else is lost", () => {
  const good = (n: number) => ({ question: `What is ${n}?`, answer: n });
  const line = (value: unknown): string => JSON.stringify(value);

  it.each<[string, string | Buffer, string]>([
    ["bad JSON", "{", "line 2: the line is not JSON"],
    ["no object", "[1]", "expected an object with a field for each column"],
    ["a missing field", line({ answer: 1 }), "field question: missing"],
    ["a null", line({ question: null, answer: 1 }), "field question: missing (null)"],
    ["a wrong type", line({ question: ["x"], answer: 1 }), "field question: expected text, found a list"],
    [
      "a wrong type of answer",
      line({ question: "x", answer: { a: 1 } }),
      "field answer: expected text, found an object",
    ],
    [
      "an answer that is no finite number",
      '{"question": "x", "answer": 1e999}',
      "field answer: expected text, found Infinity",
    ],
    ["a NUL", '{"question": "a\\u0000b"}', "field question: a NUL character, at 1"],
    ["a NUL in the answer", '{"question": "ab", "answer": "\\u0000"}', "field answer: a NUL character, at 0"],
    ["half a surrogate pair", '{"question": "ab\\ud83d"}', "field question: half a surrogate pair, at 2: no character"],
    ["another encoding", Buffer.from('{"question": "é"}', "latin1"), "line 2: not UTF-8 text"],
    [
      "a long line",
      line({ question: "x".repeat(1024 ** 2) }),
      "line 2: 1048591 bytes exceed the limit of 1048576 bytes for a row",
    ],
    [
      "a long question",
      line({ question: "x".repeat(70_000) }),
      "field question: 70000 characters exceed the limit of 65536",
    ],
  ])("%s", async (_, broken, detail) => {
    const rows = Buffer.concat([
      Buffer.from(`${line(good(1))}\n`),
      Buffer.from(broken),
      Buffer.from(`\n${line(good(3))}\n`),
    ]);
    const fields = { maxRowMegabytes: 1 };
    const { train, dropped, reading } = await read(rows, fields);
    expect(train.map(({ answer }) => answer)).toEqual(["1", "3"]);
    expect(dropped.map((row) => row.detail)).toEqual([`own.jsonl, row 2: ${detail}`]);
    expect(reading).toMatchObject({ rows: 3, bad: 1, questions: 2 });
    await expect(read(rows, fields, { strict: true })).rejects.toMatchObject({
      code: "record-invalid",
      message: `own.jsonl, row 2: ${detail}`,
      hint: expect.stringContaining("--strict") as string,
    });
  });

  it("a whole pair of surrogates is a character", async () => {
    expect((await read([{ question: "What is 😀?", answer: 1 }])).train).toHaveLength(1);
  });

  it("a file that cannot be read on is one report, and what came before it stays", async () => {
    const { train, dropped, reading } = await read(Buffer.from("PAR1 no Parquet"), { path: "no.parquet" });
    expect({ train, reading: reading.rows }).toEqual({ train: [], reading: 0 });
    expect(dropped).toMatchObject([
      { reason: "bad-file", detail: expect.stringContaining("no.parquet: no Parquet file") },
    ]);
    await expect(read(Buffer.from("PAR1"), { path: "no.parquet" }, { strict: true })).rejects.toMatchObject({
      code: "record-invalid",
    });
  });

  it("a file that is not there stops, strict or not", async () => {
    const source = FileSource.parse({ type: "file", path: "none.csv" });
    const signal = new AbortController().signal;
    await expect(readSource(source, { recipeFolder: folder, signal, seed: 0, strict: false })).rejects.toMatchObject({
      code: "file-missing",
    });
  });

  it("whatever the bytes, every line is counted once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.json(), fc.string(), fc.constant(line(good(1)))), { maxLength: 20 }),
        async (lines) => {
          const flat = lines.map((text) => text.replace(/[\r\n]/g, " "));
          const { reading, dropped, train } = await read(Buffer.from(flat.join("\n")));
          expect(reading.rows).toBe(flat.filter((text) => text.trim() !== "").length);
          expect(reading.bad).toBe(dropped.length);
          expect(train.length + dropped.length).toBe(reading.rows);
        },
      ),
      { numRuns: 60 },
    );
  });
});
