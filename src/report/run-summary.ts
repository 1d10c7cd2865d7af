import { isOfSweep } from "../evaluate/settings.ts";
import { wouldHaveCost } from "../ledger/would-have-cost.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import type { RunSummary } from "../schema/result.ts";
import type { RunResults } from "./run-results.ts";
import { bestBase, naturalStudent, totals } from "./settings.ts";
import { waitClaimOf } from "./view/controls.ts";

/**
 * The run in one small object: what `result.json` holds and `--json` prints last. `base` is the better of direct and
 * told-to-think; `student` is the natural end without Wait; `sweep` holds the student's thinking settings in order
 * (its direct answers are no point of the sweep). A model never scored has n 0 and null accuracy.
 */
export function runSummary(results: RunResults): RunSummary {
  const base = bestBase(results);
  const student = naturalStudent(results);
  return {
    schemaVersion: SCHEMA_VERSION,
    run: results.runId,
    seconds: results.seconds,
    stages: results.ledger.map(({ stage, seconds }) => ({ name: stage, seconds })),
    spentUsd: results.spentUsd,
    accounts: [...results.accounts],
    judge: results.judge ?? null,
    funnel: results.funnel.map(({ stage, kept, dropped }) => ({ stage, kept, dropped })),
    base: { accuracy: base?.accuracy ?? null, n: base?.n ?? 0, interval: base?.interval ?? null },
    student: {
      accuracy: student?.accuracy ?? null,
      n: student?.n ?? 0,
      interval: student?.interval ?? null,
      thinkingTokens: student?.thinkingTokens ?? 0,
    },
    sweep: totals(results, "student")
      .filter(({ setting }) => setting.mode === "think" && isOfSweep(setting))
      .map(({ setting, accuracy, interval, thinkingTokens }) => ({
        budgetTokens: setting.budgetTokens,
        waits: setting.waits,
        accuracy,
        interval,
        thinkingTokens,
      })),
    verdict: { pValue: results.verdict.pValue, sentence: results.verdict.sentence },
    waitClaim: waitClaimOf(results),
    controls: results.controls,
    wouldHaveCost: estimateSummary(),
  };
}

/** The estimate as mutable plain data, which is what the schema describes. */
function estimateSummary(): RunSummary["wouldHaveCost"] {
  return structuredClone(wouldHaveCost()) as RunSummary["wouldHaveCost"];
}
