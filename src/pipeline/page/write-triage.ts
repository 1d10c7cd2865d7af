/** @file What the page writes of traces: decisions and notes, on the disk before it is answered. */
import { AppError } from "../../core/errors.ts";
import type { PageWrites } from "../../report/page/page-api.ts";
import { TriageChange } from "../../schema/triage.ts";
import { writeTriage } from "../triage-file.ts";
import type { PageReader } from "./page-reader.ts";
import { traceIndex } from "./trace-index.ts";

/**
 * Writes a change down and tells what holds then.
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
  const facts = await reader.facts(run);
  const { byId } = await traceIndex(facts, reader);
  if (!byId.has(data.traceId)) throw new AppError("file-missing", `this run has no trace ${data.traceId}`);
  await writeTriage(facts.folder, data, reader.ports.clock.date());
  const { decision, note } = (await reader.triage(facts).read()).get(data.traceId) ?? { decision: "none", note: "" };
  return { id: data.traceId, decision, hasNote: note !== "" };
}
