import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { numberedQuestions } from "../../../test/teacher/traced-folder.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { findPrice } from "../../ledger/price-book.ts";
import { RequestJournal } from "../journal/request-journal.ts";
import type { Salvage } from "./salvage-replies.ts";
import { type Teacher, TeacherError, type TeacherReply, type TeacherRequest } from "./teacher.ts";
import { type TraceOptions, type TraceOutcome, traceQuestions } from "./trace-questions.ts";

let folder: string;
let journal: RequestJournal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-salvage-"));
  journal = await RequestJournal.open(join(folder, "requests.jsonl"), { commitIntervalMs: 0 });
});
afterEach(async () => {
  await journal.close();
  await rm(folder, { recursive: true, force: true });
});

const TEXT = "0123456789abcdefghij"; // what it would think, a token a character

/** Thinks as far as its limit lets it, from where it was cut; answers "42" when it has thought or must. */
function thinker(continuation: Teacher["continuation"] = "prefix"): Teacher & { asked: TeacherRequest[] } {
  const asked: TeacherRequest[] = [];
  const ask = async (request: TeacherRequest): Promise<TeacherReply> => {
    asked.push(request);
    const { goOnFrom, maxTokens } = request;
    const left = goOnFrom?.isThinkingOver ? "" : TEXT.slice(goOnFrom?.thinking.length ?? 0);
    const thinking = left.slice(0, maxTokens);
    const isCut = left.length + 2 > maxTokens;
    const usage = {
      promptTokens: 5,
      completionTokens: thinking.length + (isCut ? 0 : 2),
      reasoningTokens: thinking.length,
      isEstimated: false,
    };
    return { thinking, answer: isCut ? "" : "42", provenance: "raw", finishReason: isCut ? "length" : "stop", usage };
  };
  return { provider: "fake", model: "m", continuation, asked, ask, close: async () => undefined };
}

const price = findPrice("fake", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });

