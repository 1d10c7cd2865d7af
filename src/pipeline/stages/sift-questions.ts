/** @file The rules of a recipe's `curate`, one after another, over what its sources gave: s1's order. */
import { sourceOf } from "../../curate/candidate.ts";
import { canonicalJson } from "../../core/hash.ts";
import { controlTextIn } from "../../curate/control-text.ts";
import { decontaminate, type QuestionSource } from "../../curate/decontaminate.ts";
import { dropDuplicates, dropNearDuplicates, type NearDuplicatesDropped } from "../../curate/duplicates.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { checkQuestions, type QuestionFault, s1FormatFault, strictFault } from "../../curate/question-quality.ts";
import { partition, sortedBy, type StageResult } from "../../curate/stage-result.ts";
import type { Curation, DuplicateCluster, UncheckedBenchmark } from "../../schema/curation.ts";
import type { StageNotes } from "../../schema/manifest.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Dropped, type FunnelStage, type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import { hasVerifier } from "./grade-reply.ts";
import { type BenchmarkPorts, loadBenchmarks, type LoadedBenchmarks } from "./load-benchmarks.ts";

type Curate = NonNullable<Recipe["curate"]>;

/** What was read of all sources. */
export interface ReadQuestions {
  /** In the order of the sources. */
  readonly found: readonly Question[];
  /** Questions that are never trained on. */
  readonly heldOut: readonly Question[];
  /** Rows that are no question. */
  readonly bad: readonly Dropped[];
}

/** What is left. */
export interface Sifted extends StageResult<Question> {
  /** One stage where the recipe says nothing; else one more for each rule. */
  readonly funnel: readonly FunnelStage[];
  readonly notes: StageNotes;
  /** Null where the recipe says nothing. */
  readonly curation: Curation | null;
  readonly clusters: readonly DuplicateCluster[];
}

/**
 * Sifts what was read: overlaps with benchmarks and earlier sources, equal texts, quality, near-duplicates. Without `curate`
 * equal texts alone are dropped, and always what spells a control token. The kept questions are sorted by id.
 */
export async function siftQuestions(
  all: ReadQuestions,
  curate: Recipe["curate"],
  ports: BenchmarkPorts,
): Promise<Sifted> {
  const read = withoutControlText({ ...all, found: inOneOrder(all.found) });
  if (curate === undefined) {
    const { kept, dropped } = dropDuplicates(read.found);
    const outcome = { kept, dropped: [...read.bad, ...dropped] };
    const funnel = [buildFunnel("collect", read.found.length + read.bad.length, outcome)];
    return { ...outcome, funnel, notes: {}, curation: null, clusters: [] };
  }
  const loaded = curate.decontaminate && (await loadBenchmarks(curate.decontaminate, ports));
  return siftByRules(read, curate, loaded);
}

/** The sources as they come, and within one its questions by id: no rule may depend on the order of its rows. */
function inOneOrder(found: readonly Question[]): Question[] {
  const compare = (a: Question, b: Question): number => {
    if (a.id !== b.id) return a.id < b.id ? -1 : 1;
    const [first, second] = [canonicalJson(a), canonicalJson(b)];
    return first < second ? -1 : first > second ? 1 : 0;
  };
  return sourcesOf(found).flatMap(({ questions }) => [...questions].sort(compare));
}

/** A gate would refuse the example of such a question, once its trace is paid for. */
function withoutControlText({ found, heldOut, bad }: ReadQuestions): ReadQuestions {
  const { kept, dropped } = partition(found, "collect", ({ id, text }) => {
    const control = controlTextIn(text);
    return control === undefined ? null : { id, reason: "control-text", detail: control };
  });
  return { found: kept, heldOut, bad: [...bad, ...dropped] };
}

