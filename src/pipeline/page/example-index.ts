/** @file Where each trace's training example lies: a file of them is a gigabyte, and an x-ray shows one. */
import { parseRecord } from "../../adapters/store/jsonl.ts";
import { type LinePlace, readLineAt } from "../../adapters/store/read-line-at.ts";
import { type FileLine, readLines } from "../../adapters/store/read-lines.ts";
import { AppError } from "../../core/errors.ts";
import { Example } from "../../schema/records.ts";
import { finishedStages } from "../finished-stages.ts";
import { EXAMPLES_FILE } from "../stages/tokenize.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** The examples of a run. */
export interface ExampleIndex {
  readonly path: string;
  /** Hash of the tokenizer that made them. */
  readonly tokenizer: unknown;
  readonly places: ReadonlyMap<string, LinePlace>;
}

/** The index of a run, kept. Throws "file-missing" before its examples are made. */
export async function exampleIndex(facts: RunFacts, { places, ports }: PageReader): Promise<ExampleIndex> {
  return await places.get(`examples ${facts.folder}`, doneStamp(facts), async () => {
    const tokenized = (await finishedStages(ports.fs, facts.folder)).get("tokenize");
    if (tokenized === undefined)
      throw new AppError("file-missing", "no training examples are made yet", {
        hint: "the stage `tokenize` makes them",
      });
    const path = tokenized.path(EXAMPLES_FILE);
    return { path, tokenizer: tokenized.manifest.facts.tokenizer, places: await readPlaces(path) };
  });
}

async function readPlaces(path: string): Promise<Map<string, LinePlace>> {
  const places = new Map<string, LinePlace>();
  for await (const line of readLines(path)) {
    const { number, offset, bytes } = line;
    places.set(traceIdOf(path, line), { number, offset, sizeBytes: bytes.length });
  }
  return places;
}

/** As grappa writes an example, its ids stand in front: so its tokens need not be parsed. */
const FRONT = /^\{"schemaVersion":1,"questionId":"[0-9a-f]{16}","traceId":"([0-9a-f]{16})",/;
const FRONT_BYTES = 100;

function traceIdOf(path: string, line: FileLine): string {
  const [, traceId] = FRONT.exec(line.bytes.toString("latin1", 0, FRONT_BYTES)) ?? [];
  return traceId ?? parseRecord(path, line, Example).traceId;
}

/** A trace's example; undefined where nothing is trained on it. Throws where the file has changed meanwhile. */
export async function readExample({ path, places }: ExampleIndex, traceId: string): Promise<Example | undefined> {
  const place = places.get(traceId);
  if (place === undefined) return undefined;
  const example = parseRecord(path, await readLineAt(path, place), Example);
  if (example.traceId === traceId) return example;
  throw new AppError("record-invalid", `${path}:${place.number}: another example stands there now`, {
    hint: "load the page again",
  });
}
