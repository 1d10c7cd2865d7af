/** @file What a stage knows of its job, on the disk before and after each step, so that a kill at any moment loses no job and starts none twice. */
import { join } from "node:path";
import { z } from "zod";
import { nodeFileSystem } from "../../../adapters/file-system.ts";
import { LAUNCHER_TYPES } from "../../../schema/launched-job.ts";
import { SCHEMA_VERSION } from "../../../schema/records.ts";
import { parseRecord } from "../../parse-record.ts";
import type { GpuRent } from "./job-money.ts";

export const JobHandleRecord = z.strictObject({
  launcher: z.enum(LAUNCHER_TYPES),
  name: z.string(),
  id: z.string(),
  folder: z.string().nullable(),
});

/** `work/job.json`. */
export const JobState = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  launcher: z.enum(LAUNCHER_TYPES),
  place: z.string().describe("where the launcher looks for it"),
  name: z.string(),
  try: z.int().min(1).describe("how often it was submitted, this time included"),
  submittedAt: z.number().describe("Unix milliseconds by this machine"),
  handle: JobHandleRecord.nullable().describe("null: it may have been submitted, or not"),
  rent: z
    .strictObject({
      gpus: z.int().min(0),
      microUsdPerGpuHour: z.number().min(0),
      source: z.string(),
      asOf: z.string(),
    })
    .describe("what it was submitted with; the recipe may change while it runs"),
  isOurs: z.boolean().describe("whether this run pays for it; false: another run started it"),
  previous: z
    .strictObject({ id: z.string(), startedAt: z.number().nullable(), endedAt: z.number().nullable() })
    .nullable()
    .describe("the try before, as its launcher told of it: what is found and is the same is not this try"),
  isJudged: z.boolean().describe("its end was seen, and told: whoever runs again wants another try"),
});
export type JobState = z.infer<typeof JobState>;

/** What a state begins with. */
export interface NewJob extends Pick<JobState, "launcher" | "place" | "name" | "submittedAt"> {
  readonly rent: GpuRent;
}

/** The state of a job that is about to be submitted, after an earlier try or as the first. */
export function newState({ rent: { gpus, price }, ...facts }: NewJob, before: JobState | undefined): JobState {
  return {
    schemaVersion: SCHEMA_VERSION,
    ...facts,
    // What was never submitted is no try.
    try: before === undefined ? 1 : before.handle === null ? before.try : before.try + 1,
    handle: null,
    rent: { gpus, ...price },
    isOurs: true,
    previous: before?.previous ?? null,
    isJudged: false,
  };
}

/** The GPUs that a job was submitted with, and their price. */
export function rentOfState({ rent: { gpus, ...price } }: JobState): GpuRent {
  return { gpus, price };
}

const FILE = "job.json";
const MAX_BYTES = 64 * 1024;

/** The state that an earlier process left; undefined where there is none. */
export async function readJobState(workFolder: string): Promise<JobState | undefined> {
  const fs = nodeFileSystem();
  const path = join(workFolder, FILE);
  if ((await fs.kind(path)) !== "file") return undefined;
  return parseRecord(await fs.readText(path, MAX_BYTES), JobState, path);
}

/** Writes the state, whole and flushed. */
export async function writeJobState(workFolder: string, state: JobState): Promise<void> {
  await nodeFileSystem().writeAtomic(join(workFolder, FILE), `${JSON.stringify(state, null, 2)}\n`);
}
