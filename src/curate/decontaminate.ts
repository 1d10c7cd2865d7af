/**
 * @file Keeps benchmark questions out of what is trained on: s1's rule (one shared run of eight words is enough, against the
 * benchmarks and against what earlier sources gave, s1.md 1.2), and a check for light edits that break every run.
 */
import type { Question } from "../schema/records.ts";
import { SCHEMA_VERSION, type Dropped } from "../schema/records.ts";
import type { IdentifiedText } from "./identified-text.ts";
import { NearPool, type NearMatch } from "./near-benchmark.ts";
import type { StageResult } from "./stage-result.ts";
import { NGRAM_WORDS, RunIndex, WordRuns } from "./word-runs.ts";

/** What is evaluated, by name. */
export interface Benchmark {
  readonly name: string;
  readonly questions: readonly IdentifiedText[];
}

/** How alike is too alike. */
export interface DecontaminationRules {
  /** Words in a run; s1's 8 where absent. */
  readonly ngram?: number | undefined;
  /** Jaccard of five-symbol runs from which a question is a benchmark's in other words; absent: only runs of words count. */
  readonly nearJaccard?: number | undefined;
}

/** Why a question may not be trained on. */
export type Overlap =
  | {
      /** `benchmark-overlap`: a run shared with a benchmark; `earlier-source`: with an accepted question. */
      readonly reason: "benchmark-overlap" | "earlier-source";
      /** The benchmark's name and the item's id, or the accepted question's id. */
      readonly item: string;
      /** The words in common, lower case; the whole run and what follows it, at most 40. */
      readonly sharedText: string;
    }
  | {
      readonly reason: "near-benchmark";
      readonly item: string;
      /** The benchmark's question. */
      readonly sharedText: string;
      readonly jaccard: number;
      /** Share of the benchmark question's five-symbol runs that stand in the question. */
      readonly contained: number;
    };

/** Words and characters of a shared text that are shown. */
const SHOWN_WORDS = 40;
const SHOWN_CHARACTERS = 300;

/** The benchmarks' questions and those accepted so far. */
export class Decontamination {
  readonly #read: WordRuns;
  readonly #benchmarks: RunIndex;
  readonly #accepted: RunIndex;
  readonly #items: readonly { readonly name: string; readonly text: string }[];
  readonly #acceptedIds: string[] = [];
  readonly #near: NearPool | undefined;
  /** Benchmark questions with fewer words than a run: only the check for light edits sees them. */
  readonly tooShort: number;

  constructor(benchmarks: readonly Benchmark[], { ngram = NGRAM_WORDS, nearJaccard }: DecontaminationRules = {}) {
    this.#read = new WordRuns(ngram);
    this.#benchmarks = new RunIndex(ngram);
    this.#accepted = new RunIndex(ngram);
    this.#items = benchmarks.flatMap(({ name, questions }) =>
      questions.map(({ id, text }) => ({ name: `${name} ${id}`, text })),
    );
    let tooShort = 0;
    for (const { text } of this.#items) {
      this.#read.read(text);
      if (this.#read.runs === 0) tooShort++;
      this.#benchmarks.add(this.#read);
    }
    this.tooShort = tooShort;
    this.#near = nearJaccard === undefined ? undefined : new NearPool(this.#items, nearJaccard);
  }

  /** What a question repeats, or null: a benchmark's run of words first, then an accepted question's, then a light edit. */
  overlapOf(text: string, { withAccepted = true }: { readonly withAccepted?: boolean } = {}): Overlap | null {
    this.#read.read(text);
    return (
      this.#sharedRun(this.#benchmarks, "benchmark-overlap") ??
      (withAccepted ? this.#sharedRun(this.#accepted, "earlier-source") : null) ??
      this.#nearMatch(text)
    );
  }

  /** Whatever comes later must not share a run with this question. */
  accept({ id, text }: IdentifiedText): void {
    this.#read.read(text);
    this.#accepted.add(this.#read);
    this.#acceptedIds.push(id);
  }

  #sharedRun(index: RunIndex, reason: "benchmark-overlap" | "earlier-source"): Overlap | null {
    const hit = index.firstShared(this.#read);
    if (hit === undefined) return null;
    const item = reason === "earlier-source" ? this.#acceptedIds[hit.owner] : this.#items[hit.owner]?.name;
    return { reason, item: item ?? "", sharedText: index.sharedText(this.#read, hit, SHOWN_WORDS) };
  }

  #nearMatch(text: string): Overlap | null {
    const match: NearMatch | undefined = this.#near?.nearest(text);
    const item = match && this.#items[match.at];
    if (match === undefined || item === undefined) return null;
    const { jaccard, contained } = match;
    return { reason: "near-benchmark", item: item.name, sharedText: item.text, jaccard, contained };
  }
}

/** Questions of one source. */
export interface QuestionSource {
  readonly questions: readonly Question[];
  /** Made by a program: worded alike by design, so checked against the benchmarks alone, and nothing is checked against them. */
  readonly isGenerated?: boolean;
}

/** What is left of each source, and what was dropped. */
export interface Decontaminated extends StageResult<Question> {
  /** Those kept, by source, in the sources' order. */
  readonly sources: readonly (readonly Question[])[];
  /** Benchmark questions too short for a run of words. */
  readonly tooShort: number;
}

/**
 * Drops what overlaps with a benchmark or with an earlier source, in s1's order: a source is checked against the sources before
 * it, not against itself, and only what was kept counts. The order of the rows in a source does not matter; that of the
 * sources does.
 */
export function decontaminate(
  sources: readonly QuestionSource[],
  benchmarks: readonly Benchmark[],
  rules: DecontaminationRules = {},
): Decontaminated {
  const pool = new Decontamination(benchmarks, rules);
  const dropped: Dropped[] = [];
  const left = sources.map(({ questions, isGenerated = false }, at) => {
    const kept = questions.filter((question) => {
      const overlap = pool.overlapOf(question.text, { withAccepted: !isGenerated });
      if (overlap !== null) dropped.push(droppedFor(question, overlap));
      return overlap === null;
    });
    if (at < sources.length - 1 && !isGenerated) for (const question of kept) pool.accept(question);
    return kept;
  });
  return { kept: left.flat(), dropped, sources: left, tooShort: pool.tooShort };
}

function droppedFor({ id }: Question, overlap: Overlap): Dropped {
  const { reason, item, sharedText } = overlap;
  const likeness =
    overlap.reason === "near-benchmark"
      ? ` (Jaccard ${overlap.jaccard.toFixed(2)}, ${Math.round(100 * overlap.contained)} % of it)`
      : "";
  const shown = sharedText.length > SHOWN_CHARACTERS ? `${sharedText.slice(0, SHOWN_CHARACTERS)}...` : sharedText;
  return { schemaVersion: SCHEMA_VERSION, id, stage: "decontaminate", reason, detail: `${item}${likeness}: ${shown}` };
}
