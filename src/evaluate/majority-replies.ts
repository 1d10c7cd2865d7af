import { prng } from "../core/prng.ts";
import { majorityVote } from "../decode/majority-vote.ts";
import type { Completion } from "../schema/records.ts";

/**
 * One reply a question, chosen by majority over its first `votes` samples; between answers with equally many votes a draw
 * decides, seeded by the question, never who came first. Tokens are those of all samples together; the rest is that of the first
 * sample with the chosen answer. Questions with fewer samples are left out.
 *
 * @param samples of one model at one setting, several a question, in any order
 */
export function majorityReplies(samples: readonly Completion[], votes: number): Completion[] {
  const byQuestion = new Map<string, Completion[]>();
  for (const sample of samples) {
    if (sample.sampleIndex >= votes) continue;
    byQuestion.set(sample.questionId, [...(byQuestion.get(sample.questionId) ?? []), sample]);
  }
  return [...byQuestion.values()]
    .filter(({ length }) => length === votes)
    .flatMap((unordered) => {
      const voters = [...unordered].sort((a, b) => a.sampleIndex - b.sampleIndex);
      const { winners } = majorityVote(voters.map(({ grade }) => grade.extracted));
      const [first] = voters;
      const winner = winners.length > 1 ? prng(`vote/${first?.questionId}`).pick(winners) : winners[0];
      const chosen = voters.find(({ grade }) => grade.extracted !== null && grade.extracted === winner) ?? first;
      const sum = (count: (sample: Completion) => number): number => voters.reduce((all, one) => all + count(one), 0);
      if (chosen === undefined) return [];
      return [
        {
          ...chosen,
          sampleIndex: 0,
          thinkingTokens: sum(({ thinkingTokens }) => thinkingTokens),
          answerTokens: sum(({ answerTokens }) => answerTokens),
        },
      ];
    });
}

/**
 * How many samples a vote may have for the tokens of another way of answering: as many as reach them, so that rounding is
 * in the vote's favour; at least 1.
 *
 * @param sampleTokens mean thinking tokens of one sample
 * @param tokens mean thinking tokens of the other way
 */
export function votesAtEqualTokens(sampleTokens: number, tokens: number): number {
  return sampleTokens > 0 ? Math.max(1, Math.ceil(tokens / sampleTokens)) : 1;
}
