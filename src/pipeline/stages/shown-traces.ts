import type { ExampleRun, ShownTrace } from "../../report/run-results.ts";
import type { Example, Selection } from "../../schema/records.ts";
import { IGNORED } from "../../tokenize/training-sequence.ts";
import type { Tokenizer } from "../../tokenize/tokenizer.ts";

const MOST_TRACES = 3;

/** The first examples of the selection, each of another domain where there are so many, split where the loss mask changes. */
export function chooseShownTraces(
  selection: readonly Selection[],
  examples: readonly Example[],
  tokenizer: Tokenizer,
): ShownTrace[] {
  const byTrace = new Map(examples.map((example) => [example.traceId, example]));
  const ranked = [...selection].sort((a, b) => a.rank - b.rank);
  const firstOfDomain = ranked.filter(
    (row, place) => ranked.findIndex(({ domain }) => domain === row.domain) === place,
  );
  const chosen = [...new Set([...firstOfDomain, ...ranked])].slice(0, MOST_TRACES);
  return chosen.flatMap(({ traceId, questionId, domain }) => {
    const example = byTrace.get(traceId);
    if (!example) return [];
    return [{ questionId, domain, thinkingTokens: example.thinkingTokens, runs: maskRuns(example, tokenizer) }];
  });
}

function maskRuns({ inputIds, labels }: Example, tokenizer: Tokenizer): ExampleRun[] {
  const runs: { ids: number[]; isTrained: boolean }[] = [];
  inputIds.forEach((id, place) => {
    const isTrained = labels[place] !== IGNORED;
    const last = runs.at(-1);
    if (last?.isTrained === isTrained) last.ids.push(id);
    else runs.push({ ids: [id], isTrained });
  });
  return runs.map(({ ids, isTrained }) => ({ text: tokenizer.decode(ids), tokens: ids.length, isTrained }));
}
