/** @file The recipe's judge, on the run's accounts: a verdict in a fixed form, a bounded number of tries, else none. */
import type { Purchase } from "../../adapters/teacher/purchase.ts";
import { ReplyBuyer } from "../../adapters/teacher/reply-buyer.ts";
import { systemWaiting } from "../../adapters/teacher/retry-delay.ts";
import { JUDGE_PROMPT_VERSION, judgePrompt, MAX_JUDGED_LENGTH, readJudgeAnswer } from "../../grade/judge-prompt.ts";
import { maxPromptTokens, tokenCost } from "../../ledger/price-book.ts";
import { requestKey } from "../../ledger/request-key.ts";
import { describeEndpoint, type Endpoint } from "../../schema/endpoint.ts";
import type { Grade, Question } from "../../schema/records.ts";
import type { AskPorts } from "./ask-endpoint.ts";
import { openAsked, type OpenTeacher } from "./open-teacher.ts";

/** A reply to be judged. */
export interface JudgedReply {
  readonly question: Question;
  readonly reply: string;
}

/** What a judge says of a reply; null: no verdict that can be read, whatever was tried. */
export type JudgeVerdict = "correct" | "incorrect" | null;

/** A judge that can be asked about many replies at once. */
export interface RunJudge {
  /** Verdicts in the order of the replies, whose prompts are in memory together. What was asked before is read from the journal. */
  ask(replies: readonly JudgedReply[]): Promise<JudgeVerdict[]>;
  /** The rule that stands in a grade made of its verdict. */
  readonly rule: string;
  close(): Promise<void>;
}

/** Times that one reply is put to a judge that gives no verdict. */
const MAX_TRIES = 3;

/** Opens a judge; nothing is sent until it is asked. Throws as `openAsked`. */
export function openJudge(endpoint: Endpoint, ports: AskPorts): RunJudge {
  const opened = openAsked(endpoint, ports.world, "the judge");
  return {
    rule: `judge/${JUDGE_PROMPT_VERSION}/${describeEndpoint(endpoint)}`,
    ask: (replies) => askAbout(replies, opened, ports),
    close: () => opened.close(),
  };
}

/** The grade that a verdict makes. */
export function judgedGrade(rule: string, verdict: JudgeVerdict, before: Grade): Grade {
  return {
    outcome: verdict ?? "unscored",
    extracted: before.extracted,
    rule: verdict === null ? `${rule}/none` : rule,
  };
}

/** What makes a reply right, where the reference is known and where it is not. */
function rubricOf({ answer }: Question): string {
  if (answer === null)
    return "The reply's final answer to the question is right. Work the question out yourself; a reply without a final answer is incorrect.";
  return [
    "The reply's final answer is the same as the reference answer, in whatever form it is written; how it was found does not",
    "matter, and a reply without a final answer is incorrect. Reference answer:",
    answer,
  ].join("\n");
}

async function askAbout(
  replies: readonly JudgedReply[],
  opened: OpenTeacher,
  ports: AskPorts,
): Promise<JudgeVerdict[]> {
  const verdicts = new Map<number, JudgeVerdict>();
  let open = replies.flatMap(({ reply }, place) =>
    reply.trim() === "" || reply.length > MAX_JUDGED_LENGTH ? [] : [place],
  );
  for (let attempt = 0; attempt < MAX_TRIES && open.length > 0; attempt++) {
    const asked = open.map((place) => [place, purchaseOf(replies[place] as JudgedReply, attempt, opened)] as const);
    const failed = await buy(
      asked.map(([, purchase]) => purchase),
      opened,
      ports,
    );
    const silent: number[] = [];
    for (const [place, { key, maxTokens }] of asked) {
      const stored = failed.has(key) ? undefined : ports.accounts.journal.find(key, maxTokens);
      if (stored === undefined) continue; // a judge that refuses a reply for good will not take it a second time
      const { answer, finishReason } = await ports.accounts.journal.read(stored);
      const reading = finishReason === "stop" ? readJudgeAnswer(answer) : undefined;
      if (reading === undefined || reading.status === "unreadable") silent.push(place);
      else verdicts.set(place, reading.status);
    }
    open = silent;
  }
  return replies.map((_, place) => verdicts.get(place) ?? null);
}

function purchaseOf(
  { question, reply }: JudgedReply,
  sampleIndex: number,
  { teacher, params, price, maxTokens }: OpenTeacher,
): Purchase {
  const content = judgePrompt({ rubric: rubricOf(question), question: question.text, reply });
  const messages = [{ role: "user", content }] as const;
  const { provider, model } = teacher;
  const usage = { promptTokens: maxPromptTokens(messages), completionTokens: maxTokens };
  return {
    key: requestKey({ provider, model, messages, params, sampleIndex }),
    questionId: question.id,
    sampleIndex,
    messages,
    params,
    maxTokens,
    worstCaseMicroUsd: tokenCost(price, usage),
  };
}

/** A verdict that was cut is none: under a larger limit it is asked for again. */
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
