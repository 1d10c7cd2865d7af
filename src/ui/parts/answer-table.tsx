import { useState } from "preact/hooks";
import { count } from "../../report/number-format.ts";
import type { AnswerRow } from "../../report/page/answer-view.ts";
import { oneLine } from "../../report/plain-text.ts";
import { endOf, Outcome } from "./answer.tsx";

/** So many rows at first, and with each press of the button. */
const STEP = 100;

/** Answers as rows that open. */
export function AnswerTable({
  rows,
  caption,
  linkOf,
}: {
  readonly rows: readonly AnswerRow[];
  readonly caption: string;
  readonly linkOf: (row: AnswerRow) => string;
}) {
  const [shown, setShown] = useState(STEP);
  return (
    <>
      <div class="scroll">
        <table class="answers">
          <caption>{caption}</caption>
          <thead>
            <tr>
              <th scope="col">question</th>
              <th scope="col">expected</th>
              <th scope="col">given</th>
              <th scope="col">verdict</th>
              <th scope="col" class="number">
                thinking tokens
              </th>
              <th scope="col">thinking</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, shown).map((row) => (
              <AnswerLine key={`${row.questionId}/${row.sampleIndex}`} row={row} href={linkOf(row)} />
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > shown && (
        <button type="button" data-row onClick={() => setShown(shown + STEP)}>
          {count(Math.min(STEP, rows.length - shown))} more of {count(rows.length - shown)}
        </button>
      )}
    </>
  );
}

function AnswerLine({ row, href }: { readonly row: AnswerRow; readonly href: string }) {
  return (
    <tr>
      <th scope="row" class="words">
        <a data-row href={href}>
          <bdi>{oneLine(row.question, 160)}</bdi>
        </a>
      </th>
      <td class="words" data-label="expected">
        <bdi>{row.expected === null ? "checked by a program" : oneLine(row.expected)}</bdi>
      </td>
      <td class="words" data-label="given">
        <bdi>{row.given === null ? "–" : oneLine(row.given)}</bdi>
      </td>
      <td>
        <Outcome outcome={row.outcome} />
      </td>
      <td class="number" data-label="tokens">
        {count(row.thinkingTokens)}
      </td>
      <td>{endOf(row)}</td>
    </tr>
  );
}
