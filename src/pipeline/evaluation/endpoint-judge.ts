/** @file A judge behind an OpenAI-compatible chat endpoint; its replies are bought and kept as a model's are. */
import { RequestJournal } from "../../adapters/journal/request-journal.ts";
import { runPool } from "../../adapters/sandbox/run-pool.ts";
import { openAICompatibleTeacher } from "../../adapters/teacher/openai-compatible.ts";
import type { FailedPurchase, Purchase } from "../../adapters/teacher/purchase.ts";
import { ReplyBuyer } from "../../adapters/teacher/reply-buyer.ts";
import { systemWaiting, type Waiting } from "../../adapters/teacher/retry-delay.ts";
import { joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import type { Judge } from "../../evaluate/tasks/task.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { maxPromptTokens, type Price, tokenCost } from "../../ledger/price-book.ts";
import { requestKey } from "../../ledger/request-key.ts";

/** A judge's endpoint. */
export interface JudgeOptions {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey?: string;
  readonly price: Price;
  readonly maxMicroUsd: number;
  readonly concurrency: number;
  /** Stands in for the machine's time in tests. */
  readonly waiting?: Waiting;
}

/** A judge whose replies are kept in a folder. */
export interface EndpointJudge extends Judge {
  /** Keeps replies in `judge.jsonl` of this folder from now on; must come before the first question. */
  attach(folder: string): Promise<void>;
  spentMicroUsd(): number;
  close(): Promise<void>;
}

const ACCOUNT = "judge";
const MAX_TOKENS = 4096;
const MAX_RETRIES = 8;
/** So many questions in a row that the judge refused for good: the fault is not theirs. */
const MAX_REFUSALS_IN_A_ROW = 5;

/** Opens a judge; nothing is sent until it is asked. Throws AppError "recipe-invalid" and "usage" as a teacher does. */
export function endpointJudge(options: JudgeOptions): EndpointJudge {
  const { model, baseUrl, apiKey, price, maxMicroUsd, concurrency } = options;
  const key = apiKey === undefined ? {} : { apiKey };
  const teacher = openAICompatibleTeacher({ baseUrl, model, called: "the judge", ...key });
  const ledger = new Ledger(maxMicroUsd);
  const places = runPool(concurrency);
  const underWay = new Map<string, Promise<string>>();
  let journal: RequestJournal | undefined;
  let refusals = 0;

  const buy = async (purchase: Purchase, signal: AbortSignal): Promise<string> => {
    if (journal === undefined) throw new Error("bug in grappa: the judge was asked before it had a folder");
    if (journal.find(purchase.key, MAX_TOKENS) === undefined) {
      const waiting = options.waiting ?? systemWaiting(0);
      const buying = { teacher, price, ledger, journal, stage: ACCOUNT, concurrency: 1, maxRetries: MAX_RETRIES };
      const failed = await new ReplyBuyer({ ...buying, waiting, signal }).buy([purchase]);
      const failure = failed.get(purchase.key);
      refusals = failure === undefined ? 0 : refusals + 1;
      if (failure !== undefined) return refused(failure, refusals);
    }
    const stored = journal.find(purchase.key, MAX_TOKENS);
    if (stored === undefined) throw new Error(`bug in grappa: reply ${purchase.key} is not in the judge's journal`);
    return (await journal.read(stored)).answer;
  };

  return {
    name: model,
    attach: async (folder) => {
      journal = await RequestJournal.open(joinPath(folder, "judge.jsonl"), {
        onSettled: (settlement) => ledger.record(ACCOUNT, settlement),
      });
    },
    ask: async (prompt, signal) => {
      const messages = [{ role: "user", content: prompt }] as const;
      const params = { temperature: 0 };
      const id = requestKey({ provider: teacher.provider, model, messages, params, sampleIndex: 0 });
      const usage = { promptTokens: maxPromptTokens(messages), completionTokens: MAX_TOKENS };
      const asked = { questionId: id, sampleIndex: 0, messages, params, maxTokens: MAX_TOKENS };
      const purchase: Purchase = { key: id, ...asked, worstCaseMicroUsd: tokenCost(price, usage) };
      // Two samples may say the same: they share one question to the judge.
      const shared = underWay.get(id) ?? places(() => buy(purchase, signal), signal);
      underWay.set(id, shared);
      return await shared.finally(() => underWay.delete(id));
    },
    spentMicroUsd: () => ledger.snapshot().spentMicroUsd,
    close: async () => {
      await teacher.close();
      await journal?.close();
    },
  };
}

/** What is read in the place of a reply that there will never be: no verdict, so the sample counts as unscored. */
function refused({ reason, detail }: FailedPurchase, inARow: number): string {
  if (reason === "retries-exhausted" || inARow >= MAX_REFUSALS_IN_A_ROW) {
    throw new AppError("provider", `the judge gave no reply: ${detail}`, {
      hint: "see whether the judge is up and takes these requests, then run again: what is graded is kept",
      data: { reason },
      isRetryable: true,
    });
  }
  return `(no reply from the judge, ${reason})`;
}
