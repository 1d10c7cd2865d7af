import { makeChainFamily } from "./make-chain-family.ts";

/**
 * "What does this print": a small C-like program, `n=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)`. About one labelled
 * statement in four runs on odd values only. Domains: number of statements, and whether one of them is conditional.
 */
export const program = makeChainFamily({
  name: "program",
  notation: {
    conditionalShare: 0.25,
    item: ({ key, operation, operand, isConditional }) =>
      `${key}:${isConditional ? "if(n%2)" : ""}n${operation}=${operand}`,
    text: ({ start, steps }) => `n=${start};${steps.map((step) => `${step.item};`).join("")}puts(n)`,
  },
  split(text) {
    const [first, ...items] = text.split(";");
    const last = items.pop();
    const start = /^n=([0-9]{1,3})$/.exec(first ?? "")?.[1];
    if (start === undefined || last !== "puts(n)" || !items.every((item) => item.includes(":"))) return null;
    return { start, items };
  },
  domain: ({ steps }) => (steps.some((step) => step.isConditional) ? "branch" : "straight"),
});
