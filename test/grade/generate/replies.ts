/** @file The ways in which a reply states an answer. */

/** Puts an answer into a reply. */
export type Reply = (answer: string) => string;

const REASONING = "First we note that $2+2=4$, and that there are 17 cases, of which 3 fall away. ";

/** Replies around LaTeX maths, by name. */
export const LATEX_REPLIES: Readonly<Record<string, Reply>> = {
  dollars: (a) => `$${a}$`,
  "double dollars": (a) => `$$${a}$$`,
  parentheses: (a) => `\\(${a}\\)`,
  brackets: (a) => `\\[${a}\\]`,
  boxed: (a) => `\\boxed{${a}}`,
  "boxed in dollars": (a) => `$\\boxed{${a}}$`,
  "boxed after reasoning": (a) => `${REASONING}Hence the result is $$\\boxed{${a}}.$$`,
  "boxed, then said again": (a) => `${REASONING}So we get $\\boxed{${a}}$.\n\n**Final Answer**\n\n$\\boxed{${a}}$`,
  "final answer": (a) => `${REASONING}The final answer is $${a}$.`,
  "I hope": (a) => `${REASONING}Final Answer: The final answer is $${a}$. I hope it is correct.`,
  "answer line": (a) => `${REASONING}\n\n**Answer:** $${a}$`,
  "in a sentence": (a) => `${REASONING}Therefore, the answer is $${a}$.`,
  "answer region": (a) => `I think about $5$ and $6$.\n<|im_start|>answer\nIt is $\\boxed{${a}}$.`,
};

/** Replies around text as people type it, by name. */
export const PLAIN_REPLIES: Readonly<Record<string, Reply>> = {
  alone: (a) => a,
  "answer line": (a) => `${REASONING}\nAnswer: ${a}`,
  "final answer": (a) => `${REASONING}The final answer is ${a}.`,
  "in a sentence": (a) => `Therefore, the answer is ${a}.`,
};
