import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
import type { PageQuery } from "../../report/page/page-api.ts";
import type { TraceXray, XrayRun } from "../../report/page/trace-xray.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Example } from "../../schema/records.ts";
import { roleSpans } from "../../tokenize/example-roles.ts";
import { type StudentFormat, studentFormat } from "../../tokenize/student-format.ts";
import { IGNORED } from "../../tokenize/training-sequence.ts";
import { tokenText } from "../../tokenize/xray.ts";
import { findBase } from "../load-recipe.ts";
import { exampleIndex, readExample } from "./example-index.ts";
import type { PageReader } from "./page-reader.ts";
import type { RunFacts } from "./run-facts.ts";

/** More are not shown: each is an element of the page. */
const MOST_TOKENS = 6000;

/**
 * The training example of the trace that `id` of the query names.
 *
 * @throws AppError "file-missing" where the trace is none, or examples are not made yet; "usage" where a provider trains the
 *   student, whose tokenizer is not here; what reading the base throws.
 */
export async function readXray(facts: RunFacts, reader: PageReader, query: PageQuery): Promise<TraceXray> {
  const { recipe } = facts;
  if (recipe?.student.hosted)
    throw new AppError(
      "usage",
      "a provider trains this student, with a tokenizer that is not here: there are no tokens to show",
    );
  const index = await exampleIndex(facts, reader);
  if (recipe === undefined) throw new AppError("file-missing", "this run has no recipe to read its tokens by");
  const example = await readExample(index, query["id"] ?? "");
  if (example === undefined) throw new AppError("file-missing", "nothing is trained on this trace");
  const { format, hash } = await baseOf(recipe, facts, reader);
  return {
    traceId: example.traceId,
    tokens: example.inputIds.length,
    trained: example.labels.filter((label) => label !== IGNORED).length,
    left: Math.max(0, example.inputIds.length - MOST_TOKENS),
    isTokenizerChanged: index.tokenizer !== hash,
    runs: runsOf(example, format),
  };
}

/** The base's tokenizer, read once: of a large vocabulary it takes seconds. */
async function baseOf({ student, tokenize }: Recipe, { folder }: RunFacts, { kept, ports }: PageReader) {
  const { baseFolder } = await findBase(student.base, folder, { fs: ports.fs, ...ports.bases });
  return await kept.get(`tokenizer ${baseFolder} ${tokenize.style}`, "", async () => {
    const base = await readTokenizerFolder(baseFolder);
    return { format: studentFormat(base, tokenize.style), hash: base.tokenizerHash };
  });
}

function runsOf({ inputIds, labels }: Example, format: StudentFormat): readonly XrayRun[] {
  const runs: { role: XrayRun["role"]; isTrained: boolean; tokens: string[] }[] = [];
  for (const { role, from, to } of roleSpans(format, inputIds))
    for (let at = from; at < Math.min(to, MOST_TOKENS); at++) {
      const isTrained = (labels[at] ?? IGNORED) !== IGNORED;
      const last = runs.at(-1);
      const text = tokenText(format.tokenizer, inputIds[at] ?? 0);
      if (last?.role === role && last.isTrained === isTrained) last.tokens.push(text);
      else runs.push({ role, isTrained, tokens: [text] });
    }
  return runs;
}
