import { count, duration } from "../../report/number-format.ts";
import type { RunRow } from "../../report/page/run-list.ts";
import { visibleText } from "../../report/plain-text.ts";
import { useApi } from "../api/use-api.ts";
import { useKeys } from "../keys/use-keys.ts";
import { Fault, Waiting } from "../parts/fault.tsx";
import { SpentOf } from "../parts/money.tsx";
import { State } from "../parts/run-state.tsx";
import { RunSwitch, switchKey } from "../parts/run-switch.tsx";
import { ScoreLine, ScoreText } from "../parts/score.tsx";
import { StageStrip } from "../parts/stage-strip.tsx";
import { Ago } from "../parts/time.tsx";
import { hashOf } from "../route.ts";
import type { ViewProps } from "../routes.ts";

const LOOK_EVERY_MS = 4000;

/** Every run of the folder. */
export function RunsPage(_props: ViewProps) {
  const { value, fault } = useApi("/runs", null, { everyMs: LOOK_EVERY_MS });
  useKeys("In this view", [
    switchKey("pause the run of this row, or go on with it", () => document.activeElement?.closest("tr")),
  ]);
  return (
    <>
      <h1>Runs</h1>
      <Fault fault={fault} />
      {value === null ? (
        fault === null && <Waiting />
      ) : (
        <>
          <p class="quiet small">
            {count(value.runs.length)} in <code>{visibleText(value.folder)}</code>
            {value.left > 0 && `; ${count(value.left)} more are not listed`}
          </p>
          {value.runs.length === 0 ? (
            <p>
              There is no run yet: <code>grappa demo</code> makes one in minutes, without a key or a GPU.
            </p>
          ) : (
            <RunTable runs={value.runs} />
          )}
        </>
      )}
    </>
  );
}

function RunTable({ runs }: { readonly runs: readonly RunRow[] }) {
  return (
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">run</th>
          <th scope="col">state</th>
          <th scope="col">stages</th>
          <th scope="col">spent</th>
          <th scope="col">right answers, 95 % interval</th>
          <th scope="col" class="number">
            time
          </th>
          <th scope="col" class="number">
            last event
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row key={run.name} run={run} />
        ))}
      </tbody>
    </table>
  );
}

/** A phone's card leaves out what is not known. */
const known = (value: unknown): string => (value === null ? "none" : "");

function Row({ run }: { readonly run: RunRow }) {
  const facts = [run.recipe, run.student].filter((fact) => fact !== null).map(visibleText);
  return (
    <tr>
      <th scope="row">
        <a data-row href={hashOf({ view: "overview", run: run.name })}>
          {visibleText(run.name)}
        </a>
        {facts.length > 0 && <span class="under">{facts.join(" · ")}</span>}
        {run.problem !== null && <span class="under problem">{visibleText(run.problem)}</span>}
      </th>
      <td>
        <State state={run.state} />
        <RunSwitch run={run} />
      </td>
      <td class={known(run.startedAt)}>{run.startedAt !== null && <StageStrip run={run} />}</td>
      <td data-label="spent" class={known(run.spentMicroUsd)}>
        <SpentOf {...run} />
      </td>
      <td data-label="right" class={known(run.score)}>
        {run.score === null ? (
          <span class="quiet">–</span>
        ) : (
          <>
            <span class="score">
              <ScoreText score={run.score} />
            </span>
            <ScoreLine score={run.score} base={run.base} />
          </>
        )}
      </td>
      <td data-label="time" class={`number ${known(run.seconds)}`}>
        {run.seconds === null ? "–" : duration(run.seconds)}
      </td>
      <td class={`number ${known(run.lastAt)}`}>
        <Ago at={run.lastAt} />
      </td>
    </tr>
  );
}
