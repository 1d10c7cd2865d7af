/** @file How long each trace's thinking is in the student's tokens: counted once, when it is graded, and kept beside the grades. */
import { readTokenizerFolder } from "../../adapters/model-folder.ts";
import { Trace, TraceLength, SCHEMA_VERSION } from "../../schema/records.ts";
import type { StageContext, StageInput } from "../stage.ts";
import { countedThinkingTokens } from "./hosted/counted-tokens.ts";

const FILE = "lengths.jsonl";

/** Counts the thinking of every trace and writes it, a row a trace; as the teacher counted where the student is elsewhere. */
export async function writeTraceLengths({ recipe, baseFolder, input, output }: StageContext): Promise<void> {
  const lengthOf = recipe.student.hosted ? countedThinkingTokens : await tokenizerLengths(baseFolder);
  const file = await output.openRows(FILE);
  try {
    for await (const trace of input("trace").streamRows("traces.jsonl", Trace)) {
      const row: TraceLength = { schemaVersion: SCHEMA_VERSION, traceId: trace.id, thinkingTokens: lengthOf(trace) };
      await file.write(row);
    }
    await file.close();
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

async function tokenizerLengths(baseFolder: string): Promise<(trace: Trace) => number> {
  const { tokenizer } = await readTokenizerFolder(baseFolder);
  return ({ thinking }) => tokenizer.countUser(thinking);
}

/** Thinking tokens by trace id, as the grade stage counted them. */
export async function readTraceLengths(grade: StageInput): Promise<Map<string, number>> {
  const lengths = new Map<string, number>();
  for await (const row of grade.streamRows(FILE, TraceLength)) lengths.set(row.traceId, row.thinkingTokens);
  return lengths;
}
