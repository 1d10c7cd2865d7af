/** @file Terms of use that the user has accepted for a run: `terms.json` in its folder, and the run's manifest. */
import { z } from "zod";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { termsOf } from "../adapters/teacher/terms-of-use.ts";
import type { Endpoint } from "../schema/endpoint.ts";
import { AcceptedTerms } from "../schema/manifest.ts";
import { SCHEMA_VERSION } from "../schema/records.ts";
import { parseRecord } from "./parse-record.ts";

const TERMS = "terms.json";
const MAX_TERMS_BYTES = 1 << 20;

const TermsFile = z.strictObject({ schemaVersion: z.literal(SCHEMA_VERSION), accepted: z.array(AcceptedTerms) });

/** What was accepted for the run in a folder; none where there is no such run. */
export async function readAcceptedTerms(fs: FileSystem, folder: string): Promise<AcceptedTerms[]> {
  const path = joinPath(folder, TERMS);
  if ((await fs.kind(path)) !== "file") return [];
  return parseRecord(await fs.readText(path, MAX_TERMS_BYTES), TermsFile, path).accepted;
}

/** Keeps what was accepted, so that the same command goes on without asking again. */
export async function keepAcceptedTerms(fs: FileSystem, folder: string, accepted: AcceptedTerms[]): Promise<void> {
  if (accepted.length === 0) return;
  const record = TermsFile.parse({ schemaVersion: SCHEMA_VERSION, accepted });
  await fs.writeAtomic(joinPath(folder, TERMS), `${JSON.stringify(record, null, 2)}\n`);
}

/** The terms among the names that a user accepts, as they stand today for these endpoints. */
export function acceptTerms(
  endpoints: readonly Pick<Endpoint, "type" | "baseUrl" | "model">[],
  names: readonly string[],
): AcceptedTerms[] {
  const wanted = new Set(names.map((name) => name.trim().toLowerCase()));
  const found = new Map(endpoints.flatMap(termsOf).map((terms) => [terms.provider, terms]));
  return [...found.values()]
    .filter(({ provider }) => wanted.has(provider))
    .map(({ provider, mayTrain, clause, source, textOf }) => ({ provider, mayTrain, clause, source, textOf }));
}

/** Earlier acceptances and new ones, each provider once; the new ones hold. */
export function joinTerms(earlier: readonly AcceptedTerms[], now: readonly AcceptedTerms[]): AcceptedTerms[] {
  return [...new Map([...earlier, ...now].map((terms) => [terms.provider, terms])).values()];
}
