/** @file What the page writes of traces: decisions and notes, on the disk before it is answered. */
import { AppError } from "../../core/errors.ts";
import type { PageWrites } from "../../report/page/page-api.ts";
import { TriageChange } from "../../schema/triage.ts";
import { writeTriage } from "../triage-file.ts";
import type { PageReader } from "./page-reader.ts";
import { traceIndex } from "./trace-index.ts";

/**
 * Writes a change down, after those of the run that were asked for before, and tells what holds then.
 *
 * @throws AppError "usage" for what is no change, "file-missing" where the run or the trace is not there, "disk-full" and the like.
 */
export async function changeTriage(
  reader: PageReader,
  run: string,
  body: unknown,
): Promise<PageWrites["/runs/:run/triage"]["answer"]> {
  const { success, data, error } = TriageChange.safeParse(body);
  if (!success) throw new AppError("usage", `not a decision: ${error.issues[0]?.message ?? "not understood"}`);
  // The later of two changes must hold, though what the first must read takes longer.
  return await reader.changes.take(run, () => write(reader, run, data));
}

async function write(reader: PageReader, run: string, change: TriageChange) {
  const facts = await reader.facts(run);
  const log = reader.triage(facts);
  // What was decided of a trace that is gone is taken back like any other.
  const isTakenBack = change.decision === "none" && (await log.read()).has(change.traceId);
  if (!isTakenBack && !(await traceIndex(facts, reader)).byId.has(change.traceId))
    throw new AppError("file-missing", `this run has no trace ${change.traceId}`);
  await writeTriage(facts.folder, change, reader.ports.clock.date());
  const { decision, note } = (await log.read()).get(change.traceId) ?? { decision: "none", note: "" };
  return { id: change.traceId, decision, hasNote: note !== "" };
}
