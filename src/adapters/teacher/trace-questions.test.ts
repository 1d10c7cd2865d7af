import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fullDisk } from "../../../test/store/full-disk.ts";
import { numberedQuestions } from "../../../test/teacher/traced-folder.ts";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { findPrice, type Price } from "../../ledger/price-book.ts";
import { type Question, Trace, TraceFailure } from "../../schema/records.ts";
import { RequestJournal } from "../journal/request-journal.ts";
import type { PurchaseTiming } from "./purchase.ts";
import { type Teacher, TeacherError, type TeacherReply, type TeacherRequest } from "./teacher.ts";
import { PurchasePlan } from "./purchase-plan.ts";
import { type TraceOptions, type TraceOutcome, type TraceProgress, traceQuestions } from "./trace-questions.ts";

let folder: string;
let journal: RequestJournal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-trace-"));
  journal = await openJournal();
});
afterEach(async () => {
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

const openJournal = (ledger?: Ledger): Promise<RequestJournal> =>
  RequestJournal.open(join(folder, "requests.jsonl"), {
    commitIntervalMs: 0,
    onSettled: (settlement) => ledger?.record("trace", settlement),
  });

const reply = (text: string, completionTokens = 100): TeacherReply => ({
  thinking: `about ${text}`,
  answer: "2",
  provenance: "raw",
  finishReason: "stop",
  usage: { promptTokens: 0, completionTokens, reasoningTokens: 0, isEstimated: false },
});

/** A teacher that does as told, and remembers what it was asked. */
interface FakeTeacher extends Teacher {
  readonly asked: TeacherRequest[];
  readonly mostInFlight: () => number;
}
type Answer = (request: TeacherRequest, signal: AbortSignal) => TeacherReply | Promise<TeacherReply>;

function fakeTeacher(answer: Answer = ({ messages }) => reply(messages[0]?.content ?? "")): FakeTeacher {
  const asked: TeacherRequest[] = [];
  let inFlight = 0;
  let most = 0;
  return {
    provider: "fake",
    model: "m",
    asked,
    mostInFlight: () => most,
    close: async () => undefined,
    ask: async (request, signal) => {
      asked.push(request);
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      try {
        return await answer(request, signal);
      } finally {
        inFlight -= 1;
      }
    },
  };
}

const free = findPrice("fake", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 0 });
/** One micro-dollar a completion token; the prompt is free, so worst cases are round. */
const paid: Price = { ...free, outputPerMillion: 1_000_000 };

function optionsFor(teacher: Teacher, rest: Partial<TraceOptions> = {}): TraceOptions {
  const waiting = { seed: 0, now: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const limits = { samplesPerQuestion: 1, concurrency: 8, maxRetries: 3, maxTokens: 1000 };
  return { teacher, journal, ledger: new Ledger(0), price: free, stage: "trace", waiting, ...limits, ...rest };
}

async function collect(list: readonly Question[], options: TraceOptions): Promise<TraceOutcome[]> {
  const outcomes = [];
  for await (const outcome of traceQuestions(list, options)) outcomes.push(outcome);
  return outcomes;
}

const failureOf = (promise: Promise<unknown>): Promise<AppError> =>
  promise.then(
    () => Promise.reject(new Error("an error was expected")),
    (error: AppError) => error,
  );

describe("tracing", () => {
  it("yields valid traces ordered by question and sample, whatever the order of questions and replies", async () => {
    const slow = fakeTeacher(async ({ messages, params }) => {
      const turns = Number.parseInt(shortHash(JSON.stringify([messages, params])).slice(0, 1), 16);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      return reply(`${messages[0]?.content}/${params.seed}`);
    });
    const options = optionsFor(slow, { samplesPerQuestion: 2, params: { seed: 40 } });
    const outcomes = await collect(numberedQuestions(30), options);
    const traces = outcomes.map((outcome) => Trace.parse(outcome.type === "trace" ? outcome.trace : undefined));
    const expected = numberedQuestions(30)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .flatMap(({ id, text }) => [
        { questionId: id, sampleIndex: 0, thinking: `about ${text}/40` },
        { questionId: id, sampleIndex: 1, thinking: `about ${text}/41` },
      ]);
    expect(traces).toMatchObject(expected);
    expect(traces.map(({ id }) => id)).toEqual(
      [...new PurchasePlan(numberedQuestions(30), options)].map(({ key }) => key),
    );
    expect(new Set(traces.map(({ id }) => id)).size).toBe(60);
  });

  it("holds at the dearest price and settles at that of the moment", async () => {
    const ledger = new Ledger(1_150);
    const halved = { ...free, outputPerMillion: 500_000, from: "2020-01-01" };
    const price: Price = { ...paid, schedule: [paid, halved] };
    const outcomes = await collect(numberedQuestions(4), optionsFor(fakeTeacher(), { ledger, price, concurrency: 1 }));
    expect(outcomes.map((one) => one.type === "trace" && one.trace.costMicroUsd)).toEqual([50, 50, 50, 50]);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 200, overrunMicroUsd: 0 });
    // 200 of 1,150 are spent: one more reply of full length, at the dear price, does not fit
    const failure = await failureOf(collect(numberedQuestions(5), optionsFor(fakeTeacher(), { ledger, price })));
    expect(failure.code).toBe("budget-exceeded");
  });

  it("keeps to its concurrency, and uses it", async () => {
    const teacher = fakeTeacher();
    await collect(numberedQuestions(50), optionsFor(teacher, { concurrency: 5 }));
    expect(teacher.mostInFlight()).toBe(5);
  });

  it("buys nothing twice: again, reordered, one more, another limit; all anew with another prompt", async () => {
    const teacher = fakeTeacher();
    const first = await collect(numberedQuestions(20), optionsFor(teacher));
    expect(teacher.asked).toHaveLength(20);
    expect(await collect(numberedQuestions(20).reverse(), optionsFor(teacher))).toEqual(first);
    await collect(numberedQuestions(20), optionsFor(teacher, { maxTokens: 9000 }));
    expect(teacher.asked).toHaveLength(20);
    await collect(numberedQuestions(21), optionsFor(teacher));
    expect(teacher.asked).toHaveLength(21);
    await journal.close();
    journal = await openJournal();
    expect(await collect(numberedQuestions(20), optionsFor(teacher))).toEqual(first);
    expect(teacher.asked).toHaveLength(21);
    const render: TraceOptions["render"] = ({ text }) => [{ role: "user", content: `${text} Think.` }];
    await collect(numberedQuestions(20), optionsFor(teacher, { render }));
    expect(teacher.asked).toHaveLength(41);
  });

  it("buys nothing when a limit that was lowered is raised again, and gives the first replies back", async () => {
    const teacher = fakeTeacher(({ messages, maxTokens }) => {
      const whole = reply(`${messages[0]?.content}`, 900);
      return maxTokens >= 900 ? whole : { ...whole, answer: "", finishReason: "length" };
    });
    const first = await collect(numberedQuestions(5), optionsFor(teacher));
    const lowered = await collect(numberedQuestions(5), optionsFor(teacher, { maxTokens: 500 }));
    expect(lowered.map((one) => one.type === "trace" && one.trace.finishReason)).toEqual(Array(5).fill("length"));
    expect(teacher.asked).toHaveLength(10);
    expect(await collect(numberedQuestions(5), optionsFor(teacher))).toEqual(first);
    expect(await collect(numberedQuestions(5), optionsFor(teacher, { maxTokens: 500 }))).toEqual(lowered);
    expect(teacher.asked).toHaveLength(10);
  });

  it("renders a prompt once to name it, once more to send it, and not again", async () => {
    let renders = 0;
    const render: TraceOptions["render"] = ({ text }) => {
      renders += 1;
      return [{ role: "user", content: text }];
    };
    await collect(numberedQuestions(5), optionsFor(fakeTeacher(), { render, samplesPerQuestion: 2 }));
    expect(renders).toBe(10);
    await collect(numberedQuestions(5), optionsFor(fakeTeacher(), { render, samplesPerQuestion: 2 }));
    expect(renders).toBe(15);
  });

  it("keeps truncated replies as traces and asks no second time", async () => {
    const teacher = fakeTeacher(() => ({ ...reply("x"), answer: "", finishReason: "length" }));
    const outcomes = await collect(numberedQuestions(5), optionsFor(teacher));
    expect(outcomes.map((outcome) => outcome.type === "trace" && outcome.trace.finishReason)).toEqual(
      Array(5).fill("length"),
    );
    await collect(numberedQuestions(5), optionsFor(teacher));
    expect(teacher.asked).toHaveLength(5);
  });

  it("asks once for questions that render alike", async () => {
    const teacher = fakeTeacher();
    const render: TraceOptions["render"] = () => [{ role: "user", content: "the same" }];
    const outcomes = await collect(numberedQuestions(4), optionsFor(teacher, { render }));
    expect(teacher.asked).toHaveLength(1);
    expect(outcomes.map((outcome) => outcome.type === "trace" && outcome.trace.questionId)).toEqual(
      numberedQuestions(4)
        .map(({ id }) => id)
        .sort(),
    );
  });

  it("buys once what two want at the same time", async () => {
    const teacher = fakeTeacher();
    const both = [
      collect(numberedQuestions(5), optionsFor(teacher)),
      collect(numberedQuestions(5), optionsFor(teacher)),
    ];
    const [one, other] = await Promise.all(both);
    expect(one).toEqual(other);
    expect(teacher.asked).toHaveLength(5);
  });

  it.each([
    ["used its limit", { finishReason: "length" }],
    ["thought unseen", { provenance: "hidden" }],
  ] as const)("counts a reply that %s at its worst case where nobody counted its tokens", async (_why, rest) => {
    const { usage } = reply("x", 1);
    const teacher = fakeTeacher(() => ({ ...reply("x"), ...rest, usage: { ...usage, isEstimated: true } }));
    const ledger = new Ledger(10_000);
    await collect(numberedQuestions(2), optionsFor(teacher, { price: paid, ledger }));
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ estimatedMicroUsd: 2000 });
  });

  it("reports progress that adds up", async () => {
    await collect(numberedQuestions(3), optionsFor(fakeTeacher()));
    const progress: TraceProgress[] = [];
    await collect(numberedQuestions(10), optionsFor(fakeTeacher(), { onProgress: (now) => progress.push(now) }));
    expect(progress[0]).toMatchObject({ total: 10, fromJournal: 3, done: 3, bought: 0 });
    expect(progress.at(-1)).toMatchObject({
      total: 10,
      done: 10,
      bought: 7,
      failed: 0,
      retries: 0,
      waitingForBudget: 0,
    });
  });
});

