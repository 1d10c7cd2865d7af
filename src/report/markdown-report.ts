/** @file The report as Markdown: the same facts as the page, for a pull request, a model card or a terminal. */
import { count } from "./number-format.ts";
import { visibleText } from "./plain-text.ts";
import { type ReportView, reportView } from "./report-view.ts";
import type { RunResults } from "./run-results.ts";
import type { Cell, DataTable } from "./view/data-table.ts";
import type { ExampleView, MarkedText, ReplyView } from "./view/examples.ts";

/** Fewer than the page shows: Markdown cannot put replies side by side. */
const MOST_EXAMPLES = 3;

/** Text that Markdown and the HTML inside it take for text, on one line. */
function escaped(text: string): string {
  return visibleText(text)
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]{}|~#!]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("@", "&#64;")
    .replace(/^([-+]|\d+[.)])(?=\s)/, "\\$1");
}

/** A fenced block whose fence is longer than any run of backticks inside. */
function fenced(text: string): string {
  const visible = visibleText(text).replace(/\n+$/, "");
  const longest = Math.max(0, ...(visible.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}text\n${visible}\n${fence}`;
}

function cellText({ text, basis }: Cell): string {
  return escaped(text) + (basis === undefined ? "" : ` (${basis})`);
}

function table({ caption, columns, rows }: DataTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    escaped(caption),
    "",
    line(columns.map(({ label }) => escaped(label))),
    line(columns.map(({ isNumber }) => (isNumber ? "---:" : "---"))),
    ...rows.map(({ cells }) => line(cells.map(cellText))),
  ].join("\n");
}

function funnel(view: ReportView): string {
  return table({
    caption: "What each stage kept and dropped, and why.",
    columns: [
      { label: "stage", isNumber: false },
      { label: "kept", isNumber: true },
      { label: "dropped", isNumber: true },
      { label: "reasons", isNumber: false },
    ],
    rows: view.funnel.map(({ stage, kept, dropped, reasons, note }) => ({
      tone: "plain",
      cells: [
        { text: stage },
        { text: count(kept) },
        { text: count(dropped) },
        {
          text: [...reasons.map(({ reason, count: rows }) => `${reason} ${count(rows)}`), note]
            .filter(Boolean)
            .join(", "),
        },
      ],
    })),
  });
}

/** Forced text in double angle brackets, since a fenced block has no other emphasis. */
function runsText(runs: readonly MarkedText[]): string {
  return runs.map(({ text, isMarked }) => (isMarked ? text.replace(/^(\s*)([^]*?)(\s*)$/, "$1⟪$2⟫$3") : text)).join("");
}

function reply(view: ReplyView): string {
  const title = `**${escaped(view.title)}**: ${view.isRight ? "✓" : "✗"} ${escaped(view.outcome)} (${escaped(view.facts)})`;
  const thinking = runsText(view.thinking);
  return `${title}\n\n${fenced([...(thinking === "" ? [] : [thinking]), `→ ${runsText(view.answer)}`].join("\n"))}`;
}

function example(view: ExampleView, index: number): string {
  return [`### Question ${index + 1} (${escaped(view.title)})`, fenced(view.question), ...view.replies.map(reply)].join(
    "\n\n",
  );
}

function examples(view: ReportView): readonly string[] {
  if (view.examples.length === 0) return ["No example was kept."];
  return [
    "⟪Marked text⟫ was forced by the thinking budget; the model wrote the rest.",
    ...view.examples.slice(0, MOST_EXAMPLES).map(example),
  ];
}

/** The whole report of a run as Markdown; all text of the run is capped and escaped. */
export function markdownReport(results: RunResults): string {
  const view = reportView(results);
  const { headline, sweep, facts } = view;
  return [
    `# ${escaped(headline.sentence)}`,
    `Grappa run \`${view.runId.replaceAll("`", "")}\`, recipe ${escaped(view.recipeName)}, seed ${view.seed}.`,
    `- Base: **${headline.base.value}** (${escaped(headline.base.label)}; ${escaped(headline.base.detail)}; measured)\n- Student: **${headline.student.value}** (${escaped(headline.student.label)}; ${escaped(headline.student.detail)}; measured)`,
    `${escaped(headline.verdict)} ${escaped(headline.evidence)} ${escaped(sweep.metrics ?? "")}`.trim(),
    "## Accuracy against thinking",
    table(sweep.settings),
    ...(sweep.waits === null ? [] : [table(sweep.waits)]),
    ...(sweep.methods === null ? [] : [table(sweep.methods)]),
    ...(view.controls.claim === null ? [] : [escaped(view.controls.claim.sentence)]),
    table(sweep.families),
    "## Controls",
    escaped(view.controls.note),
    ...(view.controls.table === null ? [] : [table(view.controls.table)]),
    "## From questions to examples",
    funnel(view),
    "## What it learned",
    ...examples(view),
    "## Training",
    escaped(view.training.sentence),
    ...view.training.findings.map((finding) => escaped(finding)),
    ...(view.training.job === null ? [] : [table(view.training.job)]),
    "## What it cost",
    escaped(view.cost.sentence),
    table(view.cost.table),
    ...(view.cost.accounts === null ? [] : [table(view.cost.accounts)]),
    ...(view.cost.judge === null ? [] : [escaped(view.cost.judge)]),
    "### What s1's way would have cost",
    escaped(view.wouldHaveCost.sentence),
    table(view.wouldHaveCost.steps),
    table(view.wouldHaveCost.prices),
    "## Run it again",
    fenced(facts.command),
    table(facts.setup),
    table(facts.versions),
    "## What this does not show",
    [view.teacher, ...view.limits].map((limit) => `- ${escaped(limit)}`).join("\n"),
    table(view.published),
  ]
    .join("\n\n")
    .concat("\n");
}
