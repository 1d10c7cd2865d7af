/** @file Which columns of a data set hold question, reasoning and answer: known names, and what the rows have in them. */
import type { TaskRow } from "../evaluate/tasks/task-row.ts";
import { fieldText } from "./sources/row-conditions.ts";

/** The columns of a trace. */
export interface TraceColumns {
  readonly question: string;
  readonly thinking: string;
  readonly answer: string;
}

/** Columns as s1K, s1K-1.1 and their kin call them, best first. */
const QUESTIONS = ["question", "problem", "prompt"];
const ANSWERS = ["attempt", "response", "answer"];
/** Reasoning, and the answers it may go with: those of the same model only. */
const TRACES: readonly (readonly [thinking: string, answers: readonly string[]])[] = [
  ["thinking_trajectories.0", ANSWERS],
  ["deepseek_thinking_trajectory", ["deepseek_attempt"]],
  ["gemini_thinking_trajectory", ["gemini_attempt"]],
  ["thinking", ANSWERS],
  ["reasoning", ANSWERS],
  ["reasoning_content", ANSWERS],
];

/** Counts the rows that each choice of columns could use; columns that are `given` stand. */
export class TraceColumnCount {
  readonly #choices: readonly TraceColumns[];
  readonly #usable: number[];

  constructor(given: Partial<TraceColumns>) {
    this.#choices = choices(given);
    this.#usable = this.#choices.map(() => 0);
  }

  add(row: TaskRow): void {
    const filled = new Map<string, boolean>();
    const isFilled = (name: string): boolean => {
      const known = filled.get(name) ?? (fieldText(row, name) ?? "").trim() !== "";
      filled.set(name, known);
      return known;
    };
    for (const [index, { question, thinking, answer }] of this.#choices.entries())
      if (isFilled(question) && isFilled(thinking) && isFilled(answer))
        this.#usable[index] = (this.#usable[index] ?? 0) + 1;
  }

  /** The choice that most rows could use, of equals the better known; no fields where none could. */
  best(): { readonly fields: TraceColumns | undefined; readonly usable: number } {
    const usable = Math.max(0, ...this.#usable);
    return { usable, fields: usable === 0 ? undefined : this.#choices[this.#usable.indexOf(usable)] };
  }
}

function choices({ question, thinking, answer }: Partial<TraceColumns>): TraceColumns[] {
  const questions = question === undefined ? QUESTIONS : [question];
  return tracePairs(thinking, answer).flatMap((pair) => questions.map((name) => ({ question: name, ...pair })));
}

/** Pairs that fit what is given; a given column that nobody knows goes with every known one. */
function tracePairs(thinking: string | undefined, answer: string | undefined): Omit<TraceColumns, "question">[] {
  if (thinking !== undefined && answer !== undefined) return [{ thinking, answer }];
  const known = TRACES.flatMap(([name, answers]) => answers.map((one) => ({ thinking: name, answer: one })));
  const fitting = known
    .filter((pair) => pair.thinking === (thinking ?? pair.thinking))
    .filter((pair) => pair.answer === (answer ?? pair.answer));
  if (fitting.length > 0) return fitting;
  return known.map((pair) => ({ thinking: thinking ?? pair.thinking, answer: answer ?? pair.answer }));
}
