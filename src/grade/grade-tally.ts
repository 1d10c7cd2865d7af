import type { GradeRow } from "../schema/grade-row.ts";

/** What became of the rows of one input. */
export interface GradeSummary {
  readonly rows: number;
  /** Rows by outcome, the most frequent first; outcomes that did not occur are absent. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Correct rows among all that could be graded; null when there is none. */
  readonly accuracy: number | null;
  /** Rows on which the two extractors led to different outcomes: worth a look by a person. */
  readonly disagreements: number;
}

/** Outcomes that say nothing of the reply, so that no accuracy may count them. */
const UNGRADED: ReadonlySet<string> = new Set(["row_error", "gold_error", "unscored"]);

/** Counts rows as they pass. */
export class GradeTally {
  readonly #outcomes = new Map<string, number>();
  #disagreements = 0;

  add({ outcome, flexible }: Pick<GradeRow, "outcome" | "flexible">): void {
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (flexible !== null && flexible.outcome !== outcome) this.#disagreements += 1;
  }

  summary(): GradeSummary {
    const counts = [...this.#outcomes].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    const total = (isWanted: (outcome: string) => boolean): number =>
      counts.reduce((sum, [outcome, count]) => sum + (isWanted(outcome) ? count : 0), 0);
    const graded = total((outcome) => !UNGRADED.has(outcome));
    return {
      rows: total(() => true),
      outcomes: Object.fromEntries(counts),
      accuracy: graded === 0 ? null : total((outcome) => outcome === "correct") / graded,
      disagreements: this.#disagreements,
    };
  }
}
