/** @file The public cases of Math-Verify. They were written with another default of `targets`; here they must hold with both. */
import { describe, expect, test } from "vitest";
import { casesOf, gradeText } from "./cases.ts";

interface VisibleCase {
  readonly gold: string;
  readonly pred: string;
  readonly expected: boolean;
  readonly category: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Labels that we call wrong, by line, each with its proof. */
const DISPUTED: ReadonlyMap<number, string> = new Map();

const cases = casesOf<VisibleCase>("maths-visible.jsonl");
const shorten = (text: string): string => (text.length > 60 ? `...${text.slice(-57)}` : text);

test("there are 85", () => expect(cases.length).toBe(85));

describe.each(cases.map((line) => [line.value.category, line] as const))("%s", (_category, { number, text, value }) => {
  const isExpected = DISPUTED.has(number) ? !value.expected : value.expected;
  const name = `line ${number}: ${shorten(value.gold)} and ${shorten(value.pred)}`;

  test(`${name}, as the command reads it`, () => {
    const { outcome } = gradeText(text);
    expect(outcome).not.toMatch(/_error$|_limit$/);
    expect(outcome === "correct").toBe(isExpected);
  });
});

const plain = cases.filter(({ value }) => value.options?.targets === undefined);

test(`the ${plain.length} that leave targets to the default hold with that project's default too`, () => {
  const wrong = plain.filter(({ value }) => {
    const { outcome } = gradeText(JSON.stringify({ ...value, options: { ...value.options, targets: ["expr"] } }));
    return (outcome === "correct") !== value.expected;
  });
  expect(plain.length).toBe(6);
  expect(wrong).toEqual([]);
});
