/** @file What a run comes to, in one line of JSON: `result.json` and the last line of `grappa demo --json`. */
import { z } from "zod";
import { ControlRow, SkippedControl } from "./controls.ts";
import { Interval, SCHEMA_VERSION } from "./records.ts";

const accuracy = z.number().min(0).max(1).nullable().describe("share of right answers, 0 to 1; null when n is 0");
const interval = Interval.nullable();
const seconds = z.number().min(0).describe("wall-clock seconds");
const thinkingTokens = z.number().min(0).describe("mean thinking tokens of a question");

const range = (what: string) => z.tuple([z.number().min(0), z.number().min(0)]).describe(`${what}, low and high`);
const dated = {
  asOf: z.string().describe("day on which it was looked up, ISO 8601"),
  source: z.string().describe("where it was looked up"),
};

const costItem = z.strictObject({
  purpose: z.enum(["traces", "fine-tune", "evaluation"]),
  supplier: z.string().describe("model or GPU, and who sells it"),
  parts: z.array(
    z.strictObject({
      unit: z.string(),
      quantity: range("units"),
      unitUsd: range("dollars for one unit"),
      usd: range("dollars"),
    }),
  ),
  usd: range("dollars"),
  range: z.string().describe("what makes a range of it; empty where there is none"),
  ...dated,
});

/** What s1's way would have cost; the same in every run of one version of grappa. */
const WouldHaveCost = z
  .strictObject({
    basis: z.literal("estimated"),
    items: z.array(costItem).describe("alternatives by purpose: one of each is paid, not all"),
    usd: range("dollars for one of each purpose"),
    pricesFrom: z.string().describe("first day on which a price was looked up"),
    pricesTo: z.string().describe("last day on which a price was looked up"),
    published: z.strictObject({
      basis: z.literal("published"),
      what: z.string(),
      usdBelow: z.number().min(0).describe("an upper bound, dollars"),
      ...dated,
    }),
  })
  .describe("an estimate at dated list prices: s1's 1,000 traces, its fine-tune and its evaluation; nobody was billed");

const usd = (what: string) => z.number().min(0).describe(`dollars ${what}`);

/** What one account of the ledger came to; each amount stands in one column alone. */
export const AccountSpending = z.strictObject({
  account: z.string().describe("attempt, trace, judge, train or evaluate"),
  calls: z.int().min(0),
  freeCalls: z.int().min(0).describe("calls that cost nothing"),
  promptTokens: z.int().min(0),
  completionTokens: z.int().min(0).describe("thinking included"),
  measuredUsd: usd("by the usage that the provider reported"),
  estimatedUsd: usd("by usage that was counted here"),
  unknownUsd: usd("possibly paid: no reply was seen, and the worst case counts"),
});
export type AccountSpending = z.infer<typeof AccountSpending>;

/** How far the judge agrees with the rules, on a seeded sample of replies on which a rule is sure. */
export const JudgeCheck = z.strictObject({
  model: z.string(),
  n: z.int().min(0).describe("replies on which rule and judge both have a verdict"),
  silent: z.int().min(0).describe("replies on which the judge gave none"),
  agreement: accuracy,
  interval,
  kappa: z.number().nullable().describe("Cohen's; null where chance alone would agree always"),
  bothCorrect: z.int().min(0),
  bothIncorrect: z.int().min(0),
  onlyJudge: z.int().min(0).describe("the judge says correct, the rule incorrect"),
  onlyRule: z.int().min(0).describe("the rule says correct, the judge incorrect"),
});
export type JudgeCheck = z.infer<typeof JudgeCheck>;

/** The outcome of a run, for scripts: the same object in `result.json` and on the last line of `--json` output. */
export const RunSummary = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION).describe("version of this record's schema"),
  run: z.string().describe("the run's id"),
  seconds,
  stages: z.array(z.strictObject({ name: z.string(), seconds })),
  spentUsd: z.number().min(0).describe("dollars paid to others; 0 where everything ran on this machine"),
  accounts: z.array(AccountSpending).describe("where the money went; empty where nothing was asked of others"),
  judge: JudgeCheck.nullable().describe("null where the recipe has no judge"),
  funnel: z.array(z.strictObject({ stage: z.string(), kept: z.int().min(0), dropped: z.int().min(0) })),
  base: z
    .strictObject({ accuracy, n: z.int().min(0), interval })
    .describe("the base student at the better of direct and told-to-think, on the questions the student answered"),
  student: z
    .strictObject({ accuracy, n: z.int().min(0), interval, thinkingTokens })
    .describe("the trained student thinking to its natural end, without Wait"),
  sweep: z.array(
    z.strictObject({
      budgetTokens: z.int().min(0).describe("cap on thinking; the context's cap for a natural end"),
      waits: z.int().min(0),
      accuracy,
      interval,
      thinkingTokens,
    }),
  ),
  verdict: z.strictObject({
    pValue: z.number().min(0).max(1).nullable().describe("paired test, student against base; null when n is 0"),
    sentence: z.string(),
  }),
  waitClaim: z
    .strictObject({ isClaimed: z.boolean(), sentence: z.string() })
    .nullable()
    .describe('whether "Wait helps" may be said, and why; null where the recipe forces no Wait'),
  controls: z
    .strictObject({ seconds, rows: z.array(ControlRow), skipped: z.array(SkippedControl) })
    .nullable()
    .describe("what `--controls` found beside the main line; null where they were not run"),
  wouldHaveCost: WouldHaveCost,
});
export type RunSummary = z.infer<typeof RunSummary>;
