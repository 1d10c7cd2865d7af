/** @file The recipe's fields of difficulty and selection: which questions are worth a trace, and which traces are trained on. */
import { z } from "zod";

const count = (what: string) => z.int().min(1).describe(what);
const share = (what: string) => z.number().min(0).max(1).describe(what);

/** Which questions are neither too easy nor too hard. */
export const Difficulty = z
  .strictObject({
    keep: z
      .enum(["unsolved", "pass-rate"])
      .default("unsolved")
      .describe(
        "unsolved: what no reference student solved in any try, as in s1; pass-rate: what they solved sometimes, better for small students; each student then tries every question",
      ),
    passRate: z
      .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
      .refine(([low, high]) => low < high, "low must be less than high")
      .default([0, 1])
      .describe("for pass-rate: more than the first and less than the second share of all tries are right"),
  })
  .prefault({});

const SeedRule = z.strictObject({
  source: z.string().min(1).describe("traces of questions of this source, or of a part of it (SOURCE/PART)"),
  requireCorrect: z.boolean().default(true).describe("only where the teacher was right"),
  longerThan: z.int().min(0).optional().describe("only where the thinking has more tokens than this; absent: any"),
});

const ShapeSource = z.strictObject({
  source: z.string().min(1).describe("for s1: a source whose domains are counted, for example of a benchmark's kind"),
  ratio: z
    .number()
    .positive()
    .default(1)
    .describe("how much it counts beside the first source, which counts as it is; each domain's count is rounded down"),
});

const Shape = z.strictObject({
  after: share("for s1: share of count from which on domains are drawn as those sources have them").default(0.7),
  like: z.array(ShapeSource).min(1),
});

const LongShare = z.strictObject({
  longerThan: z.int().min(0).describe("a trace is long when its thinking has more tokens than this"),
  share: share("share of count that is long; neither kind makes up for what the other lacks"),
});

/** Which traces are trained on. */
export const Select = z
  .strictObject({
    count: count("examples to train on").default(1000),
    method: z
      .enum(["s1", "random", "longest", "diverse", "all"])
      .default("s1")
      .describe(
        "s1: uniform over domains, long traces preferred; its controls: random, the longest, diverse (uniform over domains alone), all (whatever count says)",
      ),
    seeds: z
      .array(SeedRule)
      .optional()
      .describe("for s1: traces that are taken first, where any of these rules applies; absent: none"),
    shape: Shape.optional(),
    capBySize: z
      .boolean()
      .optional()
      .describe(
        "drop what is longer than grappa's rule of thumb for the student's size, as its name tells it: 2,048 tokens below 2B, 4,096 below 4B, 8,192 below 10B",
      ),
    redrawSeeds: z
      .boolean()
      .optional()
      .describe("for s1: seeds stay in their domains and may be drawn again for nothing, as in s1's own code"),
    longShare: LongShare.optional(),
    requireCorrect: z.boolean().default(true).describe("drop traces graded other than correct (s1 kept them)"),
    maxThinkingTokens: z.int().min(1).default(512).describe("longer traces are dropped, never cut"),
  })
  .prefault({});
