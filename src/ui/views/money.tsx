import { count, counted } from "../../report/number-format.ts";
import type { MoneyRow, MoneyView } from "../../report/page/money-view.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { Fault, Waiting } from "../parts/fault.tsx";
import { unitUsd, usd } from "../parts/money.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import type { RunViewProps } from "../routes.ts";

const LOOK_EVERY_MS = 5000;

/** Where the money of a run went. */
export function MoneyPage({ run }: RunViewProps) {
  const { value, fault } = useApi("/runs/:run/money", run, { everyMs: LOOK_EVERY_MS });
  return (
    <>
      <RunHeading run={run} title="Money" />
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <Money money={value} />}
    </>
  );
}

function Money({ money }: { readonly money: MoneyView }) {
  return (
    <>
      <p class="lead">{sentenceOf(money)}</p>
      <Cap money={money} />
      <Prices money={money} />
      <section aria-labelledby="ledger">
        <h2 id="ledger">By stage and model</h2>
        {money.rows.length === 0 ? <p>Nothing was bought, and nobody was asked.</p> : <Ledger money={money} />}
      </section>
    </>
  );
}

function sentenceOf({ spentMicroUsd, capMicroUsd, leftMicroUsd, total, rows }: MoneyView): string {
  if (rows.length > 0 && spentMicroUsd === 0) return `${counted(total.calls, "call")}, and all of them were free.`;
  const cap = capMicroUsd === null ? "" : ` of at most ${usd(capMicroUsd)}, ${usd(leftMicroUsd ?? 0)} left`;
  return `${usd(spentMicroUsd)} spent${cap}.`;
}

/** Settled, held, unknown and left, as parts of the cap. */
function Cap({
  money: { total, capMicroUsd, leftMicroUsd, spentMicroUsd, openRequests, isRunning },
}: {
  readonly money: MoneyView;
}) {
  const settled = total.measuredMicroUsd + total.estimatedMicroUsd;
  const parts = [
    { name: "settled", microUsd: settled, what: "billed, by reported usage or counted here" },
    {
      name: "held",
      microUsd: total.heldMicroUsd,
      what: `worst case of ${counted(openRequests, "request")} ${isRunning ? "in flight" : "that nobody ended: `grappa ledger --reconcile` does"}`,
    },
    { name: "unknown", microUsd: total.unknownMicroUsd, what: "possibly paid: no reply was seen" },
    { name: "left", microUsd: leftMicroUsd ?? 0, what: "under the cap" },
  ].filter(({ name, microUsd }) => microUsd > 0 || name === "settled" || name === "left");
  const whole = Math.max(1, capMicroUsd ?? 0, spentMicroUsd);
  let at = 0;
  return (
    <>
      {(capMicroUsd !== 0 || spentMicroUsd > 0) && (
        <svg class="cap" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
          <rect class="left" width="1000" height="24" />
          {parts
            .filter(({ name }) => name !== "left")
            .map(({ name, microUsd }) => {
              const [x, width] = [at, (microUsd / whole) * 1000];
              at += width;
              return <rect key={name} class={name} x={x} width={width} height="24" />;
            })}
        </svg>
      )}
      <dl class="legend">
        {parts.map(({ name, microUsd, what }) => (
          <div key={name}>
            <dt>
              <span class={`swatch ${name}`} aria-hidden="true" />
              {name}
            </dt>
            <dd>
              <strong class="figure">{name === "left" && capMicroUsd === null ? "no cap" : usd(microUsd)}</strong>{" "}
              <span class="quiet small">{what}</span>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Prices({ money: { rightTraces, rightTraceMicroUsd, rightAnswers } }: { readonly money: MoneyView }) {
  return (
    <dl class="numbers">
      <div>
        <dt>a verified trace</dt>
        <dd>
          <strong class="figure">{amount(rightTraceMicroUsd)}</strong>{" "}
          <span class="quiet small">
            {rightTraces === null
              ? "not known before the traces are graded"
              : `attempts, traces and judge over ${counted(rightTraces, "right trace")}`}
          </span>
        </dd>
      </div>
      <div>
        <dt>a right answer of the student</dt>
        <dd>
          <strong class="figure">{amount(rightAnswers?.microUsd ?? null)}</strong>{" "}
          <span class="quiet small">
            {rightAnswers === null
              ? "not known before the evaluation"
              : `the whole run over ${counted(rightAnswers.right, "right answer")} to ${counted(rightAnswers.n, "held-out question")}`}
          </span>
        </dd>
      </div>
    </dl>
  );
}

const amount = (microUsd: number | null): string => (microUsd === null ? "–" : unitUsd(microUsd));

const COLUMNS = ["calls", "of them free", "tokens in", "tokens out", "measured", "estimated", "held", "unknown"];

function Ledger({ money: { rows, total } }: { readonly money: MoneyView }) {
  return (
    <div class="scroll" role="region" tabIndex={0} aria-label="the ledger">
      <table class="ledger">
        <caption>
          Measured: by reported usage. Estimated: counted here. Held: worst case of requests without an end. Unknown:
          possibly paid, no reply was seen.
        </caption>
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">model</th>
            {COLUMNS.map((label) => (
              <th key={label} scope="col" class="number">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.account} ${row.model}`}>
              <th scope="row">{visibleText(row.account)}</th>
              <td class="words">{visibleText(row.model)}</td>
              <Cells row={row} />
            </tr>
          ))}
          <tr class="total">
            <th scope="row">whole run</th>
            <td />
            <Cells row={total} />
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Cells({ row }: { readonly row: Omit<MoneyRow, "account" | "model"> }) {
  const counts = [row.calls, row.freeCalls, row.promptTokens, row.completionTokens];
  const amounts = [row.measuredMicroUsd, row.estimatedMicroUsd, row.heldMicroUsd, row.unknownMicroUsd];
  const texts = [
    ...counts.map((value) => (value === 0 ? "–" : count(value))),
    ...amounts.map((microUsd) => (microUsd === 0 ? "–" : usd(microUsd))),
  ];
  return (
    <>
      {texts.map((text, at) => (
        <td key={at} class="number">
          {text}
        </td>
      ))}
    </>
  );
}
