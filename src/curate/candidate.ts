import type { Question, Selection } from "../schema/records.ts";
import { sortedBy } from "./stage-result.ts";

/** What the selection looks at. */
export interface Candidate {
  readonly questionId: string;
  readonly traceId: string;
  readonly domain: string;
  /** Where its question is from; see `sourceOf`. */
  readonly source: string;
  /** Whether its trace is graded correct. */
  readonly isCorrect: boolean;
  /** Length of the thinking in the student's tokens. */
  readonly thinkingTokens: number;
}

/** A candidate that was selected, and by which rule. */
export interface Drawn {
  readonly candidate: Candidate;
  readonly reason: Selection["reason"];
}

/** The name of a question's source with the part of it, for example `AI-MO/NuminaMath-CoT/aops_forum`; of a generated one its family. */
export function sourceOf({ metadata, family }: Pick<Question, "metadata" | "family">): string {
  const { sourceName, part } = metadata;
  if (sourceName === undefined) return family;
  return part === undefined ? String(sourceName) : `${sourceName}/${part}`;
}

/** Whether a source is the named one, or a part of it: `MATH` takes `MATH` and `MATH/algebra`, not `MATHS`. */
export function isWithinSource(source: string, named: string): boolean {
  return source === named || source.startsWith(`${named}/`);
}

/** Sorted by thinking length, descending; equal lengths stay in their order. */
export function longestFirst(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => b.thinkingTokens - a.thinkingTokens);
}

/** Candidates by domain, the domains ordered by name; within one they keep their order. */
export function byDomain(candidates: readonly Candidate[]): [domain: string, rows: Candidate[]][] {
  const domains = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const domain = domains.get(candidate.domain);
    if (domain === undefined) domains.set(candidate.domain, [candidate]);
    else domain.push(candidate);
  }
  return sortedBy([...domains], ([name]) => name);
}
