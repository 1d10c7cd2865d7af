import { useMemo } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import type { AnswerRow, AnswerView, MarkedReply } from "../../report/page/answer-view.ts";
import { diffWords } from "../../report/page/word-diff.ts";
import { oneLine, visibleText } from "../../report/plain-text.ts";
import { DiffText, ReplyText } from "./marked-reply.tsx";

/** Right or wrong, in a sign and a word. */
export function Outcome({ outcome }: Pick<AnswerRow, "outcome">) {
  const [sign, word] =
    outcome === "correct" ? ["✓", "right"] : ["✗", outcome === "incorrect" ? "wrong" : outcome.replaceAll("_", " ")];
  return (
    <span class={`outcome ${outcome === "correct" ? "right" : "wrong"}`}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}

/** How thinking ended, in words. */
export function endOf({ end }: Pick<AnswerRow, "end">): string {
  return { natural: "ended by itself", cut: "cut", direct: "did not think" }[end];
}

/** One answer: what was thought, with forced words marked, and what was given. */
export function AnswerArticle({ answer, title }: { readonly answer: AnswerView; readonly title: string }) {
  return (
    <article class="answer">
      <h3>
        {visibleText(title)} <Outcome outcome={answer.outcome} />
      </h3>
      <p class="quiet small">
        given {answer.given === null ? "nothing that could be read" : <bdi>{oneLine(answer.given)}</bdi>}
        {answer.expected !== null && (
          <>
            , expected <bdi>{oneLine(answer.expected)}</bdi>
          </>
        )}
        ; {count(answer.thinkingTokens)} thinking tokens, {endOf(answer)}; {count(answer.answerTokens)} of answer
        {answer.answerFinish === "length" && ", cut"}
      </p>
      {answer.thinking.runs.length > 0 && <ReplyText reply={answer.thinking} name={`thinking, ${title}`} />}
      <div class="given">
        <ReplyText reply={answer.answer} name={`answer, ${title}`} />
      </div>
    </article>
  );
}

const textOf = ({ runs }: MarkedReply): string => runs.map(({ text }) => text).join("");

/** What two thoughts about one question have in common, and where they part. */
export function ThinkingDiff({
  first,
  second,
}: {
  readonly first: { readonly name: string; readonly answer: AnswerView };
  readonly second: { readonly name: string; readonly answer: AnswerView };
}) {
  const [a, b] = [textOf(first.answer.thinking), textOf(second.answer.thinking)];
  const runs = useMemo(() => diffWords(a, b), [a, b]);
  const begins = runs[0]?.in === "both" ? runs[0].text.split(/\s+/).filter(Boolean).length : 0;
  return (
    <section class="diff" aria-labelledby="diff">
      <h3 id="diff">Where the thoughts part</h3>
      <p class="small">
        {a === b
          ? "They are the same, word for word."
          : `The first ${count(begins)} ${begins === 1 ? "word is" : "words are"} the same.`}{" "}
        <del>Struck out</del>: in {visibleText(first.name)} alone. <ins>Underlined</ins>: in {visibleText(second.name)}{" "}
        alone.
      </p>
      <DiffText runs={runs} name="both thoughts, word by word" />
    </section>
  );
}
