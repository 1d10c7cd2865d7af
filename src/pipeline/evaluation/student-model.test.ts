import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeTinyStudent } from "../../../test/tiny-student.ts";
import { type ModelFolder, readModelFolder } from "../../adapters/model-folder.ts";
import type { ModelOutcome, ModelRequest } from "../../evaluate/evaluated-model.ts";
import { sampleKey, wantedSettings } from "../../evaluate/evaluation-plan.ts";
import { defaultAnswerTokens, type StudentOptions, studentModel } from "./student-model.ts";

let folder: string;
let student: ModelFolder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grappa-student-"));
  await writeTinyStudent(folder);
  student = await readModelFolder(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settingsAt = (temperature: number) =>
  wantedSettings({ budgets: [8], waits: [1], isDirect: true, temperature }, 96);

const requestsAt = (temperature: number, count = 6): ModelRequest[] =>
  Array.from({ length: count }, (_, n) => ({
    questionId: String(n).padStart(16, "0"),
    prompt: `${n} a+36 b+27`,
    sampleIndex: n % 2,
    settings: settingsAt(temperature),
  }));

async function ask(requests: readonly ModelRequest[], change: Partial<StudentOptions> = {}) {
  const model = studentModel(student, { name: "tiny", threads: 1, seed: 0, maxTokens: 96, answerTokens: 6, ...change });
  const signal = new AbortController().signal;
  const outcomes = new Map<string, ModelOutcome>();
  for await (const outcome of model.answer(requests, { folder, signal, warn: () => undefined }))
    outcomes.set(sampleKey(outcome), outcome);
  await model.close();
  return outcomes;
}

describe("an embedded student", () => {
  it("answers every request under every setting, within its caps", async () => {
    const outcomes = await ask(requestsAt(0));
    expect(outcomes.size).toBe(24);
    for (const outcome of outcomes.values()) {
      if (outcome.type !== "reply") throw new Error("a student always replies");
      const { thinkingTokens, completionTokens, costMicroUsd } = outcome.reply;
      expect(thinkingTokens).toBeLessThanOrEqual(outcome.setting.mode === "direct" ? 0 : outcome.setting.budgetTokens);
      expect(thinkingTokens).toBeLessThanOrEqual(90);
      expect(completionTokens).toBeLessThanOrEqual(96);
      expect(costMicroUsd).toBe(0);
    }
  });

  it.each([0, 0.7])(
    "says the same at temperature %s whatever is asked with it: a resumed evaluation is no other",
    async (temperature) => {
      const requests = requestsAt(temperature);
      const whole = await ask(requests);
      const [first, ...rest] = requests;
      const half = [{ ...first!, settings: settingsAt(temperature).slice(2) }, ...rest.slice(3).reverse()];
      for (const [key, outcome] of await ask(half)) expect(outcome).toEqual(whole.get(key));
    },
  );

  it("draws other samples from another seed and another sample index", async () => {
    const [one] = requestsAt(0.9, 1);
    const text = async (request: ModelRequest, seed: number) =>
      JSON.stringify(
        [...(await ask([request], { seed })).values()].map((outcome) => outcome.type === "reply" && outcome.reply),
      );
    const drawn = await text(one!, 0);
    expect(await text(one!, 0)).toBe(drawn);
    expect(await text(one!, 1)).not.toBe(drawn);
    expect(await text({ ...one!, sampleIndex: 1 }, 0)).not.toBe(drawn);
  });

  const rejecting = (caps: readonly number[], count = 4, maxTries = 5): ModelRequest[] => {
    const wanted = { budgets: [], waits: [], isDirect: false, temperature: 0.9, rejectAbove: caps, maxTries };
    return requestsAt(0.9, count).map((request) => ({ ...request, settings: wantedSettings(wanted, 96) }));
  };
  const replyTo = (outcome: ModelOutcome | undefined) => (outcome?.type === "reply" ? outcome.reply : undefined);

  it("samples until thinking fits, counts what it threw away, and gives up after its tries", async () => {
    const outcomes = [...(await ask(rejecting([1, 12]))).values()];
    const tried = outcomes.filter(({ setting }) => setting.maxTries !== undefined);
    expect(tried).toHaveLength(8);
    for (const outcome of tried) {
      const { rejection, thinkingTokens, answer, finishReason } = replyTo(outcome)!;
      const { tries, thrownAwayTokens, isGivenUp } = rejection!;
      const cap = outcome.setting.budgetTokens;
      expect(thinkingTokens).toBeLessThanOrEqual(cap);
      // Each try that was too long was left one token past the cap.
      expect(thrownAwayTokens).toBe((cap + 1) * (isGivenUp ? tries : tries - 1));
      if (isGivenUp) expect([tries, answer, thinkingTokens, finishReason]).toEqual([5, "", 0, "length"]);
    }
    expect(new Set(tried.map((outcome) => replyTo(outcome)!.rejection!.isGivenUp)).size).toBe(2);
  });

  it("keeps under one cap what it would keep without the others: its first try is the natural sample", async () => {
    const together = await ask(rejecting([12, 40]));
    for (const [key, outcome] of await ask(rejecting([40]))) expect(together.get(key)).toEqual(outcome);
    for (const outcome of together.values()) {
      const { rejection, ...kept } = replyTo(outcome)!;
      if (rejection?.tries !== 1 || rejection.isGivenUp) continue;
      const { maxTries: _, ...setting } = { ...outcome.setting, budgetTokens: 96 };
      expect(replyTo(together.get(sampleKey({ ...outcome, setting })))).toEqual(kept);
    }
  });

  it("tells how likely its answers were, the same whatever was asked beside", async () => {
    const requests = requestsAt(0.7);
    const whole = await ask(requests);
    const alone = requests.map((request) => ({ ...request, settings: settingsAt(0.7).slice(1, 2) }));
    const told = [...(await ask(alone))].map(([key, outcome]) => [replyTo(whole.get(key)), replyTo(outcome)] as const);
    for (const [beside, own] of told) expect(own?.answerLogprob).toBe(beside?.answerLogprob);
    const replies = [...whole.values()].map((outcome) => replyTo(outcome)!);
    // Also where an answer was recalled from another setting; never where there is none.
    for (const { answerLogprob, completionTokens, thinkingTokens } of replies) {
      if (completionTokens === thinkingTokens) expect(answerLogprob).toBeUndefined();
      else expect(answerLogprob).toBeLessThan(1e-6);
    }
  });

  it("takes a question that its context cannot hold for a reply that was cut, and goes on", async () => {
    const long = { ...requestsAt(0, 1)[0]!, prompt: "a+36 ".repeat(300) };
    const outcomes = [...(await ask([long, requestsAt(0, 2)[1]!])).values()];
    expect(outcomes).toHaveLength(8);
    expect(outcomes.slice(0, 4)).toEqual(
      settingsAt(0).map(
        (setting) =>
          expect.objectContaining({
            setting,
            reply: expect.objectContaining({ answer: "", finishReason: "length", completionTokens: 0 }) as unknown,
          }) as unknown,
      ),
    );
  });

  it("stops between two steps when it is told to", async () => {
    const model = studentModel(student, { name: "tiny", threads: 1, seed: 0 });
    const controller = new AbortController();
    const asking = async (): Promise<void> => {
      const context = { folder, signal: controller.signal, warn: () => undefined };
      for await (const _outcome of model.answer(requestsAt(0, 40), context)) controller.abort(new Error("stop"));
    };
    await expect(asking()).rejects.toMatchObject({ code: "interrupted" });
    await model.close();
  });

  it.each([
    [1024, 1024, 64],
    [1024, 100, 50],
    [131_072, 131_072, 2048],
    [8, 8, 1],
  ])("keeps of a context of %i under a cap of %i tokens %i for the answer", (context, cap, answer) => {
    expect(defaultAnswerTokens(context, cap)).toBe(answer);
  });

  it.each<[Partial<StudentOptions>, string]>([
    [{ maxTokens: 400 }, "--max-tokens 400 exceeds the student's context of 320 tokens"],
    [{ maxTokens: 50, answerTokens: 50 }, "--answer-tokens 50 leaves no room to think within 50 tokens"],
  ])("refuses limits that it cannot keep: %j", (change, message) => {
    expect(() => studentModel(student, { name: "tiny", threads: 1, seed: 0, ...change })).toThrow(message);
  });
});
