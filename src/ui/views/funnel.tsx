import { useCallback } from "preact/hooks";
import { type PairedBars, pairedBars } from "../../report/charts/paired-bars.ts";
import type { ChartOptions } from "../../report/charts/accuracy-frame.ts";
import { count } from "../../report/number-format.ts";
import type { CurationStage, CurationView, DroppedExample, Sides } from "../../report/page/curation-view.ts";
import { TOKENS_COUNTED } from "../../report/page/trace-list.ts";
import { oneLine, visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { Fault, Waiting } from "../parts/fault.tsx";
import { Flow, StageWords } from "../parts/funnel-bars.tsx";
import { Chart } from "../parts/picture.tsx";
import { RunHeading } from "../parts/run-heading.tsx";
import { hashOf, type Place } from "../route.ts";
import type { RunViewProps } from "../routes.ts";

const LOOK_EVERY_MS = 5000;

/** What curation kept and dropped, and why. */
export function FunnelPage({ run, place }: RunViewProps) {
  const { value, fault } = useApi("/runs/:run/curation", run, { everyMs: LOOK_EVERY_MS });
  return (
    <>
      <RunHeading run={run} title="Funnel" />
      <Fault fault={fault} />
      {value === null ? fault === null && <Waiting /> : <Curation curation={value} place={place} />}
    </>
  );
}

function Curation({
  curation: { run, stages, sides, countedBy },
  place,
}: {
  readonly curation: CurationView;
  readonly place: Place;
}) {
  if (stages.length === 0) return <p>No stage that sorts out is done yet.</p>;
  return (
    <>
      <p class="quiet small">Solid is kept, hatched is dropped. A stage opened shows what it dropped, and why.</p>
      <ol class="funnel stages-list">
        {stages.map((stage) => (
          <Stage key={stage.stage} run={run} stage={stage} place={place} />
        ))}
      </ol>
      {sides === null ? (
        <section>
          <p class="quiet">Selected against dropped is shown when the selection is done.</p>
        </section>
      ) : (
        <SidesOf sides={sides} countedBy={countedBy} />
      )}
    </>
  );
}

function Stage({ run, stage, place }: { readonly run: string; readonly stage: CurationStage; readonly place: Place }) {
  const { row, reasons } = stage;
  const isOpen = place.query["stage"] === stage.stage;
  const query: Record<string, string> = isOpen ? {} : { stage: stage.stage };
  return (
    <li>
      <div>
        {reasons.length === 0 ? (
          <span class="name">{row.stage}</span>
        ) : (
          <button
            type="button"
            class="name"
            data-row
            aria-expanded={isOpen}
            onClick={() => location.replace(hashOf({ ...place, query }))}
          >
            {row.stage}
          </button>
        )}
        <StageWords row={row} />
      </div>
      <div>
        <Flow row={row} />
        {isOpen && <Reasons run={run} stage={stage} place={place} />}
      </div>
    </li>
  );
}

function Reasons({
  run,
  stage: { stage, reasons, row },
  place,
}: {
  readonly run: string;
  readonly stage: CurationStage;
  readonly place: Place;
}) {
  const chosen = place.query["reason"] ?? reasons[0]?.reason ?? "";
  return (
    <div class="reasons-open">
      <ul class="reason-list">
        {reasons.map(({ reason, count: rows }) => (
          <li key={reason}>
            <button
              type="button"
              data-row
              aria-pressed={reason === chosen}
              onClick={() => location.replace(hashOf({ ...place, query: { stage, reason } }))}
            >
              {oneLine(reason, 48)} <span class="figure">{count(rows)}</span>
              <span class="quiet"> {((100 * rows) / Math.max(1, row.dropped)).toFixed(1)} %</span>
            </button>
          </li>
        ))}
      </ul>
      <div class="sides">
        <Dropped run={run} stage={stage} reason={chosen} />
        <Selected run={run} />
      </div>
    </div>
  );
}

function Dropped({ run, stage, reason }: { readonly run: string; readonly stage: string; readonly reason: string }) {
  const { value, fault } = useApi("/runs/:run/dropped", run, { query: { stage, reason } });
  return (
    <div>
      <h3>Dropped: {oneLine(reason, 48)}</h3>
      <Fault fault={fault} />
      {value === null ? (
        fault === null && <Waiting />
      ) : (
        <>
          <Examples run={run} examples={value.examples} />
          <p class="quiet small">
            {count(value.examples.length)} of {count(value.count)}
            {value.examples.some(({ isTrace }) => isTrace) && (
              <>
                ; <a href={hashOf({ view: "traces", run, query: { reason } })}>all of them in Traces</a>
              </>
            )}
          </p>
        </>
      )}
    </div>
  );
}

function Examples({ run, examples }: { readonly run: string; readonly examples: readonly DroppedExample[] }) {
  return (
    <ul class="examples">
      {examples.map(({ id, question, detail, isTrace }) => (
        <li key={id}>
          <p>
            {question === null ? <span class="quiet">its text was not kept</span> : <bdi>{visibleText(question)}</bdi>}
          </p>
          <p class="quiet small">
            {isTrace ? <a href={hashOf({ view: "traces", run, query: { q: id } })}>{id}</a> : id}
            {detail !== "" && `: ${visibleText(detail)}`}
          </p>
        </li>
      ))}
    </ul>
  );
}

const MOST_SELECTED = "12";

function Selected({ run }: { readonly run: string }) {
  const { value } = useApi("/runs/:run/traces", run, { query: { state: "selected", count: MOST_SELECTED } });
  if (value === null || value.rows.length === 0) return null;
  return (
    <div>
      <h3>Selected</h3>
      <ul class="examples">
        {value.rows.map(({ id, question, reason, thinkingTokens }) => (
          <li key={id}>
            <p>
              <bdi>{visibleText(question)}</bdi>
            </p>
            <p class="quiet small">
              <a href={hashOf({ view: "traces", run, query: { q: id } })}>{id}</a>
              {`: ${visibleText(reason ?? "")}`}
              {thinkingTokens !== null && `, ${count(thinkingTokens)} tokens`}
            </p>
          </li>
        ))}
      </ul>
      <p class="quiet small">
        {count(value.rows.length)} of {count(value.matched)}
      </p>
    </div>
  );
}

function SidesOf({ sides, countedBy }: { readonly sides: Sides; readonly countedBy: CurationView["countedBy"] }) {
  const { selected, dropped, domains, lengths, medians } = sides;
  const middle = (tokens: number | null): string => (tokens === null ? "–" : count(tokens));
  return (
    <section aria-labelledby="sides">
      <h2 id="sides">Selected against dropped</h2>
      <p>
        {count(selected)} traces selected, {count(dropped)} dropped; half of the selected think for{" "}
        {middle(medians.selected)} tokens or fewer, half of the dropped for {middle(medians.dropped)}. Each bar is a
        share of its own side.
      </p>
      <h3>Domains</h3>
      <Bars name="domains" title="Domains of selected and dropped traces" rows={domains} />
      {lengths.length > 0 && (
        <>
          <h3>Length of the thinking, {TOKENS_COUNTED[countedBy]}</h3>
          <Bars name="lengths" title="Length of the thinking of selected and dropped traces" rows={lengths} />
        </>
      )}
    </section>
  );
}

/** The bars take their height from their rows. */
const HEIGHT = 0;

function Bars({
  name,
  title,
  rows,
}: {
  readonly name: string;
  readonly title: string;
  readonly rows: PairedBars["rows"];
}) {
  const stamp = JSON.stringify(rows);
  const draw = useCallback(
    (options: ChartOptions) =>
      pairedBars({ title, rows, description: "Shares of each side; counts stand behind them." }, options),
    [title, stamp],
  );
  return <Chart name={name} draw={draw} height={HEIGHT} />;
}
