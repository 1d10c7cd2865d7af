import { describe, expect, it } from "vitest";
import { fakeTask } from "../../test/fake-task.ts";
import { AppError } from "../core/errors.ts";
import type { EvaluationSample } from "../schema/evaluation.ts";
import { type AnswerAndGradeOptions, answerAndGrade } from "./answer-and-grade.ts";
import type { EvaluatedModel, ModelOutcome, ModelRequest } from "./evaluated-model.ts";
import { missingRequests, wantedSettings } from "./evaluation-plan.ts";

const task = fakeTask(5);
const settings = wantedSettings({ budgets: [], waits: [], isDirect: false, temperature: 0 }, 100);
const goldOf = new Map(task.questions.map(({ id, gold }) => [id, gold]));

const reply = (answer: string) => ({
  promptHash: "c".repeat(64),
  thinking: "hm",
  answer,
  promptTokens: 3,
  thinkingTokens: 2,
  completionTokens: 4,
  finishReason: "stop" as const,
  isThinkingCut: false,
  costMicroUsd: 7,
});

/** A model that says what it is told: a reply, `undefined` for none yet, `null` for never, or an error. */
function modelOf(say: (request: ModelRequest, index: number) => string | Error | undefined | null): EvaluatedModel {
  return {
    facts: { kind: "chat", name: "m", digest: null },
    maxTokens: 100,
    answerTokens: null,
    generatedTokens: () => 0,
    spentMicroUsd: () => 0,
    close: async () => undefined,
    async *answer(requests): AsyncGenerator<ModelOutcome> {
      for (const [index, request] of requests.entries()) {
        const { questionId, sampleIndex } = request;
        const place = { questionId, sampleIndex, setting: request.settings[0]! };
        const said = say(request, index);
        if (said instanceof Error) throw said;
        if (said === undefined) continue;
        if (said === null)
          yield { ...place, type: "failure", reason: "refused", promptHash: "c".repeat(64), costMicroUsd: 0 };
        else yield { ...place, type: "reply", reply: reply(said) };
      }
    },
  };
}

async function run(model: EvaluatedModel, change: Partial<AnswerAndGradeOptions> = {}) {
  const written: EvaluationSample[] = [];
  const options: AnswerAndGradeOptions = {
    model,
    requests: missingRequests({ settings, samplesPerQuestion: 1 }, task.questions, new Set()),
    questions: new Map(task.questions.map((question) => [question.id, question])),
    ports: {},
    graderVersion: "g",
    sandbox: null,
    write: async (sample) => void written.push(sample),
    context: { folder: ".", signal: new AbortController().signal, warn: () => undefined },
    ...change,
  };
  const error = await answerAndGrade(options).catch((caught: unknown) => caught);
  return { written, error };
}

const right = ({ questionId }: ModelRequest): string => `it is ${goldOf.get(questionId)}`;

describe("answering and grading", () => {
  it("writes each sample with its verdict, its cost and the grader's version", async () => {
    const { written, error } = await run(modelOf((request, index) => (index === 2 ? "it is wrong" : right(request))));
    expect(error).toBeUndefined();
    expect(written.map(({ verdict }) => verdict.outcome)).toEqual([
      "correct",
      "correct",
      "incorrect",
      "correct",
      "correct",
    ]);
    expect(written[0]).toMatchObject({ setting: settings[0], sampleIndex: 0, costMicroUsd: 7, graderVersion: "g" });
  });

  it("writes a sample that will never be had as unscored, with the reason", async () => {
    const { written, error } = await run(modelOf((request, index) => (index === 1 ? null : right(request))));
    expect(error).toBeUndefined();
    expect(written).toHaveLength(5);
    expect(written.find(({ verdict }) => verdict.outcome === "unscored")).toMatchObject({
      answer: "",
      finishReason: "other",
      verdict: { rule: "no-reply", explanation: "refused" },
    });
  });

  it("keeps what came before the model stopped, and says why it stopped", async () => {
    const stop = new AppError("budget-exceeded", "no money");
    const { written, error } = await run(modelOf((request, index) => (index === 3 ? stop : right(request))));
    expect(error).toBe(stop);
    expect(written).toHaveLength(3);
  });

  it("does not call it finished while replies are missing that may come later", async () => {
    const { written, error } = await run(modelOf((request, index) => (index < 2 ? undefined : right(request))));
    expect(written).toHaveLength(3);
    expect(error).toMatchObject({ code: "provider", isRetryable: true, message: "2 replies could not be had for now" });
  });

  it("stops asking when a sample cannot be written", async () => {
    let asked = 0;
    const full = new AppError("disk-full", "full");
    const model = modelOf((request) => {
      asked += 1;
      return right(request);
    });
    const { error } = await run(model, {
      requests: Array.from({ length: 50 }, () =>
        missingRequests({ settings, samplesPerQuestion: 1 }, task.questions, new Set()),
      ).flat(),
      write: () => Promise.reject(full),
    });
    expect(error).toBe(full);
    expect(asked).toBeLessThanOrEqual(64);
  });
});
