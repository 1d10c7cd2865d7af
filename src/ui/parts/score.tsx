import { count, percent, percentInterval } from "../../report/number-format.ts";
import type { ShareOfRight } from "../../report/page/run-list.ts";

const WIDTH = 120;

/** Share, interval and n in figures. */
export function ScoreText({ score }: { readonly score: ShareOfRight }) {
  return (
    <>
      <strong class="figure">{percent(score.accuracy)}</strong>{" "}
      <span class="quiet small">
        {percentInterval(score.interval)}, n = {count(score.n)}
      </span>
    </>
  );
}

/** The student's share and interval over an axis from 0 to 100 %, the base's beside it; the figures say the same. */
export function ScoreLine({ score, base }: { readonly score: ShareOfRight; readonly base: ShareOfRight | null }) {
  const x = (share: number): number => 2 + share * (WIDTH - 4);
  if (score.accuracy === null) return null;
  const [low, high] = score.interval ?? [score.accuracy, score.accuracy];
  return (
    <svg class="score-line" viewBox={`0 0 ${WIDTH} 14`} width={WIDTH} height="14" aria-hidden="true">
      <line class="axis" x1="2" x2={WIDTH - 2} y1="7" y2="7" />
      {base !== null && base.accuracy !== null && (
        <line class="base" x1={x(base.accuracy)} x2={x(base.accuracy)} y1="1" y2="13" />
      )}
      <line class="interval" x1={x(low)} x2={x(high)} y1="7" y2="7" />
      <circle class="point" cx={x(score.accuracy)} cy="7" r="4" />
    </svg>
  );
}
