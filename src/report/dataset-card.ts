/** @file The card of an exported data set: what it holds, from where, under which terms, and what it does not show. Pure. */
import type { Curation } from "../schema/curation.ts";
import type { AcceptedTerms } from "../schema/manifest.ts";
import type { FunnelStage, SourceReading } from "../schema/records.ts";
import { count } from "./number-format.ts";
import { markdownCell as cell, markdownTable as table } from "./markdown-text.ts";

/** What one teacher's terms say. */
export type CardTerms = AcceptedTerms & { readonly title: string; readonly isAccepted: boolean };

/** Everything a card says. */
export interface DatasetCard {
  readonly name: string;
  readonly run: string;
  readonly examples: number;
  readonly grappa: string;
  readonly teacher: string;
  readonly terms: readonly CardTerms[];
  readonly sources: readonly SourceReading[];
  /** Families of made questions among the sources. */
  readonly families: readonly string[];
  /** Examples by source, by domain, by what their thinking is, and by grade; most frequent first. */
  readonly bySource: readonly (readonly [string, number])[];
  readonly byDomain: readonly (readonly [string, number])[];
  readonly byProvenance: readonly (readonly [string, number])[];
  readonly byGrade: readonly (readonly [string, number])[];
  readonly meanThinkingTokens: number;
  readonly funnel: readonly FunnelStage[];
  /** What was decontaminated against what; null where the recipe says nothing of it. */
  readonly decontamination: Curation["decontamination"];
  readonly selection: { readonly method: string; readonly seed: number; readonly count: number };
  /** Data files with their SHA-256. */
  readonly files: readonly { readonly path: string; readonly sha256: string; readonly bytes: number }[];
  /** Stages and the hash of what each put out. */
  readonly stages: readonly { readonly stage: string; readonly key: string; readonly outputHash: string }[];
}

/** The card as Markdown, with the hub's header. No question and no reply is quoted: some sources ask not to be shown. */
export function datasetCard(card: DatasetCard): string {
  return [
    header(card),
    `# ${cell(card.name)}\n`,
    introduction(card),
    sources(card),
    teacher(card),
    funnel(card),
    decontamination(card),
    examples(card),
    columns(),
    limits(card),
    hashes(card),
  ].join("\n");
}

function header({ examples: rows }: DatasetCard): string {
  return `---
license: other
task_categories:
- question-answering
tags:
- reasoning
- grappa
size_categories:
- ${rows < 1000 ? "n<1K" : rows < 10_000 ? "1K<n<10K" : "10K<n<100K"}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*.parquet
---
`;
}

function introduction({ examples: rows, run, grappa, selection }: DatasetCard): string {
  return `${count(rows)} questions with a teacher's reasoning and answer, made by Grappa ${cell(grappa)} in the run \`${cell(run)}\`. Chosen by method
\`${cell(selection.method)}\`, seed ${selection.seed}, of ${count(selection.count)} asked for. \`train.jsonl\` and \`data/\` hold the same rows.
`;
}

function sources({ sources: read, families, bySource }: DatasetCard): string {
  const counts = new Map(bySource);
  const rows = [
    ...read.map(({ name, licence, data, rows: all, questions }) => [
      name,
      licence ?? "not noted",
      data.map(({ source, sha256 }) => `${source} (${sha256.slice(0, 12)})`).join("; "),
      count(all),
      count(questions),
    ]),
    ...families.map((family) => [`family ${family}`, "made by Grappa", "–", "–", "–"]),
  ];
  const parts = [...counts].map(([name, rowsOf]) => [name, count(rowsOf)]);
  return `## Sources and licences

What each source is called, the recipe's note of its terms (not checked by Grappa), what was read with the beginning of its SHA-256,
its rows, and the questions that it gave. The data set as a whole is under the terms of all of them.

${table(["source", "licence", "read", "rows", "questions"], rows)}

${table(["examples from", "number"], parts)}
`;
}

