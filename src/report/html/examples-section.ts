import { type Markup, markup } from "../markup.ts";
import type { ReportView } from "../report-view.ts";
import type { ExampleView, MarkedText, ReplyView, TraceView } from "../view/examples.ts";

/** Forced text marked; its outer line breaks stay outside the mark, and a mark of nothing else shows a sign. */
function forcedText(runs: readonly MarkedText[]): readonly Markup[] {
  return runs.map(({ text, isMarked }) => {
    if (!isMarked) return markup`${text}`;
    const [, before = "", inner = "", after = ""] = /^(\n*)([^]*?)(\n*)$/.exec(text) ?? [];
    return markup`${inner === "" ? "" : before}<mark title="forced">${inner === "" ? "⏎" : inner}</mark>${inner === "" ? before : after}`;
  });
}

function replyMarkup(reply: ReplyView): Markup {
  const sign = reply.isRight ? "✓" : "✗";
  return markup`<article class="reply ${reply.model}"><h4><span>${reply.title}</span><span class="outcome ${reply.isRight ? "right" : "wrong"}">${sign} ${reply.outcome}</span></h4>
<p class="facts">${reply.facts}</p>
${reply.thinking.length > 0 && markup`<div class="text thinking" role="region" tabindex="0" aria-label="thinking: ${reply.title}">${forcedText(reply.thinking)}</div>`}
<div class="text answer">${forcedText(reply.answer)}</div></article>`;
}

/** Questions that stand open; the others unfold, so that the page stays one that a reader gets through. */
const OPEN_EXAMPLES = 2;

function exampleMarkup(example: ExampleView, index: number): Markup {
  const title = markup`Question ${index + 1} <span class="quiet">(${example.title})</span>`;
  const body = markup`<div class="question">${example.question}</div><div class="replies">${example.replies.map(replyMarkup)}</div>`;
  if (index < OPEN_EXAMPLES) return markup`<h3>${title}</h3>${body}`;
  return markup`<details class="example"><summary>${title}</summary>${body}</details>`;
}

function traceMarkup(trace: TraceView, index: number): Markup {
  const runs = trace.runs.map(
    ({ text, isMarked }) => markup`<span class="${isMarked ? "trained" : "read"}">${text}</span>`,
  );
  return markup`<details${index === 0 ? markup` open` : null}><summary>${trace.title}: ${trace.facts}</summary><div class="text trace">${runs}</div></details>`;
}

/** Replies to the same questions at several settings, and what the student was shown. */
export function examplesSection({ examples, traces, teacher }: ReportView): Markup {
  return markup`<section aria-labelledby="examples"><h2 id="examples">What it learned</h2>
<p>The same held-out questions, answered by base and student; picked by fixed rules, failures among them. <mark>Marked text</mark> was forced by the thinking budget; the model wrote the rest.</p>
${examples.length === 0 && markup`<p class="quiet">No example was kept.</p>`}${examples.map(exampleMarkup)}
<h3>What it read: training examples and their loss mask</h3>
<p class="small quiet">${teacher} Loss is taken on <span class="trained">shaded text</span>; the student only reads what is <span class="read">underlined</span>.</p>
${traces.map(traceMarkup)}</section>`;
}