async function trace(
  teacher: Teacher,
  salvage: Salvage,
  rest: Partial<TraceOptions> = {},
  outcomes: TraceOutcome[] = [],
): Promise<{ outcomes: TraceOutcome[]; ledger: Ledger }> {
  const ledger = new Ledger(1_000_000);
  const waiting = { seed: 0, now: () => 0, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const options = {
    teacher,
    price,
    ledger,
    journal,
    waiting,
    stage: "trace",
    samplesPerQuestion: 1,
    concurrency: 4,
    maxRetries: 1,
  };
  for await (const outcome of traceQuestions(numberedQuestions(5), { ...options, maxTokens: 8, salvage, ...rest }))
    outcomes.push(outcome);
  return { outcomes, ledger };
}

describe("five replies that end truncated", () => {
  it("are five paid requests where they are dropped, and stay so under a larger limit", async () => {
    const teacher = thinker();
    const { outcomes, ledger } = await trace(teacher, "drop");
    expect(outcomes.map((one) => one.type === "failure" && [one.failure.reason, one.failure.detail])).toEqual(
      Array(5).fill(["truncated", "cut after 8 tokens, and kept in the journal"]),
    );
    await trace(teacher, "drop", { maxTokens: 1000 });
    expect(teacher.asked).toHaveLength(5);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 40, heldMicroUsd: 0 });
  });

  it("are gone on with until they end, each part bought once and under the cap", async () => {
    const teacher = thinker();
    const { outcomes, ledger } = await trace(teacher, "continue", { continueTokens: 20 });
    const usage = { promptTokens: 10, completionTokens: 22, reasoningTokens: 20, isEstimated: false };
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        type: "trace",
        trace: { thinking: TEXT, answer: "42", provenance: "raw", finishReason: "stop", usage, costMicroUsd: 22 },
      });
    expect(teacher.asked).toHaveLength(10);
    expect(ledger.snapshot()).toMatchObject({ spentMicroUsd: 110, heldMicroUsd: 0 });
    expect(teacher.asked[5]?.goOnFrom).toEqual({ thinking: "01234567", answer: "", isThinkingOver: false });
    expect((await trace(teacher, "continue", { continueTokens: 20 })).outcomes).toEqual(outcomes);
    expect(teacher.asked).toHaveLength(10);
  });

  it("are gone on with no further than the limit, and then count as cut", async () => {
    const teacher = thinker();
    const { outcomes } = await trace(teacher, "continue", { continueTokens: 10 });
    expect(outcomes[0]).toMatchObject({
      failure: { reason: "truncated", detail: "cut after 18 tokens, and kept in the journal" },
    });
    await trace(teacher, "continue", { continueTokens: 10 });
    expect(teacher.asked).toHaveLength(10);
    await trace(teacher, "continue", { continueTokens: 30 }); // only what is missing is bought
    expect(teacher.asked.slice(10).map(({ goOnFrom, maxTokens }) => [goOnFrom?.thinking.length, maxTokens])).toEqual(
      Array(5).fill([18, 20]),
    );
  });

  it("are made to answer where they were cut, which the trace says", async () => {
    const teacher = thinker();
    const { outcomes } = await trace(teacher, "force-answer");
    expect(outcomes[0]).toMatchObject({
      trace: { thinking: "01234567", answer: "42", provenance: "reconstructed", finishReason: "stop" },
    });
    expect(teacher.asked[5]).toMatchObject({ maxTokens: 8, goOnFrom: { isThinkingOver: true } });
    expect(teacher.asked).toHaveLength(10);
  });

  it("are gone on with each by itself: parts of one purchase never follow another", async () => {
    const teacher = thinker();
    await trace(thinker("none"), "drop", { maxTokens: 4 }); // cut at 4, then bought anew and cut at 8
    await trace(thinker("none"), "drop", { maxTokens: 8, retryFailed: true });
    const goOn = async (maxTokens: number) =>
      (await trace(teacher, "continue", { maxTokens, continueTokens: 30 })).outcomes[0];
    for (const maxTokens of [8, 4, 8, 4])
      expect(await goOn(maxTokens)).toMatchObject({ trace: { thinking: TEXT, answer: "42", finishReason: "stop" } });
    expect(teacher.asked.map(({ goOnFrom }) => goOnFrom?.thinking)).toEqual([
      ...Array(5).fill("01234567"),
      ...Array(5).fill("0123"),
    ]);
  });

  it("are no outcomes yet where buying stops before they were gone on with", async () => {
    const teacher = thinker();
    const breaks = async (request: TeacherRequest, signal: AbortSignal): Promise<TeacherReply> => {
      if (teacher.asked.length >= 7) throw new TeacherError("run-refused", "no credit");
      return await teacher.ask(request, signal);
    };
    const seen: TraceOutcome[] = [];
    let stops = 0;
    const rest = { continueTokens: 20, concurrency: 1, onStopped: () => (stops += 1) };
    await expect(trace({ ...teacher, ask: breaks }, "continue", rest, seen)).rejects.toThrow("no credit");
    expect(seen.map((one) => one.type === "trace" && one.trace.answer)).toEqual(["42", "42"]);
    expect(stops).toBe(1);
  });

  it("are failures where the teacher cannot go on, and no second request", async () => {
    const teacher = thinker("none");
    const { outcomes } = await trace(teacher, "continue");
    expect(outcomes[0]).toMatchObject({
      failure: { reason: "truncated", detail: expect.stringContaining("cannot go on") as string },
    });
    expect(teacher.asked).toHaveLength(5);
  });
});

describe("a question that is refused for good", () => {
  it("is not asked again, not even by the next process, unless that is wanted", async () => {
    const asked: string[] = [];
    const refuses: Teacher = {
      ...thinker(),
      ask: async ({ messages }) => {
        asked.push(messages[0]?.content ?? "");
        throw new TeacherError("row-refused", "HTTP 400: no");
      },
    };
    const { outcomes } = await trace(refuses, "drop");
    expect(outcomes[0]).toMatchObject({ failure: { reason: "provider-permanent", detail: "HTTP 400: no" } });
    await journal.close();
    journal = await RequestJournal.open(join(folder, "requests.jsonl"));
    expect((await trace(refuses, "drop")).outcomes).toEqual(outcomes);
    expect(asked).toHaveLength(5);
    await trace(refuses, "drop", { maxTokens: 9 }); // another request
    expect(asked).toHaveLength(10);
    expect((await trace(thinker(), "drop", { maxTokens: 100, retryFailed: true })).outcomes[0]?.type).toBe("trace");
  });
});
