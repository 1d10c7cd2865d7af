/**
 * @file A source's questions, streamed from its files: each row is taken, left by a rule of the recipe, or reported with file
 * and row. What is read is recorded, so that it can be said of every question where it is from.
 */
import { AppError } from "../../core/errors.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import { textField, type TaskRow } from "../../evaluate/tasks/task-row.ts";
import { compileGold } from "../../grade/grade-answer.ts";
import { type DataSource, sourceName } from "../../schema/question-source.ts";
import { type Dropped, type Question, SCHEMA_VERSION, type SourceReading } from "../../schema/records.ts";
import { type HubAccess, type NamedFile, openDataFiles, type OpenedFiles } from "../open-data.ts";
import { FILE_GRADERS } from "../stages/grade-reply.ts";
import { SampleDraw } from "./draw-sample.ts";
import { fieldsOf, questionOf } from "./map-row.ts";
import { hubReferences } from "./source-places.ts";
import { fieldText, listKey, passes, type TextLists } from "./row-conditions.ts";

/** What reading sources needs of the world. */
export interface SourcePorts {
  /** Folder that the recipe's files are seen from. */
  readonly recipeFolder: string;
  /** How to reach the hub; needed for data that is there. */
  readonly hub?: HubAccess | undefined;
  readonly signal: AbortSignal;
  readonly seed: number;
  /** Stop at the first row that is no question. */
  readonly strict: boolean;
}

/** What a source came to. */
export interface SourceQuestions {
  readonly reading: SourceReading;
  /** Those that may be trained on, at most as many as the source asks for. */
  readonly train: readonly Question[];
  /** Those of the buckets tune and test: never trained on. */
  readonly heldOut: readonly Question[];
  /** Rows that are no question, and files that cannot be read on. */
  readonly dropped: readonly Dropped[];
}

/**
 * Reads a source.
 *
 * @throws AppError "file-missing"; the errors of downloading; "recipe-invalid" for a list that is not there; "record-invalid" at
 *   the first bad row where the ports are strict.
 */
export async function readSource(source: DataSource, ports: SourcePorts): Promise<SourceQuestions> {
  const reader = new SourceReader(source, ports);
  const lists = await readLists(source, ports);
  for (const part of await openSource(source, ports, reader)) {
    reader.opened(part);
    for (const file of part.files) await readFile(file, { reader, lists, ports });
  }
  return reader.finish();
}

async function openSource(source: DataSource, ports: SourcePorts, reader: SourceReader): Promise<OpenedFiles[]> {
  const limits = {
    maxRowBytes: source.maxRowMegabytes * 1024 ** 2,
    columns: fieldsOf(source),
  };
  const opened: OpenedFiles[] = [];
  for (const reference of source.type === "file" ? [source.path] : hubReferences(source)) {
    // All parts of one commit: a branch may move between two of them.
    const [first] = opened;
    const data = first?.commit === undefined ? reference : reference.replace(/@[^:]+/, `@${first.commit}`);
    const onBadRow = (name: string, path: string) => (row: number, error: AppError) =>
      reader.bad(name, row, { reason: "bad-row", detail: plainDetail(error, path, row) });
    opened.push(
      await openDataFiles(dataRequest(data, ports), (name, path) => ({ ...limits, onBadRow: onBadRow(name, path) })),
    );
  }
  return opened;
}

const dataRequest = (data: string, { recipeFolder, hub, signal }: SourcePorts) => ({
  data,
  workingFolder: recipeFolder,
  signal,
  ...(hub === undefined ? {} : { hub }),
});

interface Reading {
  readonly reader: SourceReader;
  readonly lists: TextLists;
  readonly ports: SourcePorts;
}

/** Reads one file on as far as it goes; what cannot be read further is one report, and the next file is read all the same. */
async function readFile(file: NamedFile, { reader, lists, ports }: Reading): Promise<void> {
  const { name, path } = file;
  try {
    for await (const row of file.rows()) {
      ports.signal.throwIfAborted();
      reader.take(name, row, lists);
    }
  } catch (error) {
    if (!(error instanceof AppError) || !["file-corrupt", "limit-exceeded"].includes(error.code)) throw error;
    reader.bad(name, null, { reason: "bad-file", detail: plainDetail(error, path, null) });
  }
}

/** The texts that a source's tests look up. */
async function readLists({ lists }: DataSource, ports: SourcePorts): Promise<TextLists> {
  const read = new Map<string, ReadonlySet<string>>();
  for (const { name, data, field } of lists) {
    const keys = new Set<string>();
    const { files } = await openDataFiles(dataRequest(data, ports), () => ({ columns: [field] }));
    for (const file of files) for await (const row of file.rows()) keys.add(listKey(listText(row, field, name)));
    read.set(name, keys);
  }
  return read;
}

/** A list is looked up, so a row of it that cannot be read would take or leave questions in silence: it stops the reading. */
function listText(row: TaskRow, field: string, list: string): string {
  try {
    return textField(row, [field]);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    throw new AppError("record-invalid", `the list "${list}": ${cause.message}`, { data: { list }, cause });
  }
}

