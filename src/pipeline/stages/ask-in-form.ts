/** @file Prompts put to the judge's model on the run's accounts, each until its answer has a fixed form: so often, then never more. */
import type { Purchase } from "../../adapters/teacher/purchase.ts";
import { ReplyBuyer } from "../../adapters/teacher/reply-buyer.ts";
import { systemWaiting } from "../../adapters/teacher/retry-delay.ts";
import { maxPromptTokens, tokenCost } from "../../ledger/price-book.ts";
import { requestKey } from "../../ledger/request-key.ts";
import type { AskPorts } from "./ask-endpoint.ts";
import type { OpenTeacher } from "./open-teacher.ts";

/** A prompt, and the question that it is about. */
export interface FormPrompt {
  readonly questionId: string;
  readonly content: string;
}

/** Times that one prompt is put to a model whose answer has not the form. */
const MAX_TRIES = 3;

/**
 * What `read` makes of each answer, in the order of the prompts; null where no answer had the form, or the model refused for
 * good. What was asked before is read from the journal. The prompts' answers are in memory one at a time.
 *
 * @param read undefined for an answer without the form
 * @throws AppError as `ReplyBuyer.buy`
 */
export async function askInForm<T>(
  prompts: readonly FormPrompt[],
  read: (answer: string) => T | undefined,
  { opened, ports }: { readonly opened: OpenTeacher; readonly ports: AskPorts },
): Promise<(T | null)[]> {
  const results = new Map<number, T>();
  let open = prompts.map((_, place) => place);
  for (let attempt = 0; attempt < MAX_TRIES && open.length > 0; attempt++) {
    const asked = open.map((place) => [place, purchaseOf(prompts[place] as FormPrompt, attempt, opened)] as const);
    const failed = await buy(
      asked.map(([, purchase]) => purchase),
      opened,
      ports,
    );
    const formless: number[] = [];
    for (const [place, { key, maxTokens }] of asked) {
      const stored = failed.has(key) ? undefined : ports.accounts.journal.find(key, maxTokens);
      if (stored === undefined) continue; // a model that refuses a prompt for good will not take it a second time
      const { answer, finishReason } = await ports.accounts.journal.read(stored);
      const result = finishReason === "stop" ? read(answer) : undefined;
      if (result === undefined) formless.push(place);
      else results.set(place, result);
    }
    open = formless;
  }
  return prompts.map((_, place) => results.get(place) ?? null);
}

function purchaseOf(
  { questionId, content }: FormPrompt,
  sampleIndex: number,
  { teacher, params, price, maxTokens }: OpenTeacher,
): Purchase {
  const messages = [{ role: "user", content }] as const;
  const { provider, model } = teacher;
  const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
  return {
    key: requestKey({ provider, model, messages, params, sampleIndex }),
    questionId,
    sampleIndex,
    messages,
    params,
    maxTokens,
    worstCaseMicroUsd: tokenCost(price, usage),
  };
}

/** An answer that was cut is none: under a larger limit it is asked for again. */
const CUT_IS_NONE = { retryCut: true } as const;

async function buy(
  purchases: readonly Purchase[],
  { teacher, price, concurrency, limits }: OpenTeacher,
  { accounts, flows, maxRetries, retryFailed = false, signal, seed, waiting = systemWaiting(seed) }: AskPorts,
): Promise<ReadonlyMap<string, unknown>> {
  const unique = new Map(purchases.map((purchase) => [purchase.key, purchase]));
  const missing = [...unique.values()].filter(
    ({ key, maxTokens }) => accounts.journal.find(key, maxTokens, CUT_IS_NONE) === undefined,
  );
  const asking = {
    ...CUT_IS_NONE,
    teacher,
    price,
    concurrency,
    limits,
    flows,
    maxRetries,
    retryFailed,
    signal,
    waiting,
  };
  return await new ReplyBuyer({ ...accounts, ...asking, stage: "judge" }).buy(missing);
}
