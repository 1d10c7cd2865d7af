/** @file Examples for x-ray pages, without a run: texts of any kind through the real tokenizer, format and gates. */
import { readFileSync } from "node:fs";
import { loadChatTemplate } from "../src/tokenize/chat.ts";
import { roleSpans } from "../src/tokenize/example-roles.ts";
import { type ExampleTexts, studentFormat } from "../src/tokenize/student-format.ts";
import { loadTokenizer } from "../src/tokenize/tokenizer.ts";
import { checkExample, encodeExample } from "../src/tokenize/training-example.ts";
import { type XrayRow, xrayTally } from "../src/tokenize/xray.ts";
import { packRows } from "../src/report/xray-data.ts";
import { xrayPage } from "../src/report/xray-page.ts";

const FOLDER = "fixtures/tokenizers/qwen3";
const MAX_LENGTH = 1 << 20;
const read = (name: string) => readFileSync(`${FOLDER}/${name}`, "utf8");

/** The tokenizer, template and style of the rows. */
export const pageFormat = (() => {
  const tokenizer = loadTokenizer({
    tokenizer: JSON.parse(read("tokenizer.json")),
    config: JSON.parse(read("tokenizer_config.json")),
  });
  return studentFormat({ tokenizer, chatTemplate: loadChatTemplate(read("chat_template.jinja"), tokenizer) }, "think");
})();

/** One row of these texts; `spoil` changes what would lie in the file. */
export function pageRow(
  place: number,
  texts: ExampleTexts,
  spoil: (labels: readonly number[]) => number[] = (labels) => [...labels],
): XrayRow {
  const outcome = encodeExample(pageFormat, texts, MAX_LENGTH);
  if (outcome.status === "rejected") throw new Error(outcome.faults[0].detail);
  const { inputIds, thinkingTokens } = outcome.example;
  const labels = spoil(outcome.example.labels);
  return {
    questionId: `question${place}`,
    traceId: `trace${place}`,
    question: texts.question,
    inputIds,
    labels,
    thinkingTokens,
    spans: roleSpans(pageFormat, inputIds),
    faults: checkExample(pageFormat, { texts, sequence: { inputIds, labels } }, MAX_LENGTH),
  };
}

/** The page of rows, as `grappa xray --html` writes it. */
export function pageOf(rows: readonly XrayRow[], run = "a-run"): string {
  const tally = xrayTally();
  for (const row of rows) tally.add(row);
  const { data, leftOut } = packRows(pageFormat.tokenizer, rows);
  const facts = { run, style: "think", maxLength: MAX_LENGTH, summary: tally.summary(), leftOut };
  return xrayPage(facts, data, readFileSync("dist/live/xray.js", "utf8"));
}