function siftByRules({ found, heldOut, bad }: ReadQuestions, curate: Curate, loaded?: LoadedBenchmarks): Sifted {
  const steps = new Steps(found.length + bad.length, { kept: found, dropped: bad });
  const rules = curate.decontaminate;
  let tooShort = 0;
  if (rules !== undefined) {
    const own = heldOut.map(({ id, text }) => ({ id, text }));
    const benchmarks = [{ name: HELD_OUT, questions: own }, ...(loaded?.benchmarks ?? [])];
    const clean = decontaminate(sourcesOf(found), benchmarks, rules);
    steps.take("decontaminate", clean, noteOf(loaded?.notChecked ?? []));
    tooShort = clean.tooShort;
  }
  steps.take("duplicates", dropDuplicates(steps.kept));
  const { quality, duplicates } = curate;
  if (quality !== undefined) steps.take("quality", checkQuestions(steps.kept, faultOf(quality, curate)));
  const near = duplicates && dropNearOfData(steps.kept, duplicates.nearJaccard);
  if (near !== undefined) steps.take("near-duplicates", near);
  const notChecked = loaded?.notChecked ?? [];
  const { kept, dropped, funnel } = steps;
  return {
    kept,
    dropped,
    funnel,
    notes: notChecked.length === 0 ? {} : { notCheckedAgainst: notChecked.map(({ task }) => task).join(", ") },
    clusters: (near?.clusters ?? []).map(({ representative, members }) => ({
      schemaVersion: SCHEMA_VERSION,
      representative,
      members: [...members],
    })),
    curation: {
      schemaVersion: SCHEMA_VERSION,
      decontamination:
        rules === undefined
          ? null
          : {
              ngram: rules.ngram,
              nearJaccard: rules.nearJaccard ?? null,
              checked: [
                { task: HELD_OUT, questions: heldOut.length, source: "the recipe's sources", sha256: null },
                ...(loaded?.checked ?? []),
              ],
              notChecked: [...notChecked],
              tooShort,
            },
      nearDuplicates:
        near === undefined || duplicates === undefined
          ? null
          : { jaccard: duplicates.nearJaccard, clusters: near.clusters.length, crowded: near.crowded },
    },
  };
}

/** Name under which a recipe's own held-out questions are a benchmark. */
const HELD_OUT = "held-out";

/** What is left after each rule, and the funnel so far. */
class Steps {
  kept: readonly Question[];
  readonly dropped: Dropped[];
  readonly funnel: FunnelStage[];

  constructor(total: number, read: StageResult<Question>) {
    this.kept = read.kept;
    this.dropped = [...read.dropped];
    this.funnel = [buildFunnel("collect", total, read)];
  }

  take(stage: string, result: StageResult<Question>, note?: string): void {
    this.funnel.push({
      ...buildFunnel(stage, this.kept.length, result),
      ...(note === undefined ? {} : { note }),
    });
    this.kept = result.kept;
    for (const row of result.dropped) this.dropped.push(row);
  }
}

/** Names what could not be checked, for the funnel. */
function noteOf(notChecked: readonly UncheckedBenchmark[]): string | undefined {
  if (notChecked.length === 0) return undefined;
  return `not checked against ${notChecked.map(({ task }) => task).join(", ")}`;
}

/** Drops near-duplicates among the questions of data sets. Generated ones are worded alike by design: equal texts alone are one. */
function dropNearOfData(questions: readonly Question[], nearJaccard: number): NearDuplicatesDropped {
  const ofData = dropNearDuplicates(
    questions.filter((question) => !hasVerifier(question)),
    nearJaccard,
  );
  return { ...ofData, kept: sortedBy([...ofData.kept, ...questions.filter(hasVerifier)], ({ id }) => id) };
}

/** The questions of each source, one after another; generated ones are one source each by their family. */
function sourcesOf(found: readonly Question[]): QuestionSource[] {
  const sources: { name: string; questions: Question[]; isGenerated: boolean }[] = [];
  for (const question of found) {
    const name = `${question.family}/${nameOfSource(question)}`;
    const last = sources.at(-1);
    if (last?.name === name) last.questions.push(question);
    else sources.push({ name, questions: [question], isGenerated: hasVerifier(question) });
  }
  return sources;
}

/** The data set that a question is from; else its family. */
function nameOfSource({ metadata, family }: Question): string {
  return String(metadata.sourceName ?? family);
}

function faultOf(
  quality: NonNullable<Curate["quality"]>,
  { language }: Curate,
): (question: Question) => QuestionFault | null {
  if (quality === "strict")
    return (question) =>
      strictFault(question, { isVerifiable: hasVerifier, language: language === "en" ? "en" : undefined });
  return (question) =>
    // Without a reference s1 grades nothing, and what is not graded goes as an "API error".
    question.answer === null
      ? { reason: "no-reference", detail: "" }
      : s1FormatFault(question.text, sourceOf(question));
}
