import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type EpochOrder, type Example, SCHEMA_VERSION } from "../../schema/records.ts";
import { gatesFailed, gateTally } from "../../tokenize/gate-report.ts";
import { studentFormat } from "../../tokenize/student-format.ts";
import { type EncodedExample, encodeExample } from "../../tokenize/training-example.ts";
import { epochOrder } from "../../train/batches.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { type ChosenTexts, chosenTexts } from "./chosen-texts.ts";
import { writeTrainingChats } from "./hosted/tokenize.ts";

/** The examples, one a line, in the selection's order. */
export const EXAMPLES_FILE = "examples.jsonl";
/** The order in which each epoch takes them: every trainer follows it, and none shuffles. */
export const ORDER_FILE = "order.jsonl";

/**
 * Makes the chosen traces into ids and labels, in the selection's order. Nothing is ever cut: rows that a gate stops fail
 * the run, all of them named at once. Outputs `examples.jsonl`, and `order.jsonl`, each epoch's order of them.
 */
export function tokenizeStage(): Stage {
  return {
    name: "tokenize",
    inputs: ["attempt", "trace", "select"],
    facts: ({ student }) => (student.hosted ? [] : ["tokenizer"]),
    codeVersion: 1,
    config: ({ tokenize, student, train, seed }) => ({
      ...withoutUsualStyle(tokenize),
      ...(student.hosted ? { form: "chats" } : { order: { epochs: train.epochs, seed } }),
    }),
    plan: ({ tokenize: { maxLength, target, style } }) =>
      `at most ${maxLength} tokens an example, none cut${target === "answers" ? "; answers without their thinking" : ""}${style === "think" ? "; <think> style" : ""}`,
    run: (context) => (context.recipe.student.hosted ? writeTrainingChats(context) : tokenize(context)),
  };
}

/** s1's style is left out, so that runs made before there was another keep their examples. */
function withoutUsualStyle({ style, ...rest }: Recipe["tokenize"]): object {
  return style === "s1" ? rest : { ...rest, style };
}

function ordersOf(examples: number, { train, seed }: Pick<Recipe, "train" | "seed">): EpochOrder[] {
  return Array.from({ length: train.epochs }, (_, epoch) => ({
    schemaVersion: SCHEMA_VERSION,
    epoch,
    examples: epochOrder({ examples, seed, epoch }),
  }));
}

async function tokenize({ recipe, baseFolder, input, output, progress }: StageContext): Promise<StageSummary> {
  const { maxLength, target, style } = recipe.tokenize;
  const format = studentFormat(await readTokenizerFolder(baseFolder), style);
  const chosen = await chosenTexts(input);
  const tally = gateTally();
  const lengths: number[] = [];
  const writer = await output.openRows(EXAMPLES_FILE);
  try {
    for (const { question, trace } of chosen) {
      const thinking = target === "traces" ? trace.thinking : null;
      const outcome = encodeExample(format, { question: question.text, thinking, answer: trace.answer }, maxLength);
      if (outcome.status === "rejected") {
        tally.add(trace.id, outcome.faults);
        continue;
      }
      lengths.push(outcome.example.inputIds.length);
      await writer.write(exampleRow({ question, trace }, outcome.example));
    }
    const failed = tally.results();
    if (failed.length > 0) throw gatesFailed(failed, { rows: chosen.length });
  } catch (error) {
    await writer.abandon();
    throw error;
  }
  await writer.close();
  await output.writeRows(ORDER_FILE, ordersOf(lengths.length, recipe));
  progress({ done: chosen.length, total: chosen.length, unit: "examples" });
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return {
    funnel: [buildFunnel("tokenize", chosen.length, { kept: lengths, dropped: [] })],
    notes: {
      tokens,
      meanTokens: Math.round(tokens / Math.max(1, lengths.length)),
      longestTokens: lengths.reduce((longest, length) => Math.max(longest, length), 0),
    },
  };
}

function exampleRow({ question, trace }: ChosenTexts, { inputIds, labels, thinkingTokens }: EncodedExample): Example {
  return {
    schemaVersion: SCHEMA_VERSION,
    questionId: question.id,
    traceId: trace.id,
    inputIds: [...inputIds],
    labels: [...labels],
    thinkingTokens,
  };
}
