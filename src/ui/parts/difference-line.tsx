import type { ComparisonRow } from "../../schema/evaluation-summary.ts";

const WIDTH = 120;

/** A difference of shares with its interval over an axis from −most to +most; the figures beside it say the same. */
export function DifferenceLine({
  difference,
  interval,
  most,
}: Pick<ComparisonRow, "difference" | "interval"> & { readonly most: number }) {
  if (difference === null || interval === null) return null;
  const x = (share: number): number => WIDTH / 2 + ((share / most) * (WIDTH - 8)) / 2;
  return (
    <svg class="score-line" viewBox={`0 0 ${WIDTH} 14`} width={WIDTH} height="14" aria-hidden="true">
      <line class="axis" x1="2" x2={WIDTH - 2} y1="7" y2="7" />
      <line class="base" x1={x(0)} x2={x(0)} y1="1" y2="13" />
      <line class="interval" x1={x(interval[0])} x2={x(interval[1])} y1="7" y2="7" />
      <circle class="point" cx={x(difference)} cy="7" r="4" />
    </svg>
  );
}
