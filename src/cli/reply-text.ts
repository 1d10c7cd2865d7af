import type { ChatPiece, ChatReply } from "../pipeline/services.ts";
import { printable } from "./printable.ts";

/** A reply for people: the thinking indented, the answer, and what it took. */
export function describeReply(reply: ChatReply): string {
  const { thinking, answer } = reply;
  const lines =
    thinking === ""
      ? []
      : printable(thinking)
          .split("\n")
          .map((line) => `  | ${line}`);
  return [...lines, printable(answer), describeTokens(reply)].join("\n");
}

/** What a reply took, in one line. */
export function describeTokens({ thinkingTokens, answerTokens, forcedTokens, end }: ChatReply): string {
  const cut = end === "cut" ? ", cut at the budget" : "";
  const forced = forcedTokens > 0 ? `; ${forcedTokens} written by the budget` : "";
  return `(${thinkingTokens} thinking tokens${cut}, ${answerTokens} for the answer${forced})`;
}

const DIM = "2";
const DIM_UNDERLINED = "2;4";

/** Writes a reply while it comes, for a terminal: thinking dimmed, what the budget wrote of it underlined, then the answer. */
export function streamPieces(write: (text: string) => void): (piece: ChatPiece) => void {
  let part: ChatPiece["part"] | undefined;
  return (piece) => {
    if (part === "thinking" && piece.part === "answer") write("\n");
    part = piece.part;
    const text = printable(piece.text);
    if (part === "answer") write(text);
    else write(`\u001b[${piece.isForced ? DIM_UNDERLINED : DIM}m${text}\u001b[0m`);
  };
}
