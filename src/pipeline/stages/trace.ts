import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RequestJournal } from "../../adapters/journal/request-journal.ts";
import { systemWaiting } from "../../adapters/teacher/retry-delay.ts";
import { traceQuestions } from "../../adapters/teacher/trace-questions.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { Ledger } from "../../ledger/ledger.ts";
import { formatUsd, microUsdFromUsd } from "../../ledger/money.ts";
import { type Dropped, Question, SCHEMA_VERSION, type Trace, type TraceFailure } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { checkTeacher, keyInTheClear, openTeacher, teacherIdentity } from "./open-teacher.ts";

/**
 * Asks the teacher about every question that is left, never past the budget and never twice for the same thing. Outputs
 * `traces.jsonl`, `failures.jsonl` and `dropped.jsonl`.
 */
export function traceStage(secrets: (name: string) => string | undefined): Stage {
  return {
    name: "trace",
    inputs: ["attempt"],
    facts: [],
    codeVersion: 1,
    config: ({ trace: { teacher, samplesPerQuestion, maxRetries }, seed }) => ({
      teacher: teacherIdentity(teacher),
      samplesPerQuestion,
      maxRetries,
      // A model behind a server knows nothing of our seed; the built-in teacher is made of it.
      seed: teacher.type === "builtin" ? seed : null,
    }),
    plan: ({ trace: { teacher, samplesPerQuestion }, maxUsd }) =>
      `${samplesPerQuestion} trace${samplesPerQuestion === 1 ? "" : "s"} a question from ${teacher.type === "builtin" ? "the built-in teacher (free)" : teacher.model}, at most $${maxUsd}`,
    check: (recipe) => checkTeacher(recipe, secrets),
    run: (context) => trace(context, secrets),
  };
}

async function trace(context: StageContext, secrets: (name: string) => string | undefined): Promise<StageSummary> {
  const { recipe, signal, progress, measure } = context;
  const questions = await context.input("attempt").readRows("questions.jsonl", Question);
  const open = keyInTheClear(recipe.trace.teacher);
  if (open !== undefined) context.warn(`the teacher's key goes to ${open} unencrypted: use https`);
  const ledger = new Ledger(microUsdFromUsd(recipe.maxUsd));
  const journal = await openJournal(context, ledger);
  try {
    const { teacher, price, params, maxTokens, close } = await openTeacher(recipe, secrets);
    try {
      const outcomes = traceQuestions(questions, {
        teacher,
        price,
        params,
        maxTokens,
        ledger,
        journal,
        signal,
        stage: "trace",
        samplesPerQuestion: recipe.trace.samplesPerQuestion,
        concurrency: recipe.trace.concurrency,
        maxRetries: recipe.trace.maxRetries,
        waiting: systemWaiting(recipe.seed),
        onProgress: ({ done, total, spentMicroUsd, retries, fromJournal }) => {
          const spent = spentMicroUsd > 0 ? { note: formatUsd(spentMicroUsd) } : {};
          progress({ done, total, unit: "traces", ...spent });
          measure("retries", retries);
          measure("fromJournal", fromJournal);
        },
      });
      return await writeOutcomes(context, outcomes);
    } finally {
      await close();
    }
  } finally {
    measure("spentMicroUsd", ledger.snapshot().spentMicroUsd);
    await journal.close();
  }
}

/** Opens the run's journal; what earlier processes spent counts against the cap. */
async function openJournal({ journalFolder, warn }: StageContext, ledger: Ledger): Promise<RequestJournal> {
  await mkdir(journalFolder, { recursive: true });
  const journal = await RequestJournal.open(join(journalFolder, "requests.jsonl"), {
    onSettled: (settlement) => ledger.record("trace", settlement),
  });
  const { possiblyPaidMicroUsd, openIntents } = journal.recovery;
  if (possiblyPaidMicroUsd > 0) {
    warn(
      `${openIntents} requests of an earlier try have no reply and may have been billed; counted as ${formatUsd(possiblyPaidMicroUsd)}`,
    );
  }
  return journal;
}

type Outcomes = ReturnType<typeof traceQuestions>;

async function writeOutcomes({ output }: StageContext, outcomes: Outcomes): Promise<StageSummary> {
  const traces: Trace[] = [];
  const failures: TraceFailure[] = [];
  for await (const outcome of outcomes) {
    if (outcome.type === "trace") traces.push(outcome.trace);
    else failures.push(outcome.failure);
  }
  const dropped = failures.map(
    ({ questionId, reason, detail }): Dropped => ({
      schemaVersion: SCHEMA_VERSION,
      id: questionId,
      stage: "trace",
      reason,
      detail,
    }),
  );
  await output.writeRows("traces.jsonl", traces);
  await output.writeRows("failures.jsonl", failures);
  await output.writeRows("dropped.jsonl", dropped);
  const sum = (pick: (trace: Trace) => number): number => traces.reduce((total, one) => total + pick(one), 0);
  return {
    funnel: [buildFunnel("trace", traces.length + failures.length, { kept: traces, dropped })],
    notes: {
      promptTokens: sum(({ usage }) => usage.promptTokens),
      completionTokens: sum(({ usage }) => usage.completionTokens),
      costMicroUsd: sum(({ costMicroUsd }) => costMicroUsd),
      isEstimated: traces.some(({ usage }) => usage.isEstimated),
    },
  };
}
