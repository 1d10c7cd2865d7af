/** @file Where each answer of a run's evaluation lies, and what a list shows of it: thinking is read when it is opened. */
import { AppError } from "../../core/errors.ts";
import { parseRecord } from "../../adapters/store/jsonl.ts";
import { type LinePlace, readLineAt } from "../../adapters/store/read-line-at.ts";
import { readLines } from "../../adapters/store/read-lines.ts";
import { naturalBudget } from "../../evaluate/paired-questions.ts";
import { answerKey } from "../../report/page/answer-view.ts";
import { Completion, Question, Score } from "../../schema/records.ts";
import { openStageAsItLies } from "../finished-stages.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

/** An answer without its texts, and where it lies. */
export interface IndexedAnswer extends Omit<Completion, "thinking" | "answer"> {
  readonly key: string;
  readonly place: LinePlace;
}

/** Every answer of an evaluation. */
export interface AnswerIndex {
  readonly path: string;
  readonly questions: ReadonlyMap<string, Question>;
  readonly answers: readonly IndexedAnswer[];
  /** Of all families together. */
  readonly scores: readonly Score[];
  /** The largest budget: a natural end's. */
  readonly naturalBudget: number;
}

/** Far more than any evaluation; a row is some hundred bytes. */
const MOST_ANSWERS = 500_000;

/** The index of a run, kept. Throws "file-missing" while its evaluation is not done, "limit-exceeded" where it is too large. */
export async function answerIndex(facts: RunFacts, { places, ports }: PageReader): Promise<AnswerIndex> {
  return await places.get(`answers ${facts.folder}`, doneStamp(facts), async () => {
    const input = await openStageAsItLies(ports.fs, facts.folder, "evaluate");
    const path = input.path("completions.jsonl");
    const questions = await input.readRows("questions.jsonl", Question);
    const scores = await input.readRows("scores.jsonl", Score);
    const answers = await readPlaces(path);
    return {
      path,
      questions: new Map(questions.map((question) => [question.id, question])),
      answers,
      scores: scores.filter(({ family }) => family === "all"),
      naturalBudget: naturalBudget(answers.map(({ setting }) => setting)),
    };
  });
}

async function readPlaces(path: string): Promise<IndexedAnswer[]> {
  const answers: IndexedAnswer[] = [];
  for await (const line of readLines(path)) {
    const { thinking: _thinking, answer: _answer, ...answer } = parseRecord(path, line, Completion);
    const place = { number: line.number, offset: line.offset, sizeBytes: line.bytes.length };
    answers.push({ ...answer, key: answerKey(answer), place });
    if (answers.length > MOST_ANSWERS)
      throw new AppError("limit-exceeded", `${path} has more than ${MOST_ANSWERS} answers; so many are not shown`);
  }
  return answers;
}

/** The answer, with its texts. Throws where the file has changed meanwhile. */
export async function readAnswerAt({ path }: AnswerIndex, { place }: IndexedAnswer): Promise<Completion> {
  return parseRecord(path, await readLineAt(path, place), Completion);
}