describe("failures", () => {
  const unavailable = (): never => {
    throw new TeacherError("unavailable", "HTTP 503", { retryAfterMs: 1000 });
  };

  it("retries what is unavailable, waits as it is told, and keeps times out of the records", async () => {
    const teacher = fakeTeacher(({ retry }) => (retry < 2 ? unavailable() : reply("x")));
    const waits: number[] = [];
    const sleep = async (ms: number): Promise<void> => void waits.push(ms);
    const timings: PurchaseTiming[] = [];
    const options = optionsFor(teacher, {
      waiting: { seed: 0, now: () => 5, sleep },
      onTiming: (timing) => timings.push(timing),
    });
    const [outcome] = await collect(numberedQuestions(1), options);
    expect(outcome?.type).toBe("trace");
    expect(teacher.asked.map(({ retry }) => retry)).toEqual([0, 1, 2]);
    expect(waits).toHaveLength(2);
    for (const ms of waits) expect(ms).toBeGreaterThanOrEqual(1000);
    for (const ms of waits) expect(ms).toBeLessThanOrEqual(1250);
    expect(timings).toMatchObject([{ outcome: "reply", retries: 2, ms: 0 }]);
    expect(JSON.stringify(outcome)).not.toMatch(/retries|"ms"/);
  });

  it("gives a question up after maxRetries, and goes on with the others", async () => {
    const bad = numberedQuestions(10)[4] as Question;
    const teacher = fakeTeacher(({ messages }) => (messages[0]?.content === bad.text ? unavailable() : reply("x")));
    const outcomes = await collect(numberedQuestions(10), optionsFor(teacher));
    const failures = outcomes.flatMap((outcome) =>
      outcome.type === "failure" ? [TraceFailure.parse(outcome.failure)] : [],
    );
    expect(failures).toEqual([
      { schemaVersion: 1, questionId: bad.id, sampleIndex: 0, reason: "retries-exhausted", detail: "HTTP 503" },
    ]);
    expect(teacher.asked).toHaveLength(9 + 4);
  });

  it("asks twice more for a malformed reply, then names it; what was malformed stays paid for", async () => {
    const teacher = fakeTeacher(() => {
      throw new TeacherError("malformed", "not JSON");
    });
    const ledger = new Ledger(10_000);
    const [outcome] = await collect(numberedQuestions(1), optionsFor(teacher, { ledger, price: paid }));
    expect(outcome).toMatchObject({ type: "failure", failure: { reason: "malformed-reply", detail: "not JSON" } });
    expect(teacher.asked.map(({ retry }) => retry)).toEqual([0, 1, 2]);
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ calls: 3, estimatedMicroUsd: 3000 });
    await journal.close();
    journal = await openJournal();
    expect(await collect(numberedQuestions(1), optionsFor(teacher))).toEqual([outcome]);
    expect(teacher.asked).toHaveLength(3);
  });

  it("asks a malformed one no more often because a process died between", async () => {
    const dies = fakeTeacher(({ retry }) => {
      if (retry === 0) throw new TeacherError("malformed", "not JSON");
      throw new AppError("disk-full", "stands for a crash");
    });
    await failureOf(collect(numberedQuestions(1), optionsFor(dies)));
    const teacher = fakeTeacher(() => {
      throw new TeacherError("malformed", "not JSON");
    });
    await collect(numberedQuestions(1), optionsFor(teacher));
    expect(teacher.asked.map(({ retry }) => retry)).toEqual([1, 2]);
  });

  it("leaves a refused question out at once", async () => {
    const teacher = fakeTeacher(() => {
      throw new TeacherError("row-refused", "HTTP 400: too long");
    });
    const [outcome] = await collect(numberedQuestions(1), optionsFor(teacher));
    expect(outcome).toMatchObject({ failure: { reason: "provider-permanent", detail: "HTTP 400: too long" } });
    expect(teacher.asked).toHaveLength(1);
  });

  it("stops at once for what no request can escape, keeping what was bought", async () => {
    const teacher = fakeTeacher(({ messages }) => {
      if (messages[0]?.content === "question 0")
        throw new TeacherError("run-refused", "HTTP 402", { hint: "add credit" });
      return reply("x");
    });
    const error = await failureOf(collect(numberedQuestions(200), optionsFor(teacher)));
    expect(error).toMatchObject({ code: "provider-permanent", message: "HTTP 402", hint: "add credit" });
    const bought = (await readFile(join(folder, "requests.jsonl"), "utf8")).match(/"type":"reply"/g)?.length ?? 0;
    expect(teacher.asked.length).toBe(bought + 1);
    expect(bought).toBeLessThan(200);
    const healed = fakeTeacher();
    await collect(numberedQuestions(200), optionsFor(healed));
    expect(healed.asked).toHaveLength(200 - bought);
  });

  it("takes twenty failures in a row for the teacher's, not the questions'", async () => {
    const teacher = fakeTeacher(unavailable);
    const error = await failureOf(
      collect(numberedQuestions(500), optionsFor(teacher, { maxRetries: 0, concurrency: 1 })),
    );
    expect(error).toMatchObject({ code: "provider", isRetryable: true });
    expect(teacher.asked).toHaveLength(20);
  });

  it("stops with the journal's error when the disk is full, and sends nothing more", async () => {
    await journal.close();
    journal = await RequestJournal.open(join(folder, "other.jsonl"), { files: fullDisk("write") });
    const teacher = fakeTeacher();
    const ledger = new Ledger(1_000_000);
    const error = await failureOf(collect(numberedQuestions(20), optionsFor(teacher, { ledger, price: paid })));
    expect(error.code).toBe("disk-full");
    expect(teacher.asked).toHaveLength(0);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 0, heldMicroUsd: 0 });
  });
});

