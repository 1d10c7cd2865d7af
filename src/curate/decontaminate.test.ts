import { describe, expect, it } from "vitest";
import { prng } from "../core/prng.ts";
import { questionId } from "../questions/bucket.ts";
import type { Question } from "../schema/records.ts";
import { type Benchmark, decontaminate, Decontamination } from "./decontaminate.ts";

const random = prng("decontaminate");
const sentence = (words: number): string =>
  Array.from({ length: words }, () => `${random.pick(["ba", "co", "du", "fe"])}${random.int(0, 9_999)}`).join(" ");

function question(text: string): Question {
  const rest = { answer: "1", family: "file", domain: "d", difficulty: 1, bucket: "train", metadata: {} } as const;
  return { schemaVersion: 1, id: questionId(text), text, ...rest };
}

const items = Array.from({ length: 300 }, (_, at) => ({ id: `i${at}`, text: sentence(random.int(3, 40)) }));
const benchmarks: readonly Benchmark[] = [
  { name: "math500", questions: items.slice(0, 150) },
  { name: "aime24", questions: items.slice(150) },
];
const withRun = (words: string[], from: number): Question =>
  question(
    `${sentence(20)} ${words
      .slice(from, from + 8)
      .join("\n")
      .toUpperCase()} ${sentence(9)}`,
  );

describe("decontaminate", () => {
  it("finds every planted run of eight words, names item and words, and leaves the rest", () => {
    const planted = items.flatMap(({ id, text }, at) => {
      const words = text.split(" ");
      const from = words.length < 8 ? 0 : random.int(0, words.length - 8);
      return words.length < 8
        ? []
        : [{ ...withRun(words, from), shared: words.slice(from, from + 8), id: `p${at}`, item: id }];
    });
    const clean = Array.from({ length: 2_000 }, () => question(sentence(random.int(3, 60))));
    const rows = random.shuffle([...clean, ...planted.map(({ shared: _, item: __, ...row }) => row)]);
    const { kept, dropped, sources, tooShort } = decontaminate([{ questions: rows }], benchmarks);
    expect(kept).toEqual(rows.filter(({ id }) => !id.startsWith("p")));
    expect(sources).toEqual([kept]);
    expect(tooShort).toBe(items.filter(({ text }) => text.split(" ").length < 8).length);
    const details = new Map(dropped.map((row) => [row.id, row]));
    expect(details.size).toBe(planted.length);
    for (const { id, item, shared } of planted)
      expect(details.get(id)).toMatchObject({
        stage: "decontaminate",
        reason: "benchmark-overlap",
        detail: `${Number(item.slice(1)) < 150 ? "math500" : "aime24"} ${item}: ${shared.join(" ")}`,
      });
  });

  it("shows all words in common from the run on, though at most 40", () => {
    const words = sentence(60);
    const pool = new Decontamination([{ name: "b", questions: [{ id: "7", text: words }] }]);
    const shown = (asked: string) => pool.overlapOf(asked)?.sharedText.split(" ").length;
    expect(shown(words.split(" ").slice(20, 32).join(" "))).toBe(12);
    expect(shown(`x ${words} y`)).toBe(40);
  });

  it("checks a source against what was kept of the sources before it, not against itself", () => {
    const [run, other, benchmark] = [sentence(8), sentence(8), sentence(8)];
    const first = [question(`a ${run} one`), question(`b ${run} two`), question(`${benchmark} ${other}`)];
    const second = [question(`c ${run} three`), question(`d ${other} four`), question("too short")];
    const third = [question(`${run}`), question("too short"), question(`d ${other} four`)];
    const found = decontaminate(
      [{ questions: first }, { questions: second }, { questions: third }],
      [{ name: "b", questions: [{ id: "0", text: benchmark }] }],
    );
    // `other` stood in a question of the first source that was dropped, so it is new in the second.
    expect(found.sources).toEqual([first.slice(0, 2), second.slice(1), [third[1]]]);
    expect(found.dropped.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
      [first[2]?.id, "benchmark-overlap", `b 0: ${benchmark}`],
      [second[0]?.id, "earlier-source", `${first[0]?.id}: ${run}`],
      [third[0]?.id, "earlier-source", `${first[0]?.id}: ${run}`],
      [third[2]?.id, "earlier-source", `${second[1]?.id}: d ${other} four`],
    ]);
  });

  it("finds light edits that break every run of eight words, when asked to", () => {
    const edited = items
      .filter(({ text }) => text.split(" ").length >= 20)
      .map(({ id, text }) => {
        const words = text.split(" ").map((word, at) => (at % 8 === 7 ? "of" : word));
        return { item: id, row: question(words.join(" ")) };
      });
    expect(edited.length).toBeGreaterThan(100);
    const rows = edited.map(({ row }) => row);
    expect(decontaminate([{ questions: rows }], benchmarks).dropped).toEqual([]);
    const { kept, dropped } = decontaminate([{ questions: rows }], benchmarks, { nearJaccard: 0.6 });
    expect(kept).toEqual([]);
    for (const [at, { item }] of edited.entries())
      expect(dropped[at]).toMatchObject({
        reason: "near-benchmark",
        detail: expect.stringMatching(
          new RegExp(`^(math500|aime24) ${item} \\(Jaccard 0\\.[6-9]\\d, \\d\\d % of it\\): `),
        ),
      });
  });

  it("finds a benchmark's question inside a longer one, edited", () => {
    const item = items.find(({ text }) => text.split(" ").length === 30);
    const words = (item?.text ?? "").split(" ").map((word, at) => (at === 7 || at === 15 || at === 23 ? "of" : word));
    const row = question(`${sentence(40)} ${words.join(" ")} ${sentence(40)}`);
    const pool = new Decontamination(benchmarks, { nearJaccard: 0.8 });
    expect(pool.overlapOf(row.text)).toMatchObject({ reason: "near-benchmark", sharedText: item?.text });
  });

  it("takes questions without words, and none at all", () => {
    const empty = [question(""), question("\ud800"), question(" \n")];
    expect(decontaminate([{ questions: empty }], [{ name: "b", questions: [{ id: "0", text: "" }] }]).dropped).toEqual(
      [],
    );
    expect(decontaminate([], [])).toMatchObject({ kept: [], dropped: [], sources: [], tooShort: 0 });
  });
});
