import { count } from "../../report/number-format.ts";
import type { MarkedReply } from "../../report/page/answer-view.ts";
import type { DiffRun } from "../../report/page/word-diff.ts";
import { visibleText } from "../../report/plain-text.ts";

/** What a model wrote, as text and nothing else; what the thinking budget wrote is marked. */
export function ReplyText({ reply, name }: { readonly reply: MarkedReply; readonly name: string }) {
  return (
    <div class="reply-text" role="region" tabIndex={0} aria-label={name}>
      {reply.runs.map(({ text, isForced }, at) =>
        isForced ? (
          <mark key={at} title="forced by the thinking budget">
            {visibleText(text).replace(/^\n+$/, "⏎\n")}
          </mark>
        ) : (
          <span key={at}>{visibleText(text)}</span>
        ),
      )}
      {reply.left > 0 && <span class="quiet"> … {count(reply.left)} characters more</span>}
    </div>
  );
}

/** Two texts as one: what the first alone has is struck out, what the second alone has is underlined. */
export function DiffText({ runs, name }: { readonly runs: readonly DiffRun[]; readonly name: string }) {
  return (
    <div class="reply-text" role="region" tabIndex={0} aria-label={name}>
      {runs.map(({ in: side, text }, at) => {
        if (side === "both") return <span key={at}>{visibleText(text)}</span>;
        return side === "first" ? <del key={at}>{visibleText(text)}</del> : <ins key={at}>{visibleText(text)}</ins>;
      })}
    </div>
  );
}
