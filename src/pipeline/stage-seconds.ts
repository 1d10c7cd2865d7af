import type { RunEventLine, StageName, Timing } from "../schema/manifest.ts";

/**
 * Wall-clock seconds that each stage's present output took, over all tries at its key.
 *
 * A try that was killed has no timing; it counts from its start to the last event that is on disk, which is at most one
 * progress interval short.
 *
 * @param keys the key of each stage's present output; stages without one are left out.
 */
export function stageSeconds(
  keys: Partial<Record<StageName, string>>,
  timings: readonly Timing[],
  events: readonly RunEventLine[],
): Map<StageName, number> {
  const seconds = new Map<StageName, number>();
  const add = (stage: StageName, key: string | undefined, more: number): void => {
    if (key !== undefined && keys[stage] === key) seconds.set(stage, (seconds.get(stage) ?? 0) + more);
  };
  for (const { stage, key, seconds: spent } of timings) add(stage, key, spent);
  for (const { stage, key, spent } of killedTries(events)) add(stage, key, spent);
  return seconds;
}

interface KilledTry {
  readonly stage: StageName;
  readonly key: string | undefined;
  readonly spent: number;
}

/** Stage starts that no end follows before the run was started again. */
function killedTries(events: readonly RunEventLine[]): KilledTry[] {
  const killed: KilledTry[] = [];
  let open: { stage: StageName; key: string | undefined; start: number; last: number } | undefined;
  for (const { type, at, stage, key } of events) {
    const time = Date.parse(at);
    if (type === "run-start" && open) {
      killed.push({ stage: open.stage, key: open.key, spent: Math.max(0, open.last - open.start) / 1000 });
      open = undefined;
    }
    if (type === "stage-start" && stage !== undefined) open = { stage, key, start: time, last: time };
    else if (type === "stage-end" || type === "stage-fail") open = undefined;
    else if (open) open.last = time;
  }
  return killed;
}
