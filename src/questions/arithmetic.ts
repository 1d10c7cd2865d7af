import { makeChainFamily } from "./make-chain-family.ts";

/**
 * Maths in a short keyed notation, `62 a+36 b+27 c*5`: a start value, then steps from left to right without precedence.
 * Domains: number of steps, and whether a product occurs.
 */
export const arithmetic = makeChainFamily({
  name: "arithmetic",
  notation: {
    conditionalShare: 0,
    item: ({ key, operation, operand }) => `${key}${operation}${operand}`,
    text: ({ start, steps }) => [start, ...steps.map((step) => step.item)].join(" "),
  },
  split(text) {
    const [start, ...items] = text.split(" ");
    if (start === undefined || !/^[0-9]{1,3}$/.test(start) || items.some((item) => item.includes(":"))) return null;
    return { start, items };
  },
  domain: ({ steps }) => (steps.some((step) => step.operation === "*") ? "product" : "sum"),
});