describe("money", () => {
  it("never asks beyond the cap, with every request at its worst, and goes on when the cap is raised", async () => {
    const teacher = fakeTeacher(() => reply("x", 1000));
    const ledger = new Ledger(10_000);
    const options = optionsFor(teacher, { ledger, price: paid, concurrency: 64 });
    const error = await failureOf(collect(numberedQuestions(50), options));
    expect(error).toMatchObject({ code: "budget-exceeded", data: { capMicroUsd: 10_000, worstCaseMicroUsd: 1000 } });
    expect(error.message).toBe(
      "the next request can cost $0.001, and $0.00 of $0.01 is left; 10 of 50 replies are there",
    );
    expect(teacher.asked).toHaveLength(10);
    await journal.close();
    const raised = new Ledger(50_000);
    journal = await openJournal(raised);
    expect(await collect(numberedQuestions(50), { ...options, journal, ledger: raised })).toHaveLength(50);
    expect(teacher.asked).toHaveLength(50);
    expect(raised.snapshot()).toMatchObject({ spentMicroUsd: 50_000, heldMicroUsd: 0, overrunMicroUsd: 0 });
  });

  it("waits while holds alone are in the way: a cap for ten worst cases buys almost forty at a quarter", async () => {
    const teacher = fakeTeacher(() => reply("x", 250));
    const ledger = new Ledger(10_000);
    let mostWaiting = 0;
    const onProgress = ({ waitingForBudget }: TraceProgress): void => {
      mostWaiting = Math.max(mostWaiting, waitingForBudget);
    };
    await failureOf(
      collect(numberedQuestions(100), optionsFor(teacher, { ledger, price: paid, concurrency: 64, onProgress })),
    );
    expect(teacher.mostInFlight()).toBe(10);
    expect(mostWaiting).toBeGreaterThan(10);
    expect(teacher.asked).toHaveLength(37); // 37 x 250 = 9,250: another 1,000 does not fit
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 9_250, heldMicroUsd: 0 });
  });

  it("counts a connection that broke at its worst case, here and after a restart", async () => {
    const teacher = fakeTeacher(({ retry }) => {
      if (retry === 0) throw new TeacherError("broken", "ECONNRESET");
      return reply("x", 100);
    });
    const ledger = new Ledger(10_000);
    await collect(numberedQuestions(1), optionsFor(teacher, { ledger, price: paid }));
    expect(ledger.snapshot().stages["trace"]).toMatchObject({
      calls: 1,
      unknownCalls: 1,
      measuredMicroUsd: 100,
      unknownMicroUsd: 1000,
    });
    await journal.close();
    const next = new Ledger(10_000);
    journal = await openJournal(next);
    expect(next.snapshot()).toEqual(ledger.snapshot());
  });

  it("counts a withheld reply at its worst case where nobody counted it, here and after a restart; asks once", async () => {
    const teacher = fakeTeacher(() => {
      throw new TeacherError("withheld", "SAFETY");
    });
    const ledger = new Ledger(10_000);
    const outcomes = await collect(numberedQuestions(2), optionsFor(teacher, { ledger, price: paid }));
    expect(outcomes[0]).toMatchObject({ failure: { reason: "provider-permanent", detail: "SAFETY" } });
    expect(ledger.snapshot().stages["trace"]).toMatchObject({ calls: 2, estimatedMicroUsd: 2000 });
    await journal.close();
    const next = new Ledger(10_000);
    journal = await openJournal(next);
    expect(next.snapshot()).toEqual(ledger.snapshot());
    expect(await collect(numberedQuestions(2), optionsFor(teacher))).toEqual(outcomes);
    expect(teacher.asked).toHaveLength(2);
  });

  it("gives back what was held for a request that was never billed", async () => {
    const teacher = fakeTeacher(() => {
      throw new TeacherError("row-refused", "HTTP 400");
    });
    const ledger = new Ledger(1000);
    await collect(numberedQuestions(5), optionsFor(teacher, { ledger, price: paid }));
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 0, heldMicroUsd: 0 });
  });
});

