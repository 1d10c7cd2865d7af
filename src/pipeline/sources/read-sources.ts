/** @file All sources of a recipe, in its order: families draw their questions, data sets are read. */
import { collectQuestions } from "../../questions/collect-questions.ts";
import { families } from "../../questions/families.ts";
import type { Recipe } from "../../schema/recipe.ts";
import type { Dropped, Question, SourceReading } from "../../schema/records.ts";
import { counted } from "../../report/number-format.ts";
import { readSource, type SourcePorts } from "./read-source.ts";

/** What all sources came to: questions in the order of the recipe's sources. */
export interface ReadQuestions {
  readonly found: readonly Question[];
  /** Questions that are never trained on. */
  readonly heldOut: readonly Question[];
  /** Rows that are no question. */
  readonly bad: readonly Dropped[];
  /** One for each data set. */
  readonly readings: readonly SourceReading[];
}

/** Who looks on. */
export interface SourceWatch {
  /** Questions so far. */
  onProgress(done: number): void;
  warn(message: string): void;
}

/** Reads every source. Throws as `readSource`. */
export async function readSources(recipe: Recipe, ports: SourcePorts, watch: SourceWatch): Promise<ReadQuestions> {
  const all = {
    found: [] as Question[],
    heldOut: [] as Question[],
    bad: [] as Dropped[],
    readings: [] as SourceReading[],
  };
  for (const source of recipe.collect.sources) {
    ports.signal.throwIfAborted();
    if (source.type === "family") {
      const { family, count, difficulty } = source;
      const drawn = { family: families[family], count, difficulty, bucket: "train", seed: recipe.seed } as const;
      for (const question of collectQuestions(drawn)) all.found.push(question);
    } else {
      const { train, heldOut, dropped, reading } = await readSource(source, ports);
      warnOf(reading, dropped, source.expectedCount, watch);
      for (const question of train) all.found.push(question);
      for (const question of heldOut) all.heldOut.push(question);
      for (const row of dropped) all.bad.push(row);
      all.readings.push(reading);
    }
    watch.onProgress(all.found.length);
    await new Promise((resolve) => setImmediate(resolve)); // generating is synchronous; a Ctrl-C gets its turn here
  }
  return all;
}

function warnOf(
  reading: SourceReading,
  dropped: readonly Dropped[],
  expected: number | undefined,
  { warn }: SourceWatch,
): void {
  const { name, rows, filtered, questions, heldOut } = reading;
  const [first] = dropped;
  if (first !== undefined) {
    const found = dropped.length === 1 ? "1 row is" : `${dropped.length} rows are`;
    warn(`${name}: ${found} no question (dropped.jsonl lists all); the first: ${first.detail}`);
  }
  if (questions === 0)
    warn(
      `${name}: no question to train on in ${counted(rows, "row")}, of which the recipe's conditions left out ${filtered}`,
    );
  else if (expected !== undefined && questions + heldOut !== expected)
    warn(`${name}: ${counted(questions + heldOut, "question")}, where the recipe expects ${expected}`);
}