type Counted = "filtered" | "repeated" | "notSampled" | "overCount" | "heldOut" | "bad" | "questions";

/** Takes rows and counts what becomes of each. */
class SourceReader {
  readonly #source: DataSource;
  readonly #ports: SourcePorts;
  readonly #counts = { rows: 0, filtered: 0, repeated: 0, bad: 0 };
  readonly #dropped: Dropped[] = [];
  readonly #heldOut: Question[] = [];
  readonly #train: Question[] = [];
  readonly #sample: SampleDraw<Question> | undefined;
  readonly #seen = new Set<string>();
  readonly #data: SourceReading["data"] = [];
  #trainable = 0;

  constructor(source: DataSource, ports: SourcePorts) {
    this.#source = source;
    this.#ports = ports;
    const key = `${ports.seed}/sample/${sourceName(source)}`;
    if (source.sample !== undefined) this.#sample = new SampleDraw({ count: source.sample, key });
  }

  opened({ source, sha256 }: OpenedFiles): void {
    this.#data.push({ source, sha256 });
  }

  take(file: string, row: TaskRow, lists: TextLists): void {
    this.#counts.rows += 1;
    if (!passes(row, this.#source.where, lists)) return void (this.#counts.filtered += 1);
    const key = this.#uniqueKey(row);
    if (key !== null && this.#seen.has(key)) return void (this.#counts.repeated += 1);
    const read = readOrReason(row, this.#source, this.#ports.seed);
    if ("reason" in read) return this.#report(file, row.number, read);
    if (key !== null) this.#seen.add(key); // not before: a row that is no question stands for no other
    this.#keep(read, row);
  }

  /** A row that no reader could give; null for the rest of a file. */
  bad(file: string, row: number | null, why: { readonly reason: string; readonly detail: string }): void {
    if (row !== null) this.#counts.rows += 1;
    this.#report(file, row, why);
  }

  finish(): SourceQuestions {
    const train = (this.#sample?.drawn() ?? this.#train).slice(0, this.#source.count);
    const sampled = Math.min(this.#source.sample ?? this.#trainable, this.#trainable);
    const counts: Record<Counted | "rows", number> = {
      ...this.#counts,
      notSampled: this.#trainable - sampled,
      overCount: sampled - train.length,
      heldOut: this.#heldOut.length,
      questions: train.length,
    };
    const { licence = null } = this.#source;
    const name = sourceName(this.#source);
    const reading: SourceReading = { schemaVersion: SCHEMA_VERSION, name, licence, data: this.#data, ...counts };
    return { reading, train, heldOut: this.#heldOut, dropped: this.#dropped };
  }

  /** What only one row may have; null where the source asks for none, or the row has no text there and repeats no other. */
  #uniqueKey(row: TaskRow): string | null {
    const { uniqueBy } = this.#source;
    const text = uniqueBy === undefined ? null : fieldText(row, uniqueBy);
    return text === null || text.trim() === "" ? null : listKey(text);
  }

  #keep(question: Question, row: TaskRow): void {
    if (question.bucket !== "train") return void this.#heldOut.push(question);
    this.#trainable += 1;
    if (this.#sample === undefined) {
      if (this.#train.length < this.#source.count) this.#train.push(question);
      return;
    }
    const path = this.#source.balanceBy.map((field) => fieldText(row, field) ?? "");
    this.#sample.add(question, canonicalJson(question), path);
  }

  #report(file: string, row: number | null, { reason, detail }: { reason: string; detail: string }): void {
    const place = row === null ? file : `${file}, row ${row}`;
    if (this.#ports.strict) throw strictError(`${place}: ${detail}`);
    if (row !== null) this.#counts.bad += 1;
    const id = shortHash(`${sourceName(this.#source)}/${place}/${reason}`);
    this.#dropped.push({ schemaVersion: SCHEMA_VERSION, id, stage: "collect", reason, detail: `${place}: ${detail}` });
  }
}

/** An error's message without file and row, which stand before it; the file's place on this disk is no part of a record. */
function plainDetail({ message }: AppError, path: string, row: number | null): string {
  const rest = message.startsWith(path) ? message.slice(path.length).replace(/^[,:] /, "") : message;
  return row === null ? rest : rest.replace(new RegExp(`^row ${row}[,:] `), "");
}

function strictError(message: string): AppError {
  return new AppError("record-invalid", message, {
    hint: "mend the data, or leave out --strict (collect.strict) to report such rows and go on",
  });
}

type Reason = { readonly reason: string; readonly detail: string };

function readOrReason(row: TaskRow, source: DataSource, seed: number): Question | Reason {
  try {
    const question = questionOf(row, source, seed);
    if (question.answer === null || source.grader === "judge") return question;
    const gold = compileGold(question.answer, FILE_GRADERS[source.grader]);
    return gold.status === "error" ? { reason: "gold-error", detail: gold.reason } : question;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "record-invalid") throw error;
    return { reason: "bad-row", detail: plainDetail(error, "", row.number) };
  }
}
