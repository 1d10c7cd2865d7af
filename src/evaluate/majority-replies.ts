import { majorityVote } from "../decode/majority-vote.ts";
import type { Completion } from "../schema/records.ts";

/**
 * One reply a question, chosen by majority over its first `votes` samples: of the answers with the most votes the one
 * given first, which is a fixed rule and favours none of them (any other tie-break is as good as drawing lots). Tokens are
 * those of all samples together; the rest is the chosen sample's. Questions with fewer samples are left out.
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
      const chosen = voters.find(({ grade }) => winners.includes(grade.extracted ?? "")) ?? voters[0];
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