function teacher({ teacher: name, terms, byProvenance }: DatasetCard): string {
  const lines = terms.map(
    ({ title, mayTrain, clause, source, textOf, isAccepted }) =>
      `- ${cell(title)}: may a model be trained on its replies? ${mayTrain}. ${cell(clause)}${source === null ? "" : ` (${cell(source)}${textOf === null ? "" : `, text of ${textOf}`})`}${isAccepted ? " Accepted by whoever made the run." : ""}`,
  );
  const kinds = byProvenance.map(([kind, rows]) => `${count(rows)} ${kind}`).join(", ");
  return `## Teacher and terms

${cell(name)}. Thinking by what it is: ${kinds}. (raw: as the model wrote it; summary: the provider's; prompted: asked for in words.)
${lines.length === 0 ? "" : `\n${lines.join("\n")}\nNot legal advice; read the terms as they are now.\n`}`;
}

function funnel({ funnel: stages }: DatasetCard): string {
  const rows = stages.map(({ stage, in: taken, kept, dropped, reasons }) => [
    stage,
    count(taken),
    count(kept),
    count(dropped),
    Object.entries(reasons)
      .map(([reason, rowsOf]) => `${reason} ${count(rowsOf)}`)
      .join(", "),
  ]);
  return `## Funnel

${table(["stage", "in", "kept", "dropped", "why"], rows)}
`;
}

function decontamination({ decontamination: found }: DatasetCard): string {
  if (found === null) return "## Decontamination\n\nNone: questions of benchmarks may be among these.\n";
  const rows = [
    ...found.checked.map(({ task, questions, source }) => [task, `checked, ${count(questions)} questions`, source]),
    ...found.notChecked.map(({ task, reason }) => [task, "NOT checked", reason]),
  ];
  const near =
    found.nearJaccard === null
      ? "light edits were not looked for"
      : `light edits from a likeness of ${found.nearJaccard}`;
  return `## Decontamination

Dropped was what shares ${found.ngram} words in a row with a benchmark's question; ${near}. ${count(found.tooShort)} of the benchmarks' questions are too
short to be found.

${table(["benchmark", "", "data"], rows)}
`;
}

function examples({ byDomain, meanThinkingTokens }: DatasetCard): string {
  const shown = byDomain.slice(0, 30).map(([name, rows]) => [name, count(rows)]);
  const rest = byDomain.slice(30).reduce((sum, [, rows]) => sum + rows, 0);
  const rows = rest === 0 ? shown : [...shown, [`${byDomain.length - 30} others`, count(rest)]];
  return `## Examples

${count(Math.round(meanThinkingTokens))} thinking tokens on average, as the run counted them.

${table(["domain", "examples"], rows)}
`;
}

function columns(): string {
  return `## Columns

s1K's: \`solution\` (reference, may be null), \`question\`, \`cot_type\`, \`source_type\`, \`metadata\` (JSON text; s1K has Python's), \`cot\` (null),
\`thinking_trajectories\` (a list of one), \`attempt\` (the teacher's answer). Then \`question_id\`, \`trace_id\`, \`rank\` (order of selection),
\`domain\`, \`thinking_tokens\`, \`teacher\`, \`provenance\`, \`grade\`.
`;
}

function limits({ byGrade, examples: rows, sources: read }: DatasetCard): string {
  const grades = byGrade.map(([outcome, n]) => `${count(n)} ${outcome}`).join(", ");
  const unlicensed = read.filter(({ licence }) => licence === null).length;
  return `## Known limits

- Grades of the ${count(rows)} teacher's answers, by rule or judge: ${grades}. A grade is of the answer; nobody checked the reasoning.
- What a teacher writes is sampled: another run may give other traces.
- Questions were compared with the benchmarks under Decontamination, and with no others.
${unlicensed === 0 ? "" : `- The recipe notes no terms for ${unlicensed} of its sources: find them before you publish.\n`}`;
}

function hashes({ files, stages, grappa }: DatasetCard): string {
  return `## Hashes

${table(
  ["file", "bytes", "SHA-256"],
  files.map(({ path, bytes, sha256 }) => [path, count(bytes), sha256]),
)}

Stages of the run, by what each depends on and by what it put out (Grappa ${cell(grappa)}):

${table(
  ["stage", "key", "output"],
  stages.map(({ stage, key, outputHash }) => [stage, key, outputHash]),
)}
`;
}
