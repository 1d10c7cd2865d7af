import type { ChatReply } from "../pipeline/services.ts";
import { printable } from "./printable.ts";

/** A reply for people: the thinking indented, the answer, and what it took. */
export function describeReply({ thinking, answer, thinkingTokens, answerTokens, end }: ChatReply): string {
  const lines =
    thinking === ""
      ? []
      : printable(thinking)
          .split("\n")
          .map((line) => `  | ${line}`);
  const cut = end === "cut" ? ", cut at the budget" : "";
  return [
    ...lines,
    printable(answer),
    `(${thinkingTokens} thinking tokens${cut}, ${answerTokens} for the answer)`,
  ].join("\n");
}
