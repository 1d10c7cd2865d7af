/**
 * @file Sources of questions that are data sets: files, and data sets of the Hugging Face Hub. Which rows are taken, and how a
 * row becomes a question, is data too: a closed set of tests and literal edits, nothing that is run.
 */
import { z } from "zod";

const field = (what: string) => z.string().max(200).describe(what);
const literal = (what: string) => z.string().min(1).max(65_536).describe(what);
const scalar = z.union([z.string().max(65_536), z.number(), z.boolean()]);

const OPERATORS = {
  equals: scalar.optional().describe("the field is this; compared as text"),
  notEquals: scalar.optional().describe("the field is anything but this"),
  in: z.array(scalar).min(1).max(100_000).optional().describe("the field is one of these"),
  notIn: z.array(scalar).min(1).max(100_000).optional().describe("the field is none of these"),
  isNull: z.boolean().optional().describe("true: the field is missing, null or blank; false: it holds something"),
  startsWith: literal("the field's text begins with this").optional(),
  contains: literal("the field's text has this in it, letter for letter").optional(),
  notContains: literal("the field's text does not have this in it").optional(),
  lessOrEqual: z.number().optional().describe("the field is a number, at most this"),
  greaterOrEqual: z.number().optional().describe("the field is a number, at least this"),
  listedIn: field("the field's text stands in the list of this name").optional(),
  notListedIn: field("the field's text does not stand in the list of this name").optional(),
} as const;

const NAMES = Object.keys(OPERATORS) as (keyof typeof OPERATORS)[];

const hasOneOperator = (test: Readonly<Record<string, unknown>>): boolean =>
  NAMES.filter((name) => test[name] !== undefined).length === 1;
const ONE_OPERATOR = `a test has a field and one of ${NAMES.join(", ")}`;

const testShape = { field: field("field that is looked at; parts of a nested one joined by dots"), ...OPERATORS };

/** One test of one field. */
export const RowTest = z.strictObject(testShape).refine(hasOneOperator, ONE_OPERATOR);
export type RowTest = z.infer<typeof RowTest>;

/** A test that holds, or another in its place. */
export const RowCondition = z
  .strictObject({
    ...testShape,
    or: z.array(RowTest).max(100).optional().describe("tests of which any may hold in its place"),
  })
  .refine(hasOneOperator, ONE_OPERATOR);
export type RowCondition = z.infer<typeof RowCondition>;

const List = z.strictObject({
  name: field("what tests call it"),
  data: z.string().min(1).describe("a data file seen from the recipe, or hf:OWNER/NAME@REVISION:PATH"),
  field: field("field whose texts are the list"),
});

const Edit = z.strictObject({
  find: literal("text to look for, letter for letter"),
  replace: z.string().max(10_000).default("").describe("what stands in its place"),
  toEnd: z.boolean().default(false).describe("everything after it goes too"),
  fromStart: z.boolean().default(false).describe("everything before it goes too"),
});

const Choices = z
  .strictObject({
    fields: z.array(field("field")).min(1).max(26).describe("fields that hold a choice each, or one that holds a list"),
    heading: z.string().max(200).default("Answer Choices:").describe("line before the choices; empty for none"),
    labels: z
      .enum(["letters", "none"])
      .default("letters")
      .describe("letters: (A), (B), ... before each; none: they have them"),
    answerIs: z
      .enum(["kept", "choice", "index"])
      .default("kept")
      .describe(
        "what the answer field holds: the answer itself; a choice's text; its place, from 0. The last two become its letter",
      ),
    shuffle: z.boolean().default(false).describe("in an order drawn by the recipe's seed and the question"),
  })
  .refine(({ shuffle, answerIs }) => !shuffle || answerIs !== "kept", "shuffle needs answerIs choice or index");

const mapping = {
  name: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe("what the source is called in records and rules; absent: the file's name, or the data set's id"),
  licence: z.string().max(500).optional().describe("terms of the data, for the data set's card; a note, not checked"),
  question: field("field that holds the question").default("question"),
  template: z
    .string()
    .min(1)
    .max(20_000)
    .optional()
    .describe(
      "the question as a text in which {column} stands for a column, {{ and }} for braces; instead of question",
    ),
  edits: z.array(Edit).max(100).default([]).describe("changes to the question's text, in order"),
  choices: Choices.optional().describe("choices put below the question"),
  answer: field("field that holds the reference answer; a row may lack it; empty: there is none").default("answer"),
  grader: z
    .enum(["maths", "choice", "judge"])
    .default("maths")
    .describe("how answers are compared; judge: no rule can, for example with a worked solution"),
  domain: field("field that holds the domain; absent: all rows are of one").optional(),
  kind: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe("s1's cot_type, for the exported data set: math, science, coding, ..."),
  part: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "which part of the source a row is from, as in s1's source_type: a text in which {column} stands for a column",
    ),
  metadata: z.array(field("field")).max(50).default([]).describe("short fields to keep with each question"),
  where: z.array(RowCondition).max(100).default([]).describe("tests that a row must pass, all of them"),
  lists: z.array(List).max(20).default([]).describe("lists of texts for the tests listedIn and notListedIn"),
  uniqueBy: field(
    "of rows with the same text in this field only the first that is a question is taken; rows without one all are",
  ).optional(),
  sample: z
    .int()
    .min(1)
    .optional()
    .describe("draw so many at random, by the recipe's seed; independent of their order"),
  balanceBy: z
    .array(field("field"))
    .max(5)
    .default([])
    .describe("the sample takes as many of each value of the first field as of every other; within these of the next"),
  holdOut: z
    .boolean()
    .default(true)
    .describe("a fifth of the questions, by a hash of their text, is kept from training; false: all may be trained on"),
  count: z.int().min(1).default(100_000).describe("most questions to take, in the source's order"),
  expectedCount: z
    .int()
    .min(1)
    .optional()
    .describe("questions it is known to give: what a plan counts with before it was read; another number is told of"),
  maxRowMegabytes: z.int().min(1).max(1024).default(16).describe("a longer row is reported and left out"),
} as const;

/** Questions from a file. */
export const FileSource = z.strictObject({
  type: z.literal("file").describe("questions of your own, in a file"),
  path: z.string().describe("a .jsonl, .json, .csv or .parquet file, seen from the recipe"),
  ...mapping,
});
export type FileSource = z.infer<typeof FileSource>;

/** Questions from the Hub. */
export const HubSource = z.strictObject({
  type: z
    .literal("hub")
    .describe("questions from a data set of the Hugging Face Hub, or of the hub that HF_ENDPOINT names"),
  id: z
    .string()
    .regex(/^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/)?[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/, "OWNER/NAME")
    .describe("the data set, OWNER/NAME"),
  revision: z
    .string()
    .regex(/^[^:@\s]{1,200}$/, "a branch, tag or commit")
    .default("main")
    .describe("branch, tag or commit; a commit never changes. refs/convert/parquet is the hub's own conversion"),
  parts: z
    .array(z.string().min(1).max(1024))
    .max(200)
    .default([])
    .describe("which data: each a file's path, CONFIG/SPLIT, or a split; empty: the only data file"),
  ...mapping,
});
export type HubSource = z.infer<typeof HubSource>;

/** A source that is a data set, read row by row. */
export type DataSource = FileSource | HubSource;

/** What a source is called: its own name, the file's, or the data set's id. */
export function sourceName(source: DataSource): string {
  if (source.name !== undefined) return source.name;
  return source.type === "hub" ? source.id : (source.path.split(/[\\/]/).at(-1) ?? source.path);
}
