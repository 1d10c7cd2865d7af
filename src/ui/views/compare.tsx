import { count, percent, pValue, signed } from "../../report/number-format.ts";
import type { ComparedQuestion, ComparedSetting, CompareView } from "../../report/page/compare-view.ts";
import { oneLine, visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { useKeys } from "../keys/use-keys.ts";
import { AnswerArticle, ThinkingDiff } from "../parts/answer.tsx";
import { AskedHeading } from "../parts/asked-heading.tsx";
import { DifferenceLine } from "../parts/difference-line.tsx";
import { Fault, Waiting } from "../parts/fault.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import { hashOf, type Place } from "../route.ts";
import type { RunViewProps } from "../routes.ts";

/** A run against another, question by question. */
export function ComparePage({ run, place }: RunViewProps) {
  const { value: list, fault } = useApi("/runs", null);
  const others = (list?.runs ?? []).filter(({ name, state }) => name !== run && state === "finished");
  const other = place.query.with;
  return (
    <>
      <RunHeading run={run} title="Compare" />
      <Fault fault={fault} />
      {list === null ? (
        fault === null && <Waiting />
      ) : others.length === 0 && other === undefined ? (
        <p>There is no other finished run in this folder to compare it with.</p>
      ) : (
        <label class="choices">
          with{" "}
          <select
            data-row
            onChange={(event) => location.replace(hashOf({ ...place, query: { with: event.currentTarget.value } }))}
          >
            <option value="">choose a run</option>
            {others.map(({ name }) => (
              <option key={name} value={name} selected={name === other}>
                {visibleText(name)}
              </option>
            ))}
          </select>
        </label>
      )}
      {other !== undefined && <Compared run={run} other={other} place={place} />}
    </>
  );
}

function Compared({ run, other, place }: { readonly run: string; readonly other: string; readonly place: Place }) {
  const { at } = place.query;
  const { value, fault } = useApi("/runs/:run/compare", run, {
    query: { with: other, ...(at === undefined ? {} : { at }) },
  });
  if (value === null) return fault === null ? <Waiting /> : <Fault fault={fault} />;
  const chosen = value.settings.find(({ secondKey }) => secondKey === value.key);
  return (
    <>
      <Fault fault={fault} />
      {chosen !== undefined && <p class="verdict">{visibleText(chosen.row.sentence)}</p>}
      <Settings view={value} place={place} />
      {chosen !== undefined && place.query.question !== undefined ? (
        <Opened view={value} setting={chosen} place={place} question={place.query.question} />
      ) : (
        <Questions view={value} place={place} label={chosen?.label ?? ""} />
      )}
    </>
  );
}

function Settings({ view, place }: { readonly view: CompareView; readonly place: Place }) {
  const { settings, first, second, caveats } = view;
  const most = Math.max(0.01, ...settings.flatMap(({ row }) => (row.interval ?? []).map(Math.abs)));
  return (
    <section aria-labelledby="differences">
      <h2 id="differences">Paired differences</h2>
      <div class="scroll" role="region" tabIndex={0} aria-labelledby="differences">
        <table class="differences">
          <caption>
            {visibleText(second)} against {visibleText(first)} on the questions that both answered; 95 % intervals; p by{" "}
            {[...new Set(settings.map(({ row }) => row.test))].join(" and ")}
            {settings.length > 1 && `, Holm-adjusted for ${settings.length} settings`}. A setting opens its questions.
          </caption>
          <SettingsHead first={first} second={second} />
          <tbody>
            {settings.map((setting) => (
              <SettingRow
                key={setting.secondKey}
                setting={setting}
                isChosen={setting.secondKey === view.key}
                most={most}
                place={place}
              />
            ))}
          </tbody>
        </table>
      </div>
      {caveats.map((caveat) => (
        <p key={caveat} class="small">
          {visibleText(caveat)}
        </p>
      ))}
      <p class="quiet small">
        The same in a terminal:{" "}
        <code>
          grappa compare {visibleText(first)} {visibleText(second)}
        </code>
      </p>
    </section>
  );
}

function SettingsHead({ first, second }: Pick<CompareView, "first" | "second">) {
  return (
    <thead>
      <tr>
        <th scope="col">setting</th>
        <th scope="col" class="number side">
          {oneLine(first, 40)}
        </th>
        <th scope="col" class="number side">
          {oneLine(second, 40)}
        </th>
        <th scope="col" class="number">
          points
        </th>
        <th scope="col">95 % interval</th>
        <th scope="col" class="number">
          n
        </th>
        <th scope="col" class="number">
          p
        </th>
      </tr>
    </thead>
  );
}

interface SettingRowProps {
  readonly setting: ComparedSetting;
  readonly isChosen: boolean;
  /** End of the intervals' axis, the same for all settings. */
  readonly most: number;
  readonly place: Place;
}

function SettingRow({ setting: { label, row, secondKey }, isChosen, most, place }: SettingRowProps) {
  const { interval, difference } = row;
  const hash = hashOf({ ...place, query: { with: place.query.with ?? "", at: secondKey } });
  return (
    <tr class={isChosen ? "total" : ""}>
      <th scope="row">
        <a data-row href={hash} aria-current={isChosen ? "true" : undefined}>
          {label}
        </a>
      </th>
      <td class="number">{percent(row.first)}</td>
      <td class="number">{percent(row.second)}</td>
      <td class="number">{difference === null ? "–" : signed(100 * difference)}</td>
      <td class="interval">
        <DifferenceLine difference={difference} interval={interval} most={most} />{" "}
        <span class="figure">
          {interval === null ? "–" : `${signed(100 * interval[0])} to ${signed(100 * interval[1])}`}
        </span>
      </td>
      <td class="number">{count(row.questions)}</td>
      <td class="number">{pValue(row.adjustedPValue).replace(/^p (= )?/, "")}</td>
    </tr>
  );
}

function Questions({
  view,
  place,
  label,
}: {
  readonly view: CompareView;
  readonly place: Place;
  readonly label: string;
}) {
  return (
    <section aria-labelledby="questions">
      <AskedHeading id="questions" text={`Questions won and lost: ${label}`} isAsked={place.query.at ?? ""} />
      <p>
        {count(view.bothRight)} right in both, {count(view.bothWrong)} wrong in both.
      </p>
      <QuestionList
        title="Won"
        what="right here, wrong there"
        rows={view.won}
        inAll={view.wonInAll}
        view={view}
        place={place}
      />
      <QuestionList
        title="Lost"
        what="wrong here, right there"
        rows={view.lost}
        inAll={view.lostInAll}
        view={view}
        place={place}
      />
    </section>
  );
}

interface QuestionListProps {
  readonly title: string;
  readonly what: string;
  readonly rows: readonly ComparedQuestion[];
  readonly inAll: number;
  readonly view: CompareView;
  readonly place: Place;
}

function QuestionList({ title, what, rows, inAll, view, place }: QuestionListProps) {
  return (
    <>
      <h3>
        {title}: {count(inAll)}{" "}
        <span class="quiet small">
          {what}
          {rows.length < inAll && `; the first ${count(rows.length)} are listed`}
        </span>
      </h3>
      <ul class="compared">
        {rows.map(({ first, second }) => (
          <li key={second.questionId}>
            <a
              data-row
              href={hashOf({ ...place, query: { ...place.query, at: view.key, question: second.questionId } })}
            >
              <bdi>{oneLine(second.question, 160)}</bdi>
            </a>
            <span class="under">
              expected <bdi>{second.expected === null ? "what a program checks" : oneLine(second.expected)}</bdi>; here{" "}
              <bdi>{second.given === null ? "nothing" : oneLine(second.given)}</bdi>, there{" "}
              <bdi>{first.given === null ? "nothing" : oneLine(first.given)}</bdi>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

interface OpenedProps {
  readonly view: CompareView;
  readonly setting: ComparedSetting;
  readonly place: Place;
  readonly question: string;
}

function Opened({ view, setting, place, question }: OpenedProps) {
  const { question: _, ...listed } = place.query;
  const back = hashOf({ ...place, query: listed });
  const there = useApi("/runs/:run/answer", view.first, { query: { question, at: setting.firstKey } });
  const here = useApi("/runs/:run/answer", view.second, { query: { question, at: setting.secondKey } });
  useKeys("In an opened question", [{ keys: "u", what: "back to the list", run: () => void (location.hash = back) }]);
  const [first, second] = [there.value, here.value];
  return (
    <section aria-labelledby="question">
      <AskedHeading id="question" text="One question, in both runs" isAsked={question} />
      <p>
        <a data-row href={back}>
          back to the list
        </a>
      </p>
      <Fault fault={there.fault ?? here.fault} />
      {first !== null && second !== null && (
        <>
          <div class="reply-text question" role="region" tabIndex={0} aria-label="question">
            {visibleText(second.question)}
          </div>
          <div class="side-by-side">
            <AnswerArticle answer={first} title={view.first} />
            <AnswerArticle answer={second} title={view.second} />
          </div>
          <ThinkingDiff first={{ name: view.first, answer: first }} second={{ name: view.second, answer: second }} />
        </>
      )}
    </section>
  );
}
