/**
 * @file An OpenAI-compatible endpoint as a model to evaluate. Replies are bought as a teacher's are: under a hold of the
 * ledger, with an intent in the journal before a request is sent and the reply there before it counts, so that no reply
 * is paid for twice and no request can pass the cap. Only the natural end is evaluated: nothing is forced on a server.
 */
import { RequestJournal } from "../../adapters/journal/request-journal.ts";
import { CONTROL_TEXT, S1_TEXT } from "../../adapters/teacher/completion-request.ts";
import { splitThinking } from "../../tokenize/split-thinking.ts";
import { openAICompatibleTeacher } from "../../adapters/teacher/openai-compatible.ts";
import type { FailedPurchase, Purchase } from "../../adapters/teacher/purchase.ts";
import { ReplyBuyer } from "../../adapters/teacher/reply-buyer.ts";
import { systemWaiting, type Waiting } from "../../adapters/teacher/retry-delay.ts";
import type { Teacher } from "../../adapters/teacher/teacher.ts";
import { openChannel } from "../../core/channel.ts";
import { AppError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import type {
  AnswerContext,
  EvaluatedModel,
  ModelOutcome,
  ModelReply,
  ModelRequest,
  SamplePlace,
} from "../../evaluate/evaluated-model.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { formatUsd } from "../../ledger/money.ts";
import { maxPromptTokens, type Price, tokenCost } from "../../ledger/price-book.ts";
import { type ChatMessage, requestKey } from "../../ledger/request-key.ts";
import type { Trace } from "../../schema/records.ts";
import { warnOfPossiblyPaid } from "../run-accounts.ts";
import { evaluationJournal } from "./evaluation-folder.ts";

/** An endpoint, and how it is asked. */
export interface EndpointOptions {
  /** Up to and including `/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly api: "chat" | "completions";
  readonly apiKey?: string;
  readonly price: Price;
  readonly maxMicroUsd: number;
  readonly concurrency: number;
  /** Cap on thinking and answer together, tokens. */
  readonly maxTokens: number;
  readonly temperature: number;
  /** Sample i is asked with `seed + i`; 0 sends none. */
  readonly seed: number;
  /** Stands in for the machine's time in tests. */
  readonly waiting?: Waiting;
}

const MAX_RETRIES = 8;
const ACCOUNT = "evaluate";

/**
 * Opens an endpoint; nothing is sent until it is asked.
 *
 * @throws AppError "recipe-invalid": not a plain http(s) URL; "usage": an impossible key; "budget-exceeded": one reply
 *   of full length may cost more than the cap.
 */
export function endpointModel(options: EndpointOptions): EvaluatedModel {
  const { baseUrl, model, apiKey, api, maxTokens } = options;
  refuseSmallCap(options);
  const teacher = openAICompatibleTeacher({
    baseUrl,
    model,
    called: "the endpoint",
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(api === "chat" ? {} : { text: S1_TEXT, provider: "openai-compatible-text" }),
  });
  const ledger = new Ledger(options.maxMicroUsd);
  const tally = { generatedTokens: 0 };
  return {
    facts: { kind: api, name: model, digest: null },
    maxTokens,
    answerTokens: null,
    answer: (requests, context) => answerAll(requests, context, { options, teacher, ledger, tally }),
    generatedTokens: () => tally.generatedTokens,
    spentMicroUsd: () => ledger.snapshot().spentMicroUsd,
    close: () => teacher.close(),
  };
}

/** What answering works with. */
interface Asking {
  readonly options: EndpointOptions;
  readonly teacher: Teacher;
  readonly ledger: Ledger;
  /** Completion tokens of replies that this process bought. */
  readonly tally: { generatedTokens: number };
}

async function* answerAll(
  requests: readonly ModelRequest[],
  context: AnswerContext,
  asking: Asking,
): AsyncGenerator<ModelOutcome> {
  const journal = await openJournal(context, asking.ledger);
  try {
    const { purchases, places, refused } = planPurchases(requests, asking);
    yield* buyAndRead({ purchases, places, journal, context, asking });
    yield* refused;
  } finally {
    await journal.close();
  }
}

async function openJournal({ folder, warn }: AnswerContext, ledger: Ledger): Promise<RequestJournal> {
  const journal = await RequestJournal.open(evaluationJournal(folder), {
    onSettled: (settlement) => ledger.record(ACCOUNT, settlement),
  });
  warnOfPossiblyPaid(journal.recovery, warn);
  return journal;
}

/** A sample's place, with the hash of its prompt. */
type Place = SamplePlace & { readonly promptHash: string };

interface PurchasePlan {
  readonly purchases: readonly Purchase[];
  /** Questions with one text share a purchase. */
  readonly places: ReadonlyMap<string, readonly Place[]>;
  /** What can never be sent. */
  readonly refused: readonly ModelOutcome[];
}

function planPurchases(requests: readonly ModelRequest[], { options, teacher }: Asking): PurchasePlan {
  const purchases = new Map<string, Purchase>();
  const places = new Map<string, Place[]>();
  const refused: ModelOutcome[] = [];
  for (const { questionId, prompt, sampleIndex, settings } of requests) {
    const messages = [{ role: "user", content: prompt }] as const;
    const promptHash = sha256Hex(options.api === "chat" ? prompt : S1_TEXT.render(messages));
    for (const setting of settings) {
      const place = { questionId, sampleIndex, setting, promptHash };
      if (options.api === "completions" && CONTROL_TEXT.test(prompt)) {
        refused.push({ ...place, type: "failure", reason: "the question spells a control token", costMicroUsd: 0 });
        continue;
      }
      const purchase = purchaseOf({ questionId, sampleIndex, messages }, { options, teacher });
      purchases.set(purchase.key, purchase);
      places.set(purchase.key, [...(places.get(purchase.key) ?? []), place]);
    }
  }
  return { purchases: [...purchases.values()], places, refused };
}

function purchaseOf(
  asked: { questionId: string; sampleIndex: number; messages: readonly ChatMessage[] },
  { options, teacher }: Pick<Asking, "options" | "teacher">,
): Purchase {
  const { temperature, seed, maxTokens, price } = options;
  const { messages, sampleIndex } = asked;
  const params = { temperature, ...(seed === 0 ? {} : { seed: seed + sampleIndex }) };
  const identity = { provider: teacher.provider, model: teacher.model, messages, params, sampleIndex };
  const worstCase = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
  return { key: requestKey(identity), ...asked, params, maxTokens, worstCaseMicroUsd: tokenCost(price, worstCase) };
}

interface Buying {
  readonly purchases: readonly Purchase[];
  readonly places: ReadonlyMap<string, readonly Place[]>;
  readonly journal: RequestJournal;
  readonly context: AnswerContext;
  readonly asking: Asking;
}

/**
 * Buys what the journal lacks and gives out each reply as it comes. What was given up for good comes last, and only where
 * others came through: a refusal of everything is the endpoint's, and must not be written down as the questions'.
 */
async function* buyAndRead({ purchases, places, journal, context, asking }: Buying): AsyncGenerator<ModelOutcome> {
  const { options, teacher, ledger, tally } = asking;
  const bought = openChannel<Purchase>();
  const failed: [Purchase, FailedPurchase][] = [];
  let hasReplies = journal.recovery.replies > 0;
  const abandoned = new AbortController();
  const buyer = new ReplyBuyer({
    teacher,
    journal,
    ledger,
    price: options.price,
    stage: ACCOUNT,
    concurrency: options.concurrency,
    maxRetries: MAX_RETRIES,
    waiting: options.waiting ?? systemWaiting(options.seed),
    signal: AbortSignal.any([context.signal, abandoned.signal]),
    onEnd: (purchase, failure) => {
      hasReplies ||= failure === undefined;
      if (failure === undefined) bought.put(purchase);
      else failed.push([purchase, failure]);
    },
    onRetry: warnOnce(context),
  });
  const isStored = ({ key, maxTokens }: Purchase): boolean => journal.find(key, maxTokens) !== undefined;
  const stored = new Set(purchases.filter(isStored));
  stored.forEach((purchase) => bought.put(purchase));
  const buying = buyer.buy(purchases.filter((purchase) => !stored.has(purchase))).then(
    () => bought.end(),
    (error: unknown) => bought.fail(withFlags(error)),
  );
  try {
    for await (const purchase of bought) {
      const reply = await readReply(journal, purchase);
      if (!stored.has(purchase)) tally.generatedTokens += reply.completionTokens;
      for (const { promptHash, ...place } of places.get(purchase.key) ?? [])
        yield { ...place, type: "reply", reply: { promptHash, ...reply } };
    }
    const lost = failed.filter(([, { reason }]) => reason !== "retries-exhausted");
    if (!hasReplies && lost[0] !== undefined) throw nothingCame(lost.length, lost[0][1]);
    for (const [purchase, { reason, detail }] of lost)
      for (const place of places.get(purchase.key) ?? [])
        yield { ...place, type: "failure", reason: `${reason}: ${detail}`, costMicroUsd: 0 };
  } finally {
    abandoned.abort(new AppError("interrupted", "nobody waits for the replies any more"));
    await buying;
  }
}

/** Retries can take minutes: whoever waits is told why, once. */
function warnOnce({ warn }: AnswerContext): (error: Error) => void {
  let isTold = false;
  return ({ message }) => {
    if (!isTold)
      warn(`${message}; trying again, up to ${MAX_RETRIES} times a request (Ctrl-C stops, and loses nothing)`);
    isTold = true;
  };
}

function nothingCame(count: number, { reason, detail }: FailedPurchase): AppError {
  const what = count === 1 ? "the only request" : `each of ${count} requests`;
  return new AppError("provider-permanent", `${what} came to nothing; the first: ${detail}`, {
    hint:
      reason === "malformed-reply"
        ? "check --endpoint and --api, then begin anew with another --out: what could not be read is not bought again"
        : "check --model and --max-tokens against what the server takes, then run again: nothing was written down",
    data: { reason, count },
  });
}

async function readReply(journal: RequestJournal, { key, maxTokens }: Purchase) {
  const stored = journal.find(key, maxTokens);
  if (stored === undefined) throw new Error(`bug in grappa: reply ${key} was bought and is not in the journal`);
  const { usage, finishReason, costMicroUsd, ...text } = await journal.read(stored);
  return { ...dividedReply(text, usage), finishReason, isThinkingCut: false, costMicroUsd };
}

type Divided = Pick<ModelReply, "thinking" | "answer" | "promptTokens" | "thinkingTokens" | "completionTokens">;

/** Chat servers may leave s1's delimiters in the answer; tokens of thinking that nobody counted are estimated by length. */
function dividedReply(text: Pick<Trace, "thinking" | "answer">, usage: Trace["usage"]): Divided {
  const { thinking, answer } = text.thinking === "" ? (splitThinking(text.answer) ?? text) : text;
  const { promptTokens, completionTokens, reasoningTokens } = usage;
  const share = thinking.length / Math.max(1, thinking.length + answer.length);
  const thinkingTokens = reasoningTokens > 0 ? reasoningTokens : Math.round(share * completionTokens);
  return { thinking, answer, promptTokens, thinkingTokens, completionTokens };
}

function refuseSmallCap({ price, maxTokens, maxMicroUsd }: EndpointOptions): void {
  const worstCaseMicroUsd = tokenCost(price, { promptTokens: 0, completionTokens: maxTokens });
  if (worstCaseMicroUsd <= maxMicroUsd) return;
  throw new AppError(
    "budget-exceeded",
    `one reply of ${maxTokens} tokens may cost ${formatUsd(worstCaseMicroUsd)}, and --max-usd allows ${formatUsd(maxMicroUsd)}`,
    { hint: "raise --max-usd, or lower --max-tokens", data: { worstCaseMicroUsd, capMicroUsd: maxMicroUsd } },
  );
}

const STATUS_HINTS: Readonly<Record<number, string>> = {
  401: "check the key in the variable named by --key-env",
  403: "the key may not use this model",
  404: "check --endpoint (up to and including /v1) and --model",
  405: "check --endpoint (up to and including /v1)",
};

/** The buyer's error with a hint in this command's words. */
function withFlags(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { status } = error.data;
  const hint =
    error.code === "budget-exceeded"
      ? "raise --max-usd, or lower --max-tokens, and run again: what is bought is kept"
      : typeof status === "number"
        ? STATUS_HINTS[status]
        : error.code === "provider"
          ? "see whether the endpoint is up and takes these requests, then run again: what is bought is kept"
          : undefined;
  if (hint === undefined) return error;
  const { code, message, data, isRetryable } = error;
  return new AppError(code, message, { hint, data, isRetryable, cause: error });
}
