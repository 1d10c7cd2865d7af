import { useCallback } from "preact/hooks";
import type { ChartOptions } from "../../report/charts/accuracy-frame.ts";
import { accuracyChart } from "../../report/charts/accuracy-chart.ts";
import { count, duration, noBreak } from "../../report/number-format.ts";
import type { RunOverview, StageRow } from "../../report/page/run-overview.ts";
import { visibleText } from "../../report/plain-text.ts";
import type { SweepView } from "../../report/view/sweep.ts";
import { useApi, useLive } from "../api/use-api.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Bar } from "../parts/data-table.tsx";
import { Fault, Waiting } from "../parts/fault.tsx";
import { FunnelBars } from "../parts/funnel-bars.tsx";
import { SpentOf } from "../parts/money.tsx";
import { Chart } from "../parts/picture.tsx";
import { State } from "../parts/run-state.tsx";
import { RunSwitch, switchKey } from "../parts/run-switch.tsx";
import { ScoreText } from "../parts/score.tsx";
import { Ago } from "../parts/time.tsx";
import type { RunViewProps } from "../routes.ts";

/** One run, live. */
export function OverviewPage({ run }: RunViewProps) {
  const { value, fault } = useLive("/runs/:run/live", run);
  useKeys("In this view", [switchKey("pause the run, or go on with it", () => document.querySelector("main"))]);
  return (
    <>
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <Overview run={value} />}
    </>
  );
}

function Overview({ run }: { readonly run: RunOverview }) {
  return (
    <>
      <RunHead run={run} />
      {run.problem !== null && (
        <p class="fault" role="alert">
          {visibleText(run.problem)}
        </p>
      )}
      {run.state !== "unreadable" && (
        <>
          <Numbers run={run} />
          {run.verdict !== null && <p class="verdict">{noBreak(visibleText(run.verdict))}</p>}
          <Stages run={run} />
          <AccuracySection run={run} />
          <FunnelSection run={run} />
          <Warnings run={run} />
          <Command run={run} />
        </>
      )}
    </>
  );
}

function RunHead({ run }: { readonly run: RunOverview }) {
  const facts = [
    ...(run.recipe === null ? [] : [`recipe ${run.recipe}`]),
    ...(run.student === null ? [] : [`student ${run.student}`]),
  ];
  return (
    <div class="head">
      <h1>{visibleText(run.name)}</h1>
      <State state={run.state} />
      <p class="quiet small">
        {facts.map((fact) => `${visibleText(fact)} · `)}
        {run.pid !== null && `process ${run.pid} · `}
        {run.createdBy !== null && `grappa ${visibleText(run.createdBy)} · `}
        last event <Ago at={run.lastAt} />
      </p>
      <RunSwitch run={run} isWhole />
    </div>
  );
}

function Numbers({ run }: { readonly run: RunOverview }) {
  return (
    <dl class="numbers">
      <div>
        <dt>student</dt>
        <dd>{run.score === null ? <span class="quiet">not evaluated yet</span> : <ScoreText score={run.score} />}</dd>
      </div>
      <div>
        <dt>base at its best</dt>
        <dd>{run.base === null ? <span class="quiet">–</span> : <ScoreText score={run.base} />}</dd>
      </div>
      <div>
        <dt>spent</dt>
        <dd>
          <SpentOf {...run} />
        </dd>
      </div>
      <div>
        <dt>time of all stages</dt>
        <dd>
          <span class="figure">{run.seconds === null ? "–" : duration(run.seconds)}</span>
        </dd>
      </div>
    </dl>
  );
}

function Stages({ run: { stages, forecast, seconds } }: { readonly run: RunOverview }) {
  const longest = Math.max(1e-9, ...stages.map((stage) => stage.seconds));
  return (
    <section aria-labelledby="stages">
      <h2 id="stages">Stages</h2>
      {forecast !== null && <p class="forecast">{forecast.sentence}</p>}
      <table class="stages">
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col">state</th>
            <th scope="col">what came out, or how far it is</th>
            <th scope="col" class="number">
              time
            </th>
          </tr>
        </thead>
        <tbody>
          {stages.map((stage) => (
            <StageLine key={stage.stage} stage={stage} share={seconds === 0 ? 0 : stage.seconds / longest} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function StageLine({ stage, share }: { readonly stage: StageRow; readonly share: number }) {
  const { progress } = stage;
  return (
    <tr class={stage.status}>
      <th scope="row">{stage.stage}</th>
      <td>
        <State state={stage.status} />
      </td>
      <td class="words">
        {progress !== null && progress.total > 0 && (
          <progress value={progress.done} max={progress.total} aria-label={`progress of ${stage.stage}`} />
        )}
        {progress !== null && stage.status === "running"
          ? `${count(progress.done)} of ${count(progress.total)} ${visibleText(progress.unit)}`
          : visibleText(stage.note)}
      </td>
      <td class="number">
        {stage.seconds > 0 && (
          <>
            <Bar share={share} />
            <span class="figure">{duration(stage.seconds)}</span>
          </>
        )}
      </td>
    </tr>
  );
}

function AccuracySection({ run }: { readonly run: RunOverview }) {
  return run.state === "finished" ? <Accuracy run={run.name} /> : null;
}

function Accuracy({ run }: { readonly run: string }) {
  const { value, fault } = useApi("/runs/:run/evaluation", run);
  return (
    <section aria-labelledby="accuracy">
      <h2 id="accuracy">Accuracy against thinking</h2>
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <AccuracyFigure sweep={value.sweep} />}
    </section>
  );
}

function AccuracyFigure({ sweep }: { readonly sweep: SweepView }) {
  const draw = useCallback((options: ChartOptions) => accuracyChart(sweep.chart, options), [sweep]);
  return (
    <figure>
      <Chart draw={draw} name="accuracy" height={420} />
      <figcaption>
        Open circles: thinking cut at the number of tokens beside them. Filled circle: the student ends by itself.
        Diamonds: its end is replaced by “Wait”. Amber: the base at its best. Bars and band: 95 % intervals.
      </figcaption>
    </figure>
  );
}

function FunnelSection({ run: { funnel } }: { readonly run: RunOverview }) {
  if (funnel.length === 0) return null;
  return (
    <section aria-labelledby="funnel">
      <h2 id="funnel">From questions to examples</h2>
      <FunnelBars rows={funnel} />
    </section>
  );
}

function Warnings({ run: { warnings } }: { readonly run: RunOverview }) {
  if (warnings.length === 0) return null;
  return (
    <section aria-labelledby="warnings">
      <h2 id="warnings">Warnings</h2>
      <ul class="warnings">
        {warnings.map(({ at, text }, place) => (
          <li key={place}>
            <Ago at={at} /> {visibleText(text)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Command({ run: { command, folder } }: { readonly run: RunOverview }) {
  return (
    <section aria-labelledby="command">
      <h2 id="command">Run it again</h2>
      {command !== null && (
        <pre class="command" tabIndex={0}>
          {visibleText(command)}
        </pre>
      )}
      <p class="quiet small">
        in <code>{visibleText(folder)}</code>
      </p>
    </section>
  );
}
