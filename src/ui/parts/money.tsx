import { dollars } from "../../report/number-format.ts";
import { Bar } from "./data-table.tsx";

/** Micro-dollars as a reader wants them. */
export function usd(microUsd: number): string {
  return dollars(microUsd / 1_000_000);
}

/** A price of one thing, which may be small: three digits. */
export function unitUsd(microUsd: number): string {
  return microUsd === 0 || microUsd >= 1_000_000 ? usd(microUsd) : `$${Number((microUsd / 1_000_000).toPrecision(3))}`;
}

/** What was spent of what was allowed. */
export function SpentOf({
  spentMicroUsd,
  capMicroUsd,
}: {
  readonly spentMicroUsd: number | null;
  readonly capMicroUsd: number | null;
}) {
  if (spentMicroUsd === null) return <>–</>;
  return (
    <>
      <span class="figure">{usd(spentMicroUsd)}</span>
      {capMicroUsd !== null && capMicroUsd > 0 && (
        <>
          <span class="quiet"> of {usd(capMicroUsd)}</span> <Bar share={spentMicroUsd / capMicroUsd} />
        </>
      )}
    </>
  );
}
