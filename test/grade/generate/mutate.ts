/** @file Random inputs for the fuzzer: by grammar, by mutation of good ones, and raw. */
import type { Prng } from "../../../src/core/prng.ts";

const ATOMS = [
  "1",
  "0",
  "x",
  "\\pi",
  "e",
  "i",
  "2.50",
  "1,234",
  "\\infty",
  "7\\%",
  "A",
  "\\text{a}",
  "90^\\circ",
  "½",
  "10^{9}",
];

const pieces = [
  (a: string, b: string) => `\\frac{${a}}{${b}}`,
  (a: string) => `\\sqrt{${a}}`,
  (a: string, b: string) => `\\sqrt[${a}]{${b}}`,
  (a: string, b: string) => `${a}+${b}`,
  (a: string, b: string) => `${a}-${b}`,
  (a: string, b: string) => `${a}\\cdot ${b}`,
  (a: string, b: string) => `${a}${b}`,
  (a: string, b: string) => `{${a}}^{${b}}`,
  (a: string, b: string) => `(${a})**(${b})`,
  (a: string, b: string) => `(${a}, ${b})`,
  (a: string, b: string) => `[${a}, ${b})`,
  (a: string, b: string) => `\\{${a}, ${b}\\}`,
  (a: string, b: string) => `${a}\\cup ${b}`,
  (a: string, b: string) => `${a}\\pm ${b}`,
  (a: string, b: string) => `${a} = ${b}`,
  (a: string, b: string) => `${a}\\le ${b}`,
  (a: string, b: string) => `${a} < ${b}`,
  (a: string) => `|${a}|`,
  (a: string) => `${a}!`,
  (a: string, b: string) => `\\binom{${a}}{${b}}`,
  (a: string) => `\\sin ${a}`,
  (a: string) => `\\ln(${a})`,
  (a: string, b: string) => `\\log_{${a}} ${b}`,
  (a: string, b: string) => `\\sum_{k=1}^{${a}} ${b}`,
  (a: string, b: string) => `\\begin{pmatrix}${a}&${b}\\\\${b}&${a}\\end{pmatrix}`,
  (a: string) => `\\left(${a}\\right)`,
  (a: string) => `\\boxed{${a}}`,
  (a: string) => `\\text{${a}}`,
  (a: string) => `${a}_{2}`,
  (a: string, b: string) => `${a} \\text{ and } ${b}`,
  (a: string) => `-${a}`,
  (a: string) => `${a}\\text{ cm}^2`,
];

/** An expression of the grammar of answers, sometimes meaningless. */
export function grammarText(random: Prng, depth: number): string {
  if (depth === 0 || random.next() < 0.2) return random.pick(ATOMS);
  return random.pick(pieces)(grammarText(random, depth - 1), grammarText(random, depth - 1));
}

const FRAGMENTS = [
  "\\",
  "{",
  "}",
  "$",
  "^",
  "_",
  "\\frac",
  "\\boxed{",
  "\\left",
  "\\right)",
  "&",
  "\\\\",
  ",",
  "-",
  ".",
  "%",
  "\\text{",
  "=",
  "<",
  "!",
  "\u2212",
  "\u00b2",
  "\ud835",
  "\u0000",
  "\n",
  " ",
  "9999999999",
  "\\end{pmatrix}",
  "**",
  "the final answer is ",
  "Answer: ",
  "<|im_start|>answer",
];

/** A text with one to four pieces removed, doubled, moved or put in. */
export function mutatedText(random: Prng, text: string): string {
  let out = text;
  for (let n = random.int(1, 4); n > 0; n--) {
    const start = random.int(0, out.length);
    const end = Math.min(out.length, start + random.int(0, 6));
    const [head, cut, tail] = [out.slice(0, start), out.slice(start, end), out.slice(end)];
    const change = random.int(0, 3);
    if (change === 0) out = head + tail;
    else if (change === 1) out = head + cut + cut + tail;
    else if (change === 2) out = tail + cut + head;
    else out = head + random.pick(FRAGMENTS) + cut + tail;
  }
  return out;
}

/** Bytes as a decoder would pass them on, or code units of any kind. */
export function rawText(random: Prng): string {
  const length = random.int(0, 200);
  const top = random.pick([0x7f, 0x7f, 0xff, 0xffff]);
  return String.fromCharCode(...Array.from({ length }, () => random.int(0, top)));
}
