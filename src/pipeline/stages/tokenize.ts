import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { type Example, Question, SCHEMA_VERSION, Selection, Trace } from "../../schema/records.ts";
import { encodeExample } from "../../tokenize/s1-format.ts";
import { writeTrainingChats } from "./hosted/tokenize.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";

/** Makes the chosen traces into ids and labels, in s1's format. Nothing is ever cut: a trace that does not fit fails the run. Outputs `examples.jsonl`. */
export function tokenizeStage(): Stage {
  return {
    name: "tokenize",
    inputs: ["attempt", "trace", "select"],
    facts: ({ student }) => (student.hosted ? [] : ["tokenizer"]),
    codeVersion: 1,
    config: ({ tokenize, student }) => (student.hosted ? { ...tokenize, form: "chats" } : tokenize),
    plan: ({ tokenize: { maxLength, target } }) =>
      `at most ${maxLength} tokens an example, none cut${target === "answers" ? "; answers without their thinking" : ""}`,
    run: (context) => (context.recipe.student.hosted ? writeTrainingChats(context) : tokenize(context)),
  };
}

async function tokenize({ recipe, baseFolder, input, output, progress }: StageContext): Promise<StageSummary> {
  const { tokenizer } = await readTokenizerFolder(baseFolder);
  const questions = new Map(
    (await input("attempt").readRows("questions.jsonl", Question)).map(({ id, text }) => [id, text]),
  );
  const traces = new Map((await input("trace").readRows("traces.jsonl", Trace)).map((trace) => [trace.id, trace]));
  const selection = await input("select").readRows("selection.jsonl", Selection);
  const isThinking = recipe.tokenize.target === "traces";
  const examples: Example[] = [];
  for (const { questionId, traceId } of selection) {
    const { thinking = "", answer = "" } = traces.get(traceId) ?? {};
    const outcome = encodeExample(
      tokenizer,
      { question: questions.get(questionId) ?? "", thinking: isThinking ? thinking : null, answer },
      recipe.tokenize.maxLength,
    );
    if (outcome.status === "rejected") throw rejection(traceId, outcome);
    const { inputIds, labels, thinkingTokens } = outcome.example;
    examples.push({
      schemaVersion: SCHEMA_VERSION,
      questionId,
      traceId,
      inputIds: [...inputIds],
      labels: [...labels],
      thinkingTokens,
    });
  }
  progress({ done: examples.length, total: selection.length, unit: "examples" });
  await output.writeRows("examples.jsonl", examples);
  const lengths = examples.map(({ inputIds }) => inputIds.length);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return {
    funnel: [buildFunnel("tokenize", selection.length, { kept: examples, dropped: [] })],
    notes: {
      tokens,
      meanTokens: Math.round(tokens / Math.max(1, examples.length)),
      longestTokens: Math.max(0, ...lengths),
    },
  };
}

function rejection(
  traceId: string,
  { reason, detail }: { readonly reason: string; readonly detail: string },
): AppError {
  const code = reason === "too-long" ? "limit-exceeded" : "record-invalid";
  return new AppError(code, `trace ${traceId} cannot be made into an example: ${reason}, ${detail}`, {
    hint:
      reason === "too-long"
        ? "raise tokenize.maxLength, or lower select.maxThinkingTokens"
        : "report it: the selection should have dropped this trace",
    data: { traceId, reason },
  });
}
