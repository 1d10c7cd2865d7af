/** @file The shape of a published result. */
import { z } from "zod";

/** One figure that somebody else published, with where it was read. */
export const PublishedResult = z.strictObject({
  model: z.string().min(1),
  examples: z.string().nullable().describe("examples it was fine-tuned on, as printed; null where not said"),
  task: z.string().min(1).describe("name of a task as `grappa evaluate` knows it"),
  accuracyPercent: z.number().min(0).max(100),
  n: z.int().min(1).describe("questions of the task"),
  setting: z.string().describe("how the model was run, where the source says so; may be empty"),
  source: z.strictObject({
    title: z.string().min(1),
    arxiv: z.string().regex(/^\d{4}\.\d{5}v\d+$/),
    table: z.int().min(1),
  }),
  asOf: z.iso.date().describe("date of the source's version"),
  note: z.string().describe("a misprint, or another figure for the same thing elsewhere; may be empty"),
});
export type PublishedResult = z.infer<typeof PublishedResult>;

/** A file of published results. */
export const PublishedResults = z.strictObject({
  version: z.int().min(1).describe("raised with every change of a row"),
  rows: z.array(PublishedResult),
});
export type PublishedResults = z.infer<typeof PublishedResults>;
