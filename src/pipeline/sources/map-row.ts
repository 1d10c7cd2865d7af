/** @file From a row of a data set to a question, as the source's mapping says. */
import { prng } from "../../core/prng.ts";
import { fillTemplate } from "../../evaluate/tasks/fill-template.ts";
import {
  excerpt,
  findField,
  metadataOf,
  optionalTextField,
  rowError,
  type TaskRow,
  textField,
} from "../../evaluate/tasks/task-row.ts";
import { fileBucketOf, questionId } from "../../questions/bucket.ts";
import { type DataSource, sourceName } from "../../schema/question-source.ts";
import { type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import { fieldAt } from "./row-conditions.ts";

/** Longest question that a record holds, characters. */
const MAX_QUESTION_LENGTH = 65_536;
const MAX_DOMAIN_LENGTH = 200;
const MAX_PART_LENGTH = 200;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/**
 * The question of a row.
 *
 * @throws AppError "record-invalid" naming row and field: what is missing, of another kind, too long, or no text.
 */
export function questionOf(raw: TaskRow, source: DataSource, seed: number): Question {
  const row = withNested(raw, source);
  const asked = baseText(row, source);
  const { below, answer } = answerAndChoices(row, source, { asked, seed });
  const text = checked(row, source.question, `${asked}${below}`);
  if (text.length > MAX_QUESTION_LENGTH)
    throw rowError(row, source.question, `${text.length} characters exceed the limit of ${MAX_QUESTION_LENGTH}`);
  const part = source.part === undefined ? "" : partOf(row, source.part);
  return {
    schemaVersion: SCHEMA_VERSION,
    id: questionId(text),
    text,
    answer: answer === "" ? null : checked(row, source.answer, answer),
    family: source.type,
    domain: domainOf(row, source),
    difficulty: 1,
    bucket: source.holdOut ? fileBucketOf(text) : "train",
    metadata: {
      ...checkedMetadata(row, source.metadata),
      grader: source.grader,
      sourceName: sourceName(source),
      ...(source.kind === undefined ? {} : { kind: source.kind }),
      ...(part === "" ? {} : { part }),
    },
  };
}

/** Fields of a data set that a source reads; of a template those that it names. */
export function fieldsOf(source: DataSource): string[] {
  const { question, template, choices, answer, domain, part, metadata, where, uniqueBy, balanceBy } = source;
  const asked = template === undefined ? [question] : columnsOf(template);
  const tested = where.flatMap((test) => [test.field, ...(test.or ?? []).map((other) => other.field)]);
  const named = [
    answer,
    domain,
    uniqueBy,
    ...columnsOf(part ?? ""),
    ...(choices?.fields ?? []),
    ...metadata,
    ...tested,
    ...balanceBy,
  ];
  return [...new Set([...asked, ...named.filter((name) => name !== undefined && name !== "")])] as string[];
}

const columnsOf = (template: string): string[] =>
  [...template.matchAll(/\{([^{}]*)\}/g)].map(([, name = ""]) => name.trim());

/** The row with nested fields that the source names as fields of their own. */
function withNested(row: TaskRow, source: DataSource): TaskRow {
  const nested = fieldsOf(source).filter((name) => name.includes(".") && !Object.hasOwn(row.values, name));
  if (nested.length === 0) return row;
  const found = nested.map((name) => [name, fieldAt(row, name)]).filter(([, value]) => value !== undefined);
  return { number: row.number, values: { ...row.values, ...Object.fromEntries(found) } };
}

function baseText(row: TaskRow, { question, template, edits }: DataSource): string {
  let text =
    template === undefined
      ? textField(row, [question], MAX_QUESTION_LENGTH)
      : fillTemplate(template, row, "template").trim();
  for (const { find, replace, toEnd, fromStart } of edits) {
    const at = text.indexOf(find);
    if (at < 0) continue;
    const [before, after] = [fromStart ? "" : text.slice(0, at), toEnd ? "" : text.slice(at + find.length)];
    text = toEnd || fromStart ? `${before}${replace}${after}` : text.replaceAll(find, () => replace);
    if (toEnd) text = text.trimEnd();
  }
  if (text.trim() === "")
    throw rowError(row, template === undefined ? question : "template", "empty once it is filled");
  return text;
}

interface Answered {
  /** What stands below the question. */
  readonly below: string;
  readonly answer: string;
}

function answerAndChoices(
  row: TaskRow,
  { choices, answer: field }: DataSource,
  { asked, seed }: { readonly asked: string; readonly seed: number },
): Answered {
  if (choices === undefined) return { below: "", answer: field === "" ? "" : optionalTextField(row, [field]) };
  const { heading, labels, answerIs, shuffle } = choices;
  const options = optionsOf(row, choices.fields);
  const order = options.map((_, place) => place);
  const shown = shuffle ? prng(`${seed}/choices/${questionId(asked)}`).shuffle(order) : order;
  const lines = shown.map((place, at) => `${labels === "letters" ? `(${LETTERS[at]}) ` : ""}${options[place]}`);
  const below = `\n${heading === "" ? "" : `${heading}\n`}${lines.join("\n")}`;
  if (answerIs === "kept") return { below, answer: field === "" ? "" : optionalTextField(row, [field]) };
  const right = rightPlace(row, field, { options, answerIs });
  return { below, answer: LETTERS[shown.indexOf(right)] ?? "" };
}

/** Texts of the choices; each on one line. */
function optionsOf(row: TaskRow, fields: readonly string[]): string[] {
  const options = fields.flatMap((name) => {
    const value = findField(row, [name])?.value;
    if (!Array.isArray(value)) return [textField(row, [name], MAX_QUESTION_LENGTH)];
    return value.map((item: unknown, at) =>
      textField({ number: row.number, values: { [`${name}[${at}]`]: item } }, [`${name}[${at}]`], MAX_QUESTION_LENGTH),
    );
  });
  if (options.length > LETTERS.length) throw rowError(row, fields[0] ?? "", `${options.length} choices`);
  return options.map(oneLine);
}

/** A text's lines, trimmed, as one; blank ones are left out. */
function oneLine(text: string): string {
  // Not by a pattern of white space around line breaks: it starts anew at every blank, the square of a long run of them.
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}

function rightPlace(
  row: TaskRow,
  field: string,
  { options, answerIs }: { readonly options: readonly string[]; readonly answerIs: "choice" | "index" },
): number {
  const text = textField(row, [field], MAX_QUESTION_LENGTH).trim();
  const place = answerIs === "index" ? Number(text) : options.indexOf(oneLine(text));
  if (options[place] !== undefined) return place;
  throw rowError(row, field, `${excerpt(text)} is none of the ${options.length} choices`);
}

/** A row without a domain is of one with all others like it. */
function domainOf(row: TaskRow, source: DataSource): string {
  const { domain } = source;
  if (domain === undefined || findField(row, [domain]) === undefined) return sourceName(source);
  return checked(row, domain, optionalTextField(row, [domain], MAX_DOMAIN_LENGTH)) || sourceName(source);
}

/** The part's name, cut where it is too long. */
function partOf(row: TaskRow, template: string): string {
  const name = checked(row, "part", fillTemplate(template, row, "part"));
  return name.slice(0, MAX_PART_LENGTH).replace(/[\ud800-\udbff]$/, ""); // the first half of a pair that the cut went through
}

function checkedMetadata(row: TaskRow, names: readonly string[]): ReturnType<typeof metadataOf> {
  const metadata = metadataOf(row, names);
  for (const [name, value] of Object.entries(metadata)) if (typeof value === "string") checked(row, name, value);
  return metadata;
}

/** Text that every program can hold: NUL ends it in some, and half a surrogate pair is no character. */
function checked(row: TaskRow, field: string, text: string): string {
  const nul = text.indexOf("\0");
  if (nul >= 0) throw rowError(row, field, `a NUL character, at ${nul}`);
  const half = /\p{Surrogate}/u.exec(text);
  if (half !== null) throw rowError(row, field, `half a surrogate pair, at ${half.index}: no character`);
  return text;
}
