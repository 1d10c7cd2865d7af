/** @file One model's reply on the page. What a model writes goes in as text, never as markup. */
import { count } from "../report/number-format.ts";
import { oneLine } from "../report/plain-text.ts";
import type { LivePiece, LiveReply } from "./live-protocol.ts";
import type { QuestionFacts } from "./question-facts.ts";

/** The box of one model. */
export interface ReplyPanel {
  /** Empties the box for a new reply. */
  begin(): void;
  add(pieces: readonly LivePiece[]): void;
  finish(reply: LiveReply, facts: QuestionFacts | null): void;
  /** Leaves what has come so far, and says why it is not whole. */
  breakOff(why: string): void;
}

/** The verdict in a few words: `right: 690`, `wrong: 680, not 690`. */
export function outcomeText({ grade, answer }: LiveReply, facts: QuestionFacts | null): string {
  if (grade === null) return answer === "" ? "no answer" : `${oneLine(answer, 40)} (not checked)`;
  const found = grade.extracted === null ? "–" : oneLine(grade.extracted, 40);
  if (grade.outcome === "correct") return `✓ right: ${found}`;
  if (grade.outcome !== "incorrect") return `✗ ${grade.outcome.replaceAll("_", " ")}`;
  return `✗ wrong: ${found}${facts === null ? "" : `, not ${facts.answer}`}`;
}

/** How long it thought, how that ended, and how fast this machine was. */
export function replyFacts({ thinkingTokens, end, answerFinish, chosenTokens, computeSeconds }: LiveReply): string {
  const ends = { natural: "ended by itself", cut: "cut by the budget, answer forced", direct: "no thinking" }[end];
  const thought = end === "direct" ? ends : `${count(thinkingTokens)} thinking tokens, ${ends}`;
  const answered = answerFinish === "length" ? "; its answer ran out of room" : "";
  const speed = computeSeconds > 0 ? `; ${count(chosenTokens / computeSeconds)} tokens a second` : "";
  return `${thought}${answered}${speed}`;
}

/** Finds the parts of a reply's box and fills them. */
export function replyPanel(box: HTMLElement): ReplyPanel {
  const part = (selector: string): HTMLElement => {
    const found = box.querySelector<HTMLElement>(selector);
    if (found === null) throw new Error(`bug in grappa: the page has no ${selector}`);
    return found;
  };
  const parts = { thinking: part(".thinking"), answer: part(".answer") };
  const outcome = part(".outcome");
  const facts = part(".facts");
  const settle = (text: string, kind: "right" | "wrong" | "open"): void => {
    box.setAttribute("aria-busy", "false");
    outcome.textContent = text;
    outcome.className = kind === "open" ? "outcome" : `outcome ${kind}`;
  };
  return {
    begin: () => {
      for (const element of [parts.thinking, parts.answer, facts]) element.textContent = "";
      settle("", "open");
      box.setAttribute("aria-busy", "true");
    },
    add: (pieces) => {
      for (const piece of pieces) append(parts[piece.box], piece);
      parts.thinking.scrollTop = parts.thinking.scrollHeight;
    },
    finish: (reply, question) => {
      const { grade } = reply;
      settle(outcomeText(reply, question), grade === null ? "open" : grade.outcome === "correct" ? "right" : "wrong");
      facts.textContent = replyFacts(reply);
    },
    breakOff: (why) => {
      settle("", "open");
      facts.textContent = why;
    },
  };
}

/** Text after text of the same kind joins it, so that a forced word is one mark. */
function append(box: HTMLElement, { text, isForced }: LivePiece): void {
  const last = box.lastChild;
  const holder = isForced ? (last instanceof HTMLElement ? last.lastChild : null) : last;
  if (holder instanceof Text) {
    holder.appendData(text);
    return;
  }
  const node = document.createTextNode(text);
  if (!isForced) {
    box.append(node);
    return;
  }
  const mark = document.createElement("mark");
  mark.title = "forced";
  mark.append(node);
  box.append(mark);
}
