import { count } from "../../report/number-format.ts";
import type { RunRow } from "../../report/page/run-list.ts";
import { STAGE_NAMES } from "../../schema/stage-names.ts";

/** Nine small fields, filled as stages are done, with the present stage in words. */
export function StageStrip({
  run: { doneStages, stage, progress, state },
}: {
  readonly run: Pick<RunRow, "doneStages" | "stage" | "progress" | "state">;
}) {
  const share = progress === null || progress.total === 0 ? 0 : Math.min(1, progress.done / progress.total);
  const present = stage === null ? -1 : STAGE_NAMES.indexOf(stage);
  const words =
    stage === null
      ? `${doneStages} of ${STAGE_NAMES.length} done`
      : progress === null
        ? stage
        : `${stage}, ${count(progress.done)} of ${count(progress.total)} ${progress.unit}`;
  return (
    <span class="strip">
      <svg viewBox="0 0 108 10" width="108" height="10" aria-hidden="true">
        {STAGE_NAMES.map((name, at) => (
          <g key={name}>
            <rect class={fieldClass(at, { present, doneStages, state })} x={at * 12} width="10" height="10" rx="2" />
            {at === present && <rect class={`part ${state}`} x={at * 12} width={10 * share} height="10" rx="2" />}
          </g>
        ))}
      </svg>
      <span class="under">{words}</span>
    </span>
  );
}

function fieldClass(
  at: number,
  { present, doneStages, state }: { readonly present: number; readonly doneStages: number; readonly state: string },
): string {
  if (at === present) return `now ${state}`;
  return at < (present === -1 ? doneStages : present) ? "done" : "";
}
