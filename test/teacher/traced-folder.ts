/** @file Traces questions against a server on this machine, with a journal in a folder, as a run does. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RequestJournal } from "../../src/adapters/journal/request-journal.ts";
import { openAICompatibleTeacher } from "../../src/adapters/teacher/openai-compatible.ts";
import { systemWaiting } from "../../src/adapters/teacher/retry-delay.ts";
import { type TraceOptions, type TraceOutcome, traceQuestions } from "../../src/adapters/teacher/trace-questions.ts";
import { shortHash } from "../../src/core/hash.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { findPrice } from "../../src/ledger/price-book.ts";
import type { Question } from "../../src/schema/records.ts";

/** A question that differs from others in its number alone. */
export const numberedQuestion = (n: number): Question => ({
  schemaVersion: 1,
  id: shortHash(`question ${n}`),
  text: `question ${n}`,
  answer: null,
  family: "f",
  domain: "d",
  difficulty: 1,
  bucket: "train",
  metadata: {},
});

/** So many of them. */
export const numberedQuestions = (count: number): Question[] =>
  Array.from({ length: count }, (_, n) => numberedQuestion(n));

/** A folder whose journal outlives each {@link TracedFolder.trace}. */
export interface TracedFolder {
  readonly path: string;
  /**
   * Traces with what earlier calls left; a token costs a micro-dollar, a prompt nothing. What goes wrong is returned, so
   * that the ledger can be looked at.
   */
  trace(
    questions: readonly Question[],
    options: Partial<TraceOptions> & {
      readonly baseUrl: string;
      readonly capMicroUsd?: number;
      readonly apiKey?: string;
    },
  ): Promise<{ outcomes: TraceOutcome[]; ledger: Ledger; error: unknown }>;
  remove(): Promise<void>;
}

/** Makes an empty one. */
export async function tracedFolder(): Promise<TracedFolder> {
  const path = await mkdtemp(join(tmpdir(), "grappa-traced-"));
  return {
    path,
    remove: () => rm(path, { recursive: true, force: true }),
    trace: async (questions, { baseUrl, capMicroUsd = 1_000_000_000, apiKey, ...rest }) => {
      const ledger = new Ledger(capMicroUsd);
      const journal = await RequestJournal.open(join(path, "requests.jsonl"), {
        onSettled: ({ account, ...settlement }) => ledger.record(account, settlement),
      });
      const teacher = openAICompatibleTeacher({ model: "m", baseUrl, ...(apiKey === undefined ? {} : { apiKey }) });
      const price = findPrice("openai-compatible", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 });
      const limits = { samplesPerQuestion: 1, concurrency: 16, maxRetries: 3, maxTokens: 1000 };
      const ports = { teacher, journal, ledger, price, stage: "trace", waiting: systemWaiting(0) };
      const outcomes: TraceOutcome[] = [];
      let error: unknown;
      try {
        for await (const outcome of traceQuestions(questions, { ...ports, ...limits, ...rest })) outcomes.push(outcome);
      } catch (caught) {
        error = caught;
      } finally {
        await teacher.close();
        await journal.close();
      }
      return { outcomes, ledger, error };
    },
  };
}
