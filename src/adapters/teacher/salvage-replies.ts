/**
 * @file What becomes of a reply that the output limit cut. It is paid for and stays in the journal, and is never bought
 * again; going on with it, or making the model answer at once, are purchases of their own, with keys that follow from it.
 *
 * A reply that was gone on with keeps its provenance: every token is the model's own, in the order in which it wrote them.
 * One whose thinking was cut off and that was made to answer is `reconstructed`: its thinking never came to that end.
 */
import { canonicalJson, shortHash } from "../../core/hash.ts";
import { maxPromptTokens, type Price, tokenCost } from "../../ledger/price-book.ts";
import type { Usage } from "../../schema/records.ts";
import type { PaidReply, RequestJournal } from "../journal/request-journal.ts";
import type { Purchase } from "./purchase.ts";
import type { PartialReply, Teacher } from "./teacher.ts";

/** `continue`: it is gone on with; `force-answer`: thinking ends where it was cut; `drop`: it counts as a failure. */
export type Salvage = "continue" | "force-answer" | "drop";

/** How cut replies are salvaged. */
export interface SalvageOptions {
  readonly policy: Salvage;
  readonly teacher: Teacher;
  readonly price: Price;
  readonly journal: RequestJournal;
  /** Tokens that going on may take in all. */
  readonly continueTokens: number;
  /** Tokens that an answer may take that is asked for at once. */
  readonly answerTokens: number;
}

/** Servers have limits of their own: a reply may be cut again and again. */
const MAX_PARTS = 8;
/** What a template may put around a partial reply, tokens. */
const TEMPLATE_TOKENS = 256;

/** A reply of one or more parts. */
export interface JoinedReply extends Omit<PaidReply, "timing" | "maxTokens"> {
  /** Of the first part. */
  readonly purchase: number;
  readonly parts: number;
  /** Of the parts after the first. */
  readonly laterTokens: number;
}

/** Whether the policy buys anything for this teacher's cut replies. */
export function canSalvage({ policy, teacher }: Pick<SalvageOptions, "policy" | "teacher">): boolean {
  return policy !== "drop" && (teacher.continuation ?? "none") !== "none";
}

/**
 * The key of what comes after the `parts` parts of a reply to `key`. Replies of later purchases differ in their texts, so
 * theirs have their number in it.
 */
export function partKey(
  key: string,
  { purchase, parts }: Pick<JoinedReply, "purchase" | "parts">,
  policy: Salvage,
): string {
  return shortHash(canonicalJson({ goesOnFrom: key, parts, policy, ...(purchase > 0 && { purchase }) }));
}

/** A journalled reply with the parts that were bought after it. */
export async function readJoined(
  { key, maxTokens }: Pick<Purchase, "key" | "maxTokens">,
  { policy, journal, ...options }: SalvageOptions,
): Promise<JoinedReply> {
  const stored = journal.find(key, maxTokens);
  if (stored === undefined) throw new Error(`bug in grappa: reply ${key} was bought and is not in the journal`);
  const first = cutThinking(await journal.read(stored), { policy, ...options });
  let joined: JoinedReply = { ...first, parts: 1, laterTokens: 0 };
  while (joined.finishReason === "length" && canSalvage({ policy, ...options })) {
    const next = journal.find(partKey(key, joined, policy), Number.POSITIVE_INFINITY);
    if (next === undefined) break;
    joined = join(joined, await journal.read(next), policy);
  }
  return joined;
}

/**
 * A raw reply that was cut and shows no thinking was cut within it: a template that opens the thinking itself leaves no tag
 * to tell it by. Only where it is to be gone on with.
 */
function cutThinking<R extends PaidReply>(reply: R, options: Pick<SalvageOptions, "policy" | "teacher">): R {
  const { thinking, answer, provenance, finishReason } = reply;
  const isCut = finishReason === "length" && thinking === "" && provenance === "raw" && canSalvage(options);
  return isCut ? { ...reply, thinking: answer, answer: "" } : reply;
}

function join(before: JoinedReply, after: PaidReply, policy: Salvage): JoinedReply {
  const isThinkingCut = policy === "force-answer" && before.answer === "";
  return {
    purchase: before.purchase,
    thinking: before.thinking + after.thinking,
    answer: before.answer + after.answer,
    provenance: isThinkingCut ? "reconstructed" : before.provenance,
    finishReason: after.finishReason,
    usage: addUsage(before.usage, after.usage),
    costMicroUsd: before.costMicroUsd + after.costMicroUsd,
    parts: before.parts + 1,
    laterTokens: before.laterTokens + after.usage.completionTokens,
  };
}

const addUsage = (a: Usage, b: Usage): Usage => ({
  promptTokens: a.promptTokens + b.promptTokens,
  completionTokens: a.completionTokens + b.completionTokens,
  reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  isEstimated: a.isEstimated || b.isEstimated,
});

/** What is to be bought next for a cut reply; undefined when it is whole, or all was done for it. */
export function nextPart(first: Purchase, so: JoinedReply, options: SalvageOptions): Purchase | undefined {
  const { policy, price, continueTokens, answerTokens } = options;
  if (so.finishReason !== "length" || !canSalvage(options)) return undefined;
  const isOver = policy === "continue" ? so.parts >= MAX_PARTS : so.parts > 1;
  const maxTokens = policy === "continue" ? continueTokens - so.laterTokens : answerTokens;
  if (isOver || maxTokens <= 0) return undefined;
  const { thinking, answer } = so;
  const goOnFrom: PartialReply = { thinking, answer, isThinkingOver: policy === "force-answer" || answer !== "" };
  const kept = maxPromptTokens([{ role: "assistant", content: thinking + answer }]);
  const promptTokens = maxPromptTokens(first.messages) + kept + TEMPLATE_TOKENS;
  const worstCaseMicroUsd = tokenCost(price, { promptTokens, completionTokens: maxTokens });
  return { ...first, key: partKey(first.key, so, policy), maxTokens, worstCaseMicroUsd, goOnFrom };
}
