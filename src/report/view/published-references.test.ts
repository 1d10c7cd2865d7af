import { expect, test } from "vitest";
import { PUBLISHED_TASKS, referencesFor } from "./published-references.ts";

test.each(PUBLISHED_TASKS.map(({ task }) => task))(
  "%s: s1's model among a few, each model once, none too near another",
  (task) => {
    const lines = referencesFor(task);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.filter(({ label }) => label.startsWith("s1-32B"))).toHaveLength(1);
    for (const { note } of lines) expect(note).toMatch(/n = (30|198|500), \d+–\d+ %$/);
    const names = lines.map(({ label }) => label.replace(/(, .*)? \d+\.\d %, published$/, ""));
    expect(new Set(names).size).toBe(lines.length);
    const steps = lines.slice(1).map(({ accuracy }, at) => (lines[at]?.accuracy ?? 0) - accuracy);
    for (const step of steps) expect(step).toBeGreaterThanOrEqual(0.065 - 1e-9);
  },
);

test("any other task has none", () => {
  expect(referencesFor("none")).toEqual([]);
});
