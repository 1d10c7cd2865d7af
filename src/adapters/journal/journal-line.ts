import { z } from "zod";
import { FinishReason, Provenance, SCHEMA_VERSION, Usage } from "../../schema/records.ts";

const common = {
  schemaVersion: z.literal(SCHEMA_VERSION),
  key: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .describe("the request's key: see requestKey"),
  purchase: z.int().min(0).describe("how many intents of this key came before"),
};
const microUsd = z.int().min(0).describe("millionths of a dollar");

const Intent = z.strictObject({
  ...common,
  type: z.literal("intent").describe("written before a request is sent; one of the other types ends it"),
  worstCaseMicroUsd: microUsd,
  account: z.string().optional().describe("on whose account: attempt, trace, judge, train, evaluate; absent: trace"),
  provider: z.string().optional().describe("the endpoint's name in the recipe"),
  model: z.string().optional(),
  questionId: z.string().optional(),
  batch: z.string().optional().describe("sent in this batch of the provider, at its discount; absent: directly"),
});

const Reply = z.strictObject({
  ...common,
  type: z.literal("reply").describe("a paid reply, whole"),
  maxTokens: z.int().min(1).describe("output limit it was made under"),
  thinking: z.string(),
  answer: z.string(),
  provenance: Provenance,
  finishReason: FinishReason,
  usage: Usage,
  costMicroUsd: microUsd,
  timing: z
    .strictObject({ firstTokenMs: z.number().min(0), totalMs: z.number().min(0) })
    .optional()
    .describe("milliseconds from sending; absent for batches"),
});
/** A paid reply as the journal keeps it. */
export type ReplyLine = z.infer<typeof Reply>;

const refusedAtMaxTokens = z
  .int()
  .min(1)
  .optional()
  .describe("present when the provider will never answer this request with this output limit");

const Malformed = z.strictObject({
  ...common,
  type: z.literal("malformed").describe("a reply that was paid for and cannot be used"),
  detail: z.string(),
  usage: Usage.nullable().describe("null when the reply did not tell; the cost is then the worst case"),
  costMicroUsd: microUsd,
  refusedAtMaxTokens,
});

const Unpaid = z.strictObject({
  ...common,
  type: z.literal("unpaid").describe("the request was refused or never arrived: nothing was billed"),
  detail: z.string(),
  refusedAtMaxTokens,
});

const Reconciled = z.strictObject({
  ...common,
  type: z.literal("reconciled").describe("a request without a reply, ended by a person who looked at the bill"),
  costMicroUsd: microUsd.describe("what the provider billed for it; 0: nothing"),
});

const Charge = z.strictObject({
  ...common,
  type: z.literal("charge").describe("a paid job that is no reply, such as a fine-tune, and what it came to"),
  costMicroUsd: microUsd,
  isEstimated: z.boolean().describe("false when the provider told the amount"),
  detail: z.string(),
});

/** One line of the request journal. */
export const JournalLine = z.discriminatedUnion("type", [Intent, Reply, Malformed, Unpaid, Reconciled, Charge]);
export type JournalLine = z.infer<typeof JournalLine>;
