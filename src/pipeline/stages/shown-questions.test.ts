import { expect, test } from "vitest";
import { type Completion, type Question, SCHEMA_VERSION } from "../../schema/records.ts";
import { chooseShownQuestions } from "./shown-questions.ts";

const CONTEXT = 512;

function question(id: string): Question {
  const text = `question ${id}`;
  return {
    schemaVersion: SCHEMA_VERSION,
    id,
    text,
    answer: "1",
    family: "f",
    domain: "d",
    difficulty: 3,
    bucket: "test",
    metadata: {},
  };
}

interface Reply {
  readonly budgetTokens?: number;
  readonly waits?: number;
  readonly isRight: boolean;
  readonly thinking?: string;
  readonly model?: "base" | "student";
  readonly end?: "natural" | "cut";
}

function completion(questionId: string, reply: Reply): Completion {
  const { budgetTokens = CONTEXT, waits = 0, isRight, thinking = "x", model = "student", end = "natural" } = reply;
  return {
    schemaVersion: SCHEMA_VERSION,
    questionId,
    model,
    setting: { mode: "think", budgetTokens, waits },
    sampleIndex: 0,
    thinking,
    answer: "1",
    thinkingTokens: 1,
    answerTokens: 1,
    end,
    answerFinish: "stop",
    grade: { outcome: isRight ? "correct" : "incorrect", extracted: "1", rule: "r" },
  };
}

/** Replies at a small cap, the natural end and one Wait. */
const replies = (id: string, [cap, natural, wait]: readonly [boolean, boolean, boolean]): Completion[] => [
  completion(id, { budgetTokens: 16, isRight: cap, end: "cut" }),
  completion(id, { isRight: natural }),
  completion(id, { waits: 1, isRight: wait }),
];

test("shows what thinking longer mends and what it spoils, failures included, whatever the order of the rows", () => {
  const questions = ["a", "b", "c", "d", "e", "f", "g", "h"].map((letter) => question(letter.repeat(16)));
  const kinds = [
    [true, true, true], // a: nothing to see
    [false, true, true], // b: mended by thinking to the end
    [false, false, true], // c: mended by Wait
    [false, true, false], // d: mended by thinking, spoilt by Wait
    [true, true, false], // e: spoilt by Wait
    [false, false, false], // f: never right
    [true, true, true], // g
    [false, true, true], // h: a third that thinking mends; two are enough
  ] as const;
  const completions = questions.flatMap(({ id }, place) => replies(id, kinds[place] ?? [true, true, true]));
  const shown = chooseShownQuestions(questions, completions, CONTEXT).map((one) => one.question.id[0]);
  expect(shown).toEqual(["c", "b", "d", "e", "f", "a"]);
  expect(
    chooseShownQuestions([...questions].reverse(), [...completions].reverse(), CONTEXT).map(
      (one) => one.question.id[0],
    ),
  ).toEqual(shown);
});

test("the machine's own words are marked: each Wait, and what follows a cut", () => {
  const id = "a".repeat(16);
  const [shown] = chooseShownQuestions(
    [question(id)],
    [
      completion(id, { model: "base", isRight: false }),
      completion(id, { budgetTokens: 16, isRight: false, thinking: "a+1", end: "cut" }),
      completion(id, { isRight: true, thinking: "a+1 2+1=3" }),
      completion(id, { waits: 1, isRight: true, thinking: "a+1 2+1=3\nWait\na+1 2+1:3\nWait, no" }),
      completion(id, { waits: 2, isRight: true, thinking: "a+1 2+1=3\nWait\na+1 2+1:3\nWait, no\nWait\nyes" }),
    ],
    CONTEXT,
  );
  const [base, cap, natural, once, twice] = shown?.replies ?? [];
  expect(base?.completion.model).toBe("base");
  expect(cap?.answer).toEqual([
    { text: "Final Answer: ", isForced: true },
    { text: "1", isForced: false },
  ]);
  expect(natural?.thinking).toEqual([{ text: "a+1 2+1=3", isForced: false }]);
  // The second Wait is the model's own word: only the first was forced.
  expect(once?.thinking).toEqual([
    { text: "a+1 2+1=3", isForced: false },
    { text: "\nWait", isForced: true },
    { text: "\na+1 2+1:3\nWait, no", isForced: false },
  ]);
  expect(twice?.thinking.filter(({ isForced }) => isForced)).toHaveLength(2);
});
