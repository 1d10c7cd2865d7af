import { resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { type HostedXrayRun, openHostedXray } from "../../pipeline/open-hosted-xray.ts";
import { openXray, type XrayRun } from "../../pipeline/open-xray.ts";
import { writeXrayPage } from "../../pipeline/write-xray-page.ts";
import { gatesFailed, gateTally } from "../../tokenize/gate-report.ts";
import { tokenText, type XrayRow, type XraySummary, xrayTally } from "../../tokenize/xray.ts";
import { type CommandResult, type CommonFlags, presenting } from "../command-result.ts";
import type { CliContext } from "../context.ts";
import { findRun } from "../find-run.ts";
import { describeChat, describeHostedXray, summarizeHosted } from "../hosted-xray-text.ts";
import { shellQuote } from "../shell-quote.ts";
import { shownPath } from "../shown-path.ts";
import { describePage, describeRow, describeXray } from "../xray-text.ts";

interface XrayFlags extends CommonFlags {
  readonly tokens: boolean;
  readonly html?: string;
}

/** Fewest characters by which a row may be named. */
const LEAST_PREFIX = 4;

/** Shows what a run's student is trained on. */
export default presenting<XrayFlags, [string, string?]>(async (context, flags, name, id) => {
  checkFlags(flags, id);
  const folder = await findRun(context, name);
  const chats = await openHostedXray(context.fs, folder);
  if (chats !== undefined) return await showChats(context, { folder, flags, id }, chats);
  const run = await openXray({
    fs: context.fs,
    folder,
    packageFolder: context.recipes.packageFolder,
    cacheFolder: context.settings.cacheFolder,
  });
  if (id !== undefined) return showRow(context, run, await findRow(run, id), flags);
  const shown = shellQuote(shownPath(context, folder));
  const facts = { style: run.recipe.tokenize.style, maxLength: run.recipe.tokenize.maxLength };
  const about = { run: shown, ...facts, isTokenizerChanged: run.isTokenizerChanged };
  if (flags.html === undefined) {
    const tally = xrayTally();
    for await (const row of run.rows()) tally.add(row);
    const summary = tally.summary();
    return withVerdict({ json: { ...about, ...summary }, text: describeXray(about, summary).join("\n") }, summary);
  }
  const path = resolve(context.recipes.workingFolder, flags.html);
  const { bytes, leftOut, summary } = await writeXrayPage(context.fs, path, { run, folder });
  const page = { path: shownPath(context, path), bytes, leftOut };
  const text = [...describeXray(about, summary), ...describePage(page)].join("\n");
  return withVerdict({ json: { ...about, ...summary, page }, text }, summary);
});

function checkFlags({ html, tokens }: XrayFlags, id: string | undefined): void {
  if (id !== undefined && html !== undefined)
    throw new AppError("usage", "--html writes all rows: leave the ID out, the page has a search");
  if (id === undefined && tokens) throw new AppError("usage", "--tokens shows one row: give its ID too");
}

/** The result, and the error that it ends with where a gate failed. */
function withVerdict(result: CommandResult, { gates, rows }: Pick<XraySummary, "gates" | "rows">): CommandResult {
  return gates.length === 0 ? result : { ...result, failure: gatesFailed(gates, { rows }) };
}

interface Asked {
  readonly folder: string;
  readonly flags: XrayFlags;
  readonly id: string | undefined;
}

/** Of a student that a provider trains: the chats that are sent. */
async function showChats(
  context: CliContext,
  { folder, flags, id }: Asked,
  run: HostedXrayRun,
): Promise<CommandResult> {
  if (flags.tokens || flags.html !== undefined)
    throw new AppError(
      "usage",
      "a provider trains this student, with a tokenizer that is not here: there are no tokens",
      {
        hint: "leave --tokens and --html out: the chats that are sent are shown as text",
      },
    );
  const { recipe, hosted } = run;
  const typed = shellQuote(shownPath(context, folder));
  const facts = { run: typed, provider: hosted.type, base: recipe.student.base, maxLength: recipe.tokenize.maxLength };
  const verified = { isTemplateVerified: false, isMaskVerified: false };
  if (id !== undefined) {
    const row = await findRow(run, id);
    const tally = gateTally();
    tally.add(row.traceId, row.faults);
    const text = describeChat(row, facts).join("\n");
    return withVerdict({ json: { ...facts, ...verified, ...row }, text }, { gates: tally.results(), rows: 1 });
  }
  const summary = await summarizeHosted(run.rows());
  const text = describeHostedXray(facts, summary).join("\n");
  return withVerdict({ json: { ...facts, ...verified, ...summary }, text }, summary);
}

/** The row that an id or the beginning of one names. Throws "usage" for none or several. */
async function findRow<T extends { readonly questionId: string; readonly traceId: string }>(
  run: { rows(): AsyncIterable<T> },
  id: string,
): Promise<T> {
  const matches: T[] = [];
  for await (const row of run.rows()) {
    if (row.traceId === id) return row;
    const isNamed = [row.traceId, row.questionId].some((each) => each.startsWith(id));
    if (isNamed && (id.length >= LEAST_PREFIX || row.questionId === id)) matches.push(row);
  }
  const [first] = matches;
  if (first !== undefined && matches.length === 1) return first;
  const data = { id, matches: matches.slice(0, 20).map(({ questionId, traceId }) => ({ questionId, traceId })) };
  if (first === undefined)
    throw new AppError("usage", `no row of question or trace ${id}`, {
      hint: `at least ${LEAST_PREFIX} characters of an id; the ids stand in selection.jsonl, and in the page of --html`,
      data,
    });
  throw new AppError("usage", `${matches.length} rows begin with ${id}`, {
    hint: `say more of it: ${matches
      .slice(0, 5)
      .map(({ traceId }) => traceId)
      .join(", ")}`,
    data,
  });
}

function showRow({ terminal }: CliContext, { format }: XrayRun, row: XrayRow, flags: XrayFlags): CommandResult {
  const { tokenizer } = format;
  const tally = xrayTally();
  tally.add(row);
  const spans = row.spans.map((span) => ({ ...span, text: tokenizer.decode(row.inputIds.slice(span.from, span.to)) }));
  const tokens = row.inputIds.map((token) => tokenText(tokenizer, token));
  const json = { ...row, spans, ...(flags.tokens ? { tokens } : {}) };
  const look = { tokens: flags.tokens, hasColor: terminal.hasColor };
  return withVerdict({ json, text: describeRow(row, tokenizer, look).join("\n") }, tally.summary());
}
