/** @file What the controls of a run found: `controls.json`, and `controls` in `result.json`. */
import { z } from "zod";
import { StageName } from "./manifest.ts";
import { Interval, SCHEMA_VERSION, ThinkingSetting } from "./records.ts";

/** The controls, in the order in which they are shown; their letters are a to e. */
export const CONTROL_NAMES = ["no-slips", "answers-only", "random", "silent", "vote"] as const;
export const ControlName = z.enum(CONTROL_NAMES);
export type ControlName = z.infer<typeof ControlName>;

const share = (what: string) => z.number().min(0).max(1).nullable().describe(`${what}, 0 to 1; null when n is 0`);
const tokens = (what: string) => z.number().min(0).describe(`mean thinking tokens of a question, ${what}`);

/** One way of answering under a control, beside a way of the main student's, on the questions that both answered. */
export const ControlRow = z.strictObject({
  control: ControlName,
  setting: ThinkingSetting,
  votes: z.int().min(1).describe("samples that a majority was taken over; 1 where there was no vote"),
  mainSetting: ThinkingSetting.describe("what the main student did in the comparison"),
  n: z.int().min(0).describe("questions compared"),
  accuracy: share("share of right answers under the control"),
  interval: Interval.nullable().describe("95 %, Wilson"),
  thinkingTokens: tokens("all votes together"),
  mainAccuracy: share("share of right answers of the main student"),
  mainThinkingTokens: tokens("of the main student"),
  difference: z.number().min(-1).max(1).nullable().describe("control minus main"),
  differenceInterval: Interval.nullable().describe("95 %, Tango's score interval"),
  onlyMain: z.int().min(0).describe("questions that only the main student got right"),
  onlyControl: z.int().min(0).describe("questions that only the control got right"),
  pValue: share("two-sided exact McNemar; not corrected for the number of rows"),
  ownWaitShare: share("share of silent continuations that the model opened with Wait of its own accord").optional(),
});
export type ControlRow = z.infer<typeof ControlRow>;

/** A control that could not be run. */
export const SkippedControl = z.strictObject({ control: ControlName, reason: z.string() });
export type SkippedControl = z.infer<typeof SkippedControl>;

/** controls.json: holds for one output of the main line's evaluation. */
export const ControlsRecord = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION).describe("version of this record's schema"),
  evaluate: z.string().describe("output hash of the evaluation that the rows compare with"),
  stages: z
    .array(z.strictObject({ stage: StageName, key: z.string() }))
    .describe("stages that only controls needed, for their seconds"),
  rows: z.array(ControlRow),
  skipped: z.array(SkippedControl),
});
export type ControlsRecord = z.infer<typeof ControlsRecord>;
