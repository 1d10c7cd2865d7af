/** @file What the rules of a recipe's `curate` came to, beside the rows that they dropped. */
import { z } from "zod";
import { SCHEMA_VERSION } from "./schema-version.ts";

const schemaVersion = z.literal(SCHEMA_VERSION).describe("version of this record's schema");
const count = z.int().min(0);
const id = z.string().regex(/^[0-9a-f]{16}$/);

/** A benchmark that questions were checked against. */
export const CheckedBenchmark = z.strictObject({
  task: z.string(),
  questions: count,
  source: z.string().describe("file name, or data set and commit"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .describe("of the data; null for the recipe's own held-out questions"),
});
export type CheckedBenchmark = z.infer<typeof CheckedBenchmark>;

/** A benchmark that could not be loaded: what is trained on may hold its questions. */
export const UncheckedBenchmark = z.strictObject({ task: z.string(), reason: z.string() });
export type UncheckedBenchmark = z.infer<typeof UncheckedBenchmark>;

/** curation.json of the stage collect. */
export const Curation = z.strictObject({
  schemaVersion,
  decontamination: z
    .strictObject({
      ngram: z.int().min(1).describe("words of a shared run that count as an overlap"),
      nearJaccard: z
        .number()
        .nullable()
        .describe("likeness from which a question is a light edit; null: not looked for"),
      checked: z.array(CheckedBenchmark),
      notChecked: z.array(UncheckedBenchmark),
      tooShort: count.describe("benchmark questions with fewer words than a run"),
    })
    .nullable(),
  nearDuplicates: z
    .strictObject({
      jaccard: z.number(),
      clusters: count,
      crowded: count.describe("questions not compared with all they met, since too many looked alike without being so"),
    })
    .nullable(),
});
export type Curation = z.infer<typeof Curation>;

/** A line of duplicate-clusters.jsonl: a question that was kept, and those that were dropped as nearly the same. */
export const DuplicateCluster = z.strictObject({
  schemaVersion,
  representative: id,
  members: z.array(z.strictObject({ id, jaccard: z.number().min(0).max(1) })).min(1),
});
export type DuplicateCluster = z.infer<typeof DuplicateCluster>;