describe("stopping", () => {
  it("ends requests in flight, counts them as possibly paid, and goes on later", async () => {
    const controller = new AbortController();
    const teacher = fakeTeacher(({ messages }, signal) => {
      if (messages[0]?.content !== "question 7") return reply("x", 100);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new TeacherError("interrupted", "stopped")));
        setImmediate(() => controller.abort());
      });
    });
    const ledger = new Ledger(1_000_000);
    const options = optionsFor(teacher, { ledger, price: paid, concurrency: 2, signal: controller.signal });
    expect((await failureOf(collect(numberedQuestions(100), options))).code).toBe("interrupted");
    const { spentMicroUsd, heldMicroUsd, stages } = ledger.snapshot();
    expect(heldMicroUsd).toBe(0);
    expect(stages["trace"]?.unknownMicroUsd).toBe(1000);
    await journal.close();
    const next = new Ledger(1_000_000);
    journal = await openJournal(next);
    expect(next.snapshot().spentMicroUsd).toBe(spentMicroUsd);
    const healed = fakeTeacher();
    expect(await collect(numberedQuestions(100), optionsFor(healed, { journal }))).toHaveLength(100);
    expect(healed.asked.length).toBe(100 - (stages["trace"]?.calls ?? 0));
  });

  it("does not wait out a pause", async () => {
    const controller = new AbortController();
    const teacher = fakeTeacher(() => {
      throw new TeacherError("unavailable", "HTTP 429", { retryAfterMs: 600_000 });
    });
    const sleep = (_ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve());
        setImmediate(() => controller.abort(new AppError("interrupted", "Ctrl-C")));
      });
    const options = optionsFor(teacher, { waiting: { seed: 0, now: () => 0, sleep }, signal: controller.signal });
    expect((await failureOf(collect(numberedQuestions(3), options))).message).toBe("Ctrl-C");
  });

  it("asks nothing when it was stopped before", async () => {
    const teacher = fakeTeacher();
    await failureOf(collect(numberedQuestions(3), optionsFor(teacher, { signal: AbortSignal.abort() })));
    expect(teacher.asked).toHaveLength(0);
  });
});
