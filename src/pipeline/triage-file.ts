/**
 * @file `triage.jsonl` in a run's folder: what somebody who read its traces decided. Each change is a line, on the disk before it
 * is answered; a line that a crash cut short was never answered, and is passed over.
 */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { appendDurably } from "../adapters/store/durable-append.ts";
import { canonicalJson, shortHash } from "../core/hash.ts";
import { sortedBy } from "../curate/stage-result.ts";
import { SCHEMA_VERSION } from "../schema/schema-version.ts";
import { type TriageChange, TriageLine, type TriageVerdict } from "../schema/triage.ts";
import { parseRecord } from "./parse-record.ts";

const FILE = "triage.jsonl";
/** Longest line: a note of 2,000 characters, each escaped, fits. */
export const MAX_TRIAGE_LINE_BYTES = 64 * 1024;

/** What holds of a trace. */
export interface TraceTriage {
  readonly decision: "keep" | "drop" | "none";
  readonly note: string;
}

/** Where the file is. */
export function triagePath(runFolder: string): string {
  return joinPath(runFolder, FILE);
}

/** Writes a change down; resolves when it is on the disk. Throws as `appendDurably`. */
export async function writeTriage(runFolder: string, change: TriageChange, at: string): Promise<void> {
  const line: TriageLine = { schemaVersion: SCHEMA_VERSION, at, ...change };
  await appendDurably(triagePath(runFolder), line);
}

/**
 * What holds, by trace id; empty where nobody has decided anything.
 *
 * @throws AppError "record-invalid" or "schema-version" for a whole line that is none of ours, with its number.
 */
export async function readTriage(fs: FileSystem, runFolder: string): Promise<Map<string, TraceTriage>> {
  const path = triagePath(runFolder);
  const found = new Map<string, TraceTriage>();
  if ((await fs.kind(path)) !== "file") return found;
  let number = 0;
  for await (const text of fs.readLines(path, MAX_TRIAGE_LINE_BYTES)) {
    number += 1;
    applyTriage(found, text, `${path}:${number}`);
  }
  return found;
}

/** Adds a line to what holds. Throws as {@link readTriage}; what is no JSON was cut short, and is passed over. */
export function applyTriage(found: Map<string, TraceTriage>, text: string, where: string): void {
  if (!isJson(text)) return;
  const { traceId, decision, note } = parseRecord(text, TriageLine, where);
  const before = found.get(traceId) ?? { decision: "none", note: "" };
  found.set(traceId, { decision: decision ?? before.decision, note: note ?? before.note });
}

/** The decisions that hold, by trace id: what a selection honours. Throws as {@link readTriage}. */
export async function readVerdicts(fs: FileSystem, runFolder: string): Promise<readonly TriageVerdict[]> {
  const verdicts = [...(await readTriage(fs, runFolder))].flatMap(([traceId, { decision }]) =>
    decision === "none" ? [] : [{ schemaVersion: SCHEMA_VERSION, traceId, decision } as const],
  );
  return sortedBy(verdicts, ({ traceId }) => traceId);
}

/** What a stage's key holds of the decisions; none where there are none, so that their absence changes no key. */
export function triageFact(verdicts: readonly TriageVerdict[]): { readonly triage?: string } {
  if (verdicts.length === 0) return {};
  return { triage: shortHash(canonicalJson(verdicts.map(({ traceId, decision }) => [traceId, decision]))) };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
