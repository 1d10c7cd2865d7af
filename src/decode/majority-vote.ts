/** The outcome of a vote over one question's samples. */
export interface Vote {
  /** Every answer with the most votes, sorted; empty when nobody answered. */
  readonly winners: readonly string[];
  /** Votes of each winner. */
  readonly votes: number;
  /** Samples that gave an answer. */
  readonly voters: number;
}

/**
 * Majority vote over canonical answers (one spelling for each value, as graders extract them: raw strings split the
 * vote). Samples without an answer (null) do not vote. The result does not depend on the order of the samples.
 */
export function majorityVote(answers: readonly (string | null)[]): Vote {
  const counts = new Map<string, number>();
  for (const answer of answers) if (answer !== null) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const votes = Math.max(0, ...counts.values());
  const winners = [...counts.keys()].filter((answer) => counts.get(answer) === votes).sort();
  return { winners, votes, voters: [...counts.values()].reduce((sum, count) => sum + count, 0) };
}

/** What a vote earns, 0 to 1: a tie shares the point among its winners, as drawing one of them would on average. */
export function voteCredit(vote: Vote, isCorrect: (answer: string) => boolean): number {
  return vote.winners.length === 0 ? 0 : vote.winners.filter(isCorrect).length / vote.winners.length;
}
