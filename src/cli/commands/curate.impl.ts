import { type Curation, writeCuration } from "../../pipeline/curation.ts";
import { count, counted } from "../../report/number-format.ts";
import { presenting } from "../command-result.ts";
import { executeRun, type RunFlags, type SpendFlags } from "../execute-run.ts";
import { printable } from "../printable.ts";
import { shellQuote } from "../shell-quote.ts";
import { shownPath } from "../shown-path.ts";
import { alignColumns } from "../text-table.ts";

type CurateFlags = Omit<RunFlags, "until" | "controls"> & SpendFlags;

/** Runs a recipe up to its selection. */
export default presenting<CurateFlags, [string]>((context, flags, recipe) =>
  executeRun(
    context,
    { ...flags, until: "select", controls: false },
    {
      recipe,
      command: `grappa run ${shellQuote(recipe)}`,
      redo: "--from collect",
      isFresh: false,
      spending: flags,
      describe: async (folder, command) => {
        const curation = await writeCuration(context.fs, folder);
        const place = shownPath(context, folder);
        const files = ["funnel.json", "selection.jsonl", "dropped.jsonl"];
        return {
          json: { run: place, ...curation, files },
          text: [...describeCuration(curation), "", `${place}: ${files.join(", ")}`, `go on: ${command}`].join("\n"),
        };
      },
    },
  ),
);

/** More domains than this are only counted. */
const MOST_DOMAINS = 12;

function describeCuration({ funnel, chosenBy, domains, thinkingTokens }: Curation): string[] {
  const rows = funnel.map(({ stage, in: total, kept, dropped, reasons }) => [
    stage,
    count(total),
    count(kept),
    count(dropped),
    listed(reasons),
  ]);
  const names = Object.entries(domains);
  const more = names.length > MOST_DOMAINS ? `, and ${count(names.length - MOST_DOMAINS)} more` : "";
  const { mean, longest, total } = thinkingTokens;
  return [
    ...alignColumns([["stage", "in", "kept", "dropped", "why"], ...rows], "lrrrl"),
    "",
    `chosen by:  ${listed(chosenBy)}`,
    `domains:    ${counted(names.length, "domain")}: ${listed(Object.fromEntries(names.slice(0, MOST_DOMAINS)))}${more}`,
    `thinking:   ${count(mean)} tokens a trace, the longest ${count(longest)}, together ${count(total)}`,
  ].map(printable);
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, rows]) => `${name} ${count(rows)}`)
    .join(", ");
