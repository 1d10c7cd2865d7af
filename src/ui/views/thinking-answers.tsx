/** @file The answers at a point of the sweep, and one of them opened, alone or beside the same question at another setting. */
import { count, percent, percentInterval } from "../../report/number-format.ts";
import type { AnswerList, AnswerRow, AnswerView } from "../../report/page/answer-view.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { useKeys } from "../keys/use-keys.ts";
import { AnswerArticle, ThinkingDiff } from "../parts/answer.tsx";
import { AnswerTable } from "../parts/answer-table.tsx";
import { AskedHeading } from "../parts/asked-heading.tsx";
import { Fault, Waiting } from "../parts/fault.tsx";
import { hashOf, type Place } from "../route.ts";

interface AnswersProps {
  readonly run: string;
  readonly place: Place;
}

const ONLY = ["all", "right", "wrong"] as const;

/** Lists the answers that the address names, or opens the one that it names. */
export function Answers({ run, place }: AnswersProps) {
  const { at } = place.query;
  const query = at === undefined ? {} : { at };
  const { value, fault } = useApi("/runs/:run/answers", run, { query, keepsLast: true });
  const label = value?.settings.find(({ key }) => key === value.key)?.label ?? "";
  const rows = value === null ? [] : value.rows.filter((row) => isWanted(row, place.query.only ?? "all"));
  return (
    <section aria-labelledby="answers">
      {place.query.question === undefined ? (
        <AskedHeading id="answers" text={`Answers${label === "" ? "" : `: ${label}`}`} isAsked={at ?? ""} />
      ) : (
        <AskedHeading id="answers" text="One question" isAsked={`${place.query.question} ${at ?? ""}`} />
      )}
      <Fault fault={fault} />
      {value === null ? (
        fault === null && <Waiting />
      ) : place.query.question === undefined ? (
        <List list={value} rows={rows} place={place} />
      ) : (
        <Opened run={run} place={place} rows={rows} list={value} />
      )}
    </section>
  );
}

function isWanted({ outcome }: AnswerRow, only: string): boolean {
  return only === "all" || (outcome === "correct") === (only === "right");
}

function List({
  list,
  rows,
  place,
}: {
  readonly list: AnswerList;
  readonly rows: readonly AnswerRow[];
  readonly place: Place;
}) {
  const tally = list.settings.find(({ key }) => key === list.key);
  const go = (query: Readonly<Record<string, string>>): void =>
    location.replace(hashOf({ ...place, query: { ...place.query, ...query } }));
  const score =
    tally === undefined
      ? ""
      : `${percent(tally.accuracy)} right (${percentInterval(tally.interval)}, n = ${count(tally.n)}), ${count(tally.thinkingTokens)} thinking tokens on average`;
  return (
    <>
      <p>{score}</p>
      <div class="choices">
        <label>
          model and setting{" "}
          <select onChange={(event) => go({ at: event.currentTarget.value })}>
            {list.settings.map(({ key, label }) => (
              <option key={key} value={key} selected={key === list.key}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <fieldset class="choices">
          <legend class="hidden">which answers</legend>
          {ONLY.map((only) => (
            <label key={only}>
              <input
                type="radio"
                name="only"
                checked={(place.query.only ?? "all") === only}
                onChange={() => go({ only })}
              />
              {only}
            </label>
          ))}
        </fieldset>
      </div>
      <AnswerTable
        key={`${list.key} ${place.query.only ?? ""}`}
        rows={rows}
        caption={`${count(rows.length)} answers${list.left > 0 ? `; ${count(list.left)} more are not listed` : ""}. Enter opens one.`}
        linkOf={(row) => openedHash(place, list.key, row)}
      />
    </>
  );
}

function openedHash(place: Place, key: string, { questionId, sampleIndex }: AnswerRow): string {
  const sample = sampleIndex === 0 ? "" : String(sampleIndex);
  return hashOf({ ...place, query: { ...place.query, at: key, question: questionId, sample } });
}

interface OpenedProps extends AnswersProps {
  readonly rows: readonly AnswerRow[];
  readonly list: AnswerList;
}

function Opened({ run, place, rows, list }: OpenedProps) {
  const { question = "", sample = "0", at = list.key, against } = place.query;
  const { value, fault } = useApi("/runs/:run/answer", run, { query: { question, sample, at } });
  const here = rows.findIndex((row) => row.questionId === question && row.sampleIndex === Number(sample));
  const { question: _q, sample: _s, against: _a, ...listed } = place.query;
  const back = hashOf({ ...place, query: { ...listed, at } });
  const step = (by: 1 | -1): void => {
    const row = rows[here + by];
    if (row !== undefined) location.hash = openedHash(place, at, row);
  };
  useKeys("In an opened question", [
    { keys: "n", what: "next question of the list", run: () => step(1) },
    { keys: "p", what: "previous question", run: () => step(-1) },
    { keys: "u", what: "back to the list", run: () => void (location.hash = back) },
  ]);
  return (
    <>
      <p class="steps">
        <a data-row href={back}>
          back to the list
        </a>
        <button type="button" disabled={rows[here - 1] === undefined} onClick={() => step(-1)}>
          previous
        </button>
        <button type="button" disabled={rows[here + 1] === undefined} onClick={() => step(1)}>
          next
        </button>
        {here >= 0 && (
          <span class="quiet small">
            {count(here + 1)} of {count(rows.length)}
          </span>
        )}
      </p>
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <Question answer={value} place={place} against={against} />}
    </>
  );
}

function Question({
  answer,
  place,
  against,
}: {
  readonly answer: AnswerView;
  readonly place: Place;
  readonly against: string | undefined;
}) {
  const choose = (key: string): void => location.replace(hashOf({ ...place, query: { ...place.query, against: key } }));
  const others = answer.others.filter(({ key }) => key !== answer.key);
  return (
    <>
      <div class="reply-text question" role="region" tabIndex={0} aria-label="question">
        {visibleText(answer.question)}
      </div>
      <label class="choices">
        beside the same question at{" "}
        <select onChange={(event) => choose(event.currentTarget.value)}>
          <option value="" selected={against === undefined}>
            no other setting
          </option>
          {others.map(({ key, label, outcome }) => (
            <option key={key} value={key} selected={key === against}>
              {label}: {outcome === "correct" ? "right" : "not right"}
            </option>
          ))}
        </select>
      </label>
      {against === undefined ? (
        <AnswerArticle answer={answer} title={answer.label} />
      ) : (
        <Beside answer={answer} against={against} />
      )}
      <p class="quiet small">
        <mark>Marked</mark>: forced by the thinking budget, as far as it can be told from the text; the model wrote the
        rest.
      </p>
    </>
  );
}

function Beside({ answer, against }: { readonly answer: AnswerView; readonly against: string }) {
  const query = { question: answer.questionId, sample: String(answer.sampleIndex), at: against };
  const { value, fault } = useApi("/runs/:run/answer", answer.run, { query });
  // The smaller budget first: the larger one continues it.
  const pair = value === null ? [answer] : [answer, value].sort((a, b) => a.thinkingTokens - b.thinkingTokens);
  const [first, second] = pair;
  return (
    <>
      <Fault fault={fault} />
      {first !== undefined && second !== undefined && (
        <ThinkingDiff first={{ name: first.label, answer: first }} second={{ name: second.label, answer: second }} />
      )}
      <div class="side-by-side">
        {pair.map((one) => (
          <AnswerArticle key={one.key} answer={one} title={one.label} />
        ))}
      </div>
    </>
  );
}
