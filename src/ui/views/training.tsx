import { useCallback } from "preact/hooks";
import type { ChartOptions } from "../../report/charts/accuracy-frame.ts";
import { lossChart } from "../../report/charts/loss-chart.ts";
import { lossOverlay, type LossSeries, MOST_SERIES } from "../../report/charts/loss-overlay.ts";
import { count, duration, noBreak } from "../../report/number-format.ts";
import type { TrainingCurve } from "../../report/page/training-curve.ts";
import { visibleText } from "../../report/plain-text.ts";
import type { TrainingView } from "../../report/view/training.ts";
import { useApi } from "../api/use-api.ts";
import { useCurves } from "../api/use-curves.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Fault, Waiting } from "../parts/fault.tsx";
import { usd } from "../parts/money.tsx";
import { Chart } from "../parts/picture.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import { hashOf, type Place } from "../route.ts";
import type { RunViewProps } from "../routes.ts";

const LOOK_EVERY_MS = 5000;

/** How a run's student was trained, and other runs beside it. */
export function TrainingPage({ run, place }: RunViewProps) {
  const { value, fault } = useApi("/runs/:run/training", run, { everyMs: LOOK_EVERY_MS });
  return (
    <>
      <RunHeading run={run} title="Training" />
      <Fault fault={fault} />
      {value === null ? (
        fault === null && <Waiting />
      ) : (
        <>
          <Facts curve={value} />
          {value.view === null ? <Nothing curve={value} /> : <Curve view={value.view} />}
          <Overlay curve={value} place={place} />
        </>
      )}
    </>
  );
}

function Nothing({ curve: { status, note } }: { readonly curve: TrainingCurve }) {
  if (status === "running")
    return <p role="status">{visibleText(note)}: the curve begins with the first checkpoint.</p>;
  return <p>{status === "done" ? "Trained elsewhere: no losses were seen." : "Nothing was trained yet."}</p>;
}

function Facts({ curve }: { readonly curve: TrainingCurve }) {
  const last = curve.view?.smooth.at(-1)?.loss;
  const facts: readonly (readonly [string, string, string])[] = [
    ["loss at the end", last === undefined ? "–" : last.toFixed(3), "nats a trained token, running mean"],
    ["highest learning rate", curve.view === null ? "–" : String(curve.view.highestRate), ""],
    [
      "speed",
      curve.tokensPerSecond === null ? "–" : count(curve.tokensPerSecond),
      curve.tokensPerSecond === null ? "" : "tokens a second, measured",
    ],
    ["steps", count(curve.steps), `${count(curve.tokens)} tokens`],
    ["time", curve.seconds === 0 ? "–" : duration(curve.seconds), ""],
    ["cost", usd(curve.costMicroUsd), curve.costMicroUsd === 0 ? "machines of one's own" : ""],
  ];
  return (
    <dl class="numbers">
      {facts.map(([name, figure, what]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <strong class="figure">{figure}</strong> <span class="quiet small">{what}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Curve({ view }: { readonly view: TrainingView }) {
  const draw = useCallback((options: ChartOptions) => lossChart(view, options), [view]);
  return (
    <section aria-labelledby="loss">
      <h2 id="loss">Loss</h2>
      <p>{noBreak(view.sentence)}</p>
      <figure>
        <Chart draw={draw} name="loss" height={300} />
        <figcaption>
          Faint: every step. Strong: running mean. Thin dashes: learning rate, up to {view.highestRate}. Dotted: ends of
          epochs.
        </figcaption>
      </figure>
      {view.findings.map((finding) => (
        <p key={finding} class="small">
          {visibleText(finding)}
        </p>
      ))}
      {view.job !== null && <DataTable table={view.job} />}
    </section>
  );
}

/** The names that the address gives, those that are chosen beside this run. */
function chosenOf({ query }: Place): readonly string[] {
  return (query.with ?? "").split("/").filter((name) => name !== "");
}

function Overlay({ curve, place }: { readonly curve: TrainingCurve; readonly place: Place }) {
  const { value: list } = useApi("/runs", null);
  const chosen = chosenOf(place).slice(0, MOST_SERIES - 1);
  const curves = useCurves(chosen);
  const others = (list?.runs ?? []).filter(({ name, state }) => name !== curve.run && state !== "unreadable");
  if (others.length === 0) return null;
  const toggle = (name: string): void => {
    const next = chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name];
    location.replace(hashOf({ ...place, query: { with: next.join("/") } }));
  };
  const series = [curve, ...curves].flatMap(({ run, view }): LossSeries[] =>
    view === null ? [] : [{ name: run, points: view.smooth }],
  );
  return (
    <section aria-labelledby="overlay">
      <h2 id="overlay">Beside other runs</h2>
      <fieldset class="choices">
        <legend>runs to lay over it, {MOST_SERIES - 1} at most</legend>
        {others.map(({ name }) => (
          <label key={name}>
            <input
              type="checkbox"
              data-row
              checked={chosen.includes(name)}
              disabled={!chosen.includes(name) && chosen.length >= MOST_SERIES - 1}
              onChange={() => toggle(name)}
            />
            {visibleText(name)}
          </label>
        ))}
      </fieldset>
      {chosen.length > 0 && series.length > 0 && <OverlayChart series={series} />}
    </section>
  );
}

function OverlayChart({ series }: { readonly series: readonly LossSeries[] }) {
  const names = series.map(({ name, points }) => `${name} ${points.length}`).join("/");
  const draw = useCallback((options: ChartOptions) => lossOverlay(series, options), [names]);
  return (
    <figure>
      <Chart draw={draw} name="overlay" height={320} />
      <figcaption>Running means. Steps are each run's own: a step of another batch size is another step.</figcaption>
    </figure>
  );
}
