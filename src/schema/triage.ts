/** @file What somebody who read the traces of a run said of them: lines of `triage.jsonl` in the run's folder, newest last. */
import { z } from "zod";
import { SCHEMA_VERSION } from "./schema-version.ts";
import { MOST_NOTE_CHARACTERS } from "./triage-limits.ts";

/** `keep` forces a trace into the selection, `drop` leaves it out, `none` takes either back. */
export const TriageDecision = z.enum(["keep", "drop", "none"]);
export type TriageDecision = z.infer<typeof TriageDecision>;

/** A change: what it does not name stays as it was. */
export const TriageChange = z
  .strictObject({
    traceId: z.string().regex(/^[0-9a-f]{16}$/),
    decision: TriageDecision.optional(),
    note: z.string().max(MOST_NOTE_CHARACTERS).optional().describe("empty takes an earlier one back"),
  })
  .refine(({ decision, note }) => decision !== undefined || note !== undefined, "neither decision nor note");
export type TriageChange = z.infer<typeof TriageChange>;

/** One line of `triage.jsonl`. */
export const TriageLine = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  at: z.string(),
  ...TriageChange.shape,
});
export type TriageLine = z.infer<typeof TriageLine>;

/** A decision that holds: one line of `triage.jsonl` in the folder of the selection that honoured it. */
export const TriageVerdict = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  traceId: TriageChange.shape.traceId,
  decision: TriageDecision.exclude(["none"]),
});
export type TriageVerdict = z.infer<typeof TriageVerdict>;
