import type { ChainFamily } from "./chain-family.ts";
import type { RuleFamily } from "./family.ts";
import { MAX_STEPS } from "./steps.ts";

/** A chain of steps behind the port that all families have; what it generates is its own. */
export function chainAsFamily(
  chain: ChainFamily,
  facts: Pick<RuleFamily, "description" | "domain">,
): RuleFamily & Pick<ChainFamily, "name"> {
  const verify: RuleFamily["verify"] = ({ text }, answerText) => chain.verify(text, answerText);
  return {
    ...facts,
    name: chain.name,
    checkedBy: "rule",
    levels: Array.from({ length: MAX_STEPS }, (_, i) => (i === 0 ? "1 step" : `${i + 1} steps`)),
    generate: (index, options) => chain.generate(index, options),
    check: (question, answerText) => {
      if (chain.parse(question.text) === null) return "gold_error";
      return verify(question, answerText) ? "correct" : "incorrect";
    },
    verify,
  };
}
