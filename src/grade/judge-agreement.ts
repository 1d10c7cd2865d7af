/** @file How far a judge agrees with the rules, on replies where a rule is sure. */
import { type Interval, wilsonInterval } from "../core/statistics/intervals.ts";

/** Two verdicts on one reply. */
export interface VerdictPair {
  readonly rule: "correct" | "incorrect";
  /** Null where the judge gave no verdict that can be read. */
  readonly judge: "correct" | "incorrect" | null;
}

/** Agreement over the replies that the judge gave a verdict on. */
export interface JudgeAgreement {
  /** Replies on which both have a verdict. */
  readonly n: number;
  /** Replies on which the judge gave none. */
  readonly silent: number;
  readonly bothCorrect: number;
  readonly bothIncorrect: number;
  /** The rule says incorrect, the judge correct. */
  readonly onlyJudge: number;
  /** The rule says correct, the judge incorrect. */
  readonly onlyRule: number;
  /** Share of equal verdicts; null when n is 0. */
  readonly agreement: number | null;
  /** 95 %, Wilson. */
  readonly interval: Interval | null;
  /** Cohen's kappa: agreement beyond what the shares alone would give; null when chance alone would agree always. */
  readonly kappa: number | null;
}

/** Counts pairs of verdicts. */
export function judgeAgreement(pairs: readonly VerdictPair[]): JudgeAgreement {
  const count = (rule: VerdictPair["rule"], judge: VerdictPair["judge"]): number =>
    pairs.filter((pair) => pair.rule === rule && pair.judge === judge).length;
  const bothCorrect = count("correct", "correct");
  const bothIncorrect = count("incorrect", "incorrect");
  const onlyJudge = count("incorrect", "correct");
  const onlyRule = count("correct", "incorrect");
  const n = bothCorrect + bothIncorrect + onlyJudge + onlyRule;
  const agreement = n === 0 ? null : (bothCorrect + bothIncorrect) / n;
  const expected =
    ((bothCorrect + onlyRule) * (bothCorrect + onlyJudge) + (bothIncorrect + onlyJudge) * (bothIncorrect + onlyRule)) /
    n ** 2;
  return {
    n,
    silent: pairs.length - n,
    bothCorrect,
    bothIncorrect,
    onlyJudge,
    onlyRule,
    agreement,
    interval: wilsonInterval(bothCorrect + bothIncorrect, n),
    kappa: agreement === null || expected >= 1 ? null : (agreement - expected) / (1 - expected),
  };
}
