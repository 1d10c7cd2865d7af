import { count } from "../../report/number-format.ts";
import type { FunnelRow } from "../../report/view/funnel.ts";

const HATCH = "funnel-hatch";

/** The funnel as a list: solid is kept, hatched is dropped, with the reasons. */
export function FunnelBars({ rows }: { readonly rows: readonly FunnelRow[] }) {
  return (
    <ol class="funnel">
      {rows.map((row) => (
        <li key={row.stage}>
          <div>
            <span class="name">{row.stage}</span>
            <StageWords row={row} />
          </div>
          <div>
            <Flow row={row} />
            {row.reasons.length > 0 && (
              <div class="reasons">
                {row.reasons.map(({ reason, count: n }) => `${reason} ${count(n)}`).join(" · ")}
              </div>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** What a stage does, and what is to be noted of it. */
export function StageWords({ row }: { readonly row: FunnelRow }) {
  return <div class="words">{[row.words, row.note].filter(Boolean).join("; ")}</div>;
}

/** A stage's bar with its counts: solid is kept, hatched is dropped. */
export function Flow({ row }: { readonly row: FunnelRow }) {
  return (
    <>
      <Bar row={row} />
      <div class="counts">
        <strong>{count(row.kept)}</strong> kept, {count(row.dropped)} dropped
      </div>
    </>
  );
}

function Bar({ row: { stage, keptShare, droppedShare } }: { readonly row: FunnelRow }) {
  const [kept, dropped] = [keptShare * 1000, droppedShare * 1000];
  const hatch = `${HATCH}-${stage}`;
  return (
    <svg class="flow" viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true">
      <defs>
        <pattern id={hatch} width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="hatch" width="3" height="8" />
        </pattern>
      </defs>
      <rect class="kept" width={kept} height="24" />
      <rect class="dropped" x={kept} width={dropped} height="24" fill={`url(#${hatch})`} />
    </svg>
  );
}
