import { useCallback } from "preact/hooks";
import type { AccuracyChartOptions, ChartOptions } from "../../report/charts/accuracy-frame.ts";
import { accuracyChart } from "../../report/charts/accuracy-chart.ts";
import { PUBLISHED_TASKS, referencesFor } from "../../report/view/published-references.ts";
import type { SweepView } from "../../report/view/sweep.ts";
import { useApi } from "../api/use-api.ts";
import { DataTable } from "../parts/data-table.tsx";
import { Fault, Waiting } from "../parts/fault.tsx";
import { Chart } from "../parts/picture.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import { hashOf, type Place } from "../route.ts";
import type { RunViewProps } from "../routes.ts";
import { Answers } from "./thinking-answers.tsx";

/** Accuracy against thinking, and every answer behind a point. */
export function ThinkingPage({ run, place }: RunViewProps) {
  const { value, fault } = useApi("/runs/:run/evaluation", run);
  return (
    <>
      <RunHeading run={run} title="Thinking" />
      <Fault fault={fault} />
      {value === null ? (
        fault === null && <Waiting />
      ) : (
        <>
          <Sweep sweep={value.sweep} place={place} />
          <Answers run={run} place={place} />
          <Figures sweep={value.sweep} />
        </>
      )}
    </>
  );
}

const USUAL = PUBLISHED_TASKS[0].task;

function Sweep({ sweep, place }: { readonly sweep: SweepView; readonly place: Place }) {
  const published = place.query.published ?? USUAL;
  const at = place.query.at ?? "";
  const draw = useCallback(
    (options: ChartOptions) => {
      const linked: AccuracyChartOptions = {
        ...options,
        linkOf: ({ setting }) =>
          hashOf({ ...place, query: { published: place.query.published ?? "", at: `student/${setting}` } }),
        chosen: at.replace(/^student\//, ""),
      };
      return accuracyChart({ ...sweep.chart, references: referencesFor(published) }, linked);
    },
    [sweep, published, at],
  );
  return (
    <section aria-labelledby="sweep">
      <h2 id="sweep">Accuracy against thinking</h2>
      <figure>
        <Chart draw={draw} name="thinking" height={460} />
        <figcaption>
          Each point opens its answers. Open circles: thinking cut at so many tokens. Filled circle: it ends by itself.
          Diamonds: its end is replaced by “Wait”. Amber: the base at its best. Bars and band: 95 % intervals.
          <PublishedNote published={published} />
        </figcaption>
      </figure>
      <PublishedChoice place={place} published={published} />
      {sweep.waits !== null && <DataTable table={sweep.waits} />}
      {sweep.metrics !== null && <p class="small">{sweep.metrics}</p>}
    </section>
  );
}

function PublishedNote({ published }: { readonly published: string }) {
  const references = referencesFor(published);
  if (references.length === 0) return null;
  const notes = references.map(({ label, note }) => `${label.replace(/, published$/, "")} (${note})`);
  return (
    <>
      {" "}
      Dotted: what others published of their models on another task, for orientation only: not comparable with this
      run’s questions: {notes.join("; ")}. In brackets how it was run, n, and a 95 % interval that is ours, Wilson’s
      from n.
    </>
  );
}

function PublishedChoice({ place, published }: { readonly place: Place; readonly published: string }) {
  const choose = (task: string): void =>
    location.replace(hashOf({ ...place, query: { ...place.query, published: task } }));
  return (
    <fieldset class="choices">
      <legend>lines of published models, arXiv 2501.19393</legend>
      {[...PUBLISHED_TASKS, { task: "none", label: "none" }].map(({ task, label }) => (
        <label key={task}>
          <input type="radio" name="published" checked={published === task} onChange={() => choose(task)} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function Figures({ sweep }: { readonly sweep: SweepView }) {
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">In figures</h2>
      <DataTable table={sweep.settings} />
    </section>
  );
}
