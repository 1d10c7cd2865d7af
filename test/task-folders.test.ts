/** @file Each task's folder says what the task itself says, and holds no data. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FAMILY_TASKS } from "../src/evaluate/tasks/family-tasks.ts";
import { TASKS } from "../src/evaluate/tasks/tasks.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

describe.each(TASKS)("tasks/$name", (task) => {
  const readme = readFileSync(join(root, "tasks", task.name, "README.md"), "utf8");

  it("names version, prompt, source, licence and fields as the task does", () => {
    expect(readme).toContain(`| version | ${task.version} `);
    expect(readme).toContain(`| prompt | \`${task.promptVersion}\` |`);
    for (const text of [task.source, task.licence, ...task.layouts, ...task.aliases]) expect(readme).toContain(text);
  });
});

it("there is a folder for each task, with a README and nothing else", () => {
  const folders = readdirSync(join(root, "tasks"));
  expect(folders.sort()).toEqual([...TASKS.map(({ name }) => name), ...FAMILY_TASKS].sort());
  for (const folder of folders) expect(readdirSync(join(root, "tasks", folder))).toEqual(["README.md"]);
});

it("docs/tasks.md has a row for each task, with its version", () => {
  const page = readFileSync(join(root, "docs/tasks.md"), "utf8");
  for (const { name, version } of TASKS)
    expect(page).toMatch(new RegExp(`\\| \\[${name}\\]\\(.*\\) \\| ${version} \\|`));
});

it("names and aliases are each of one task", () => {
  const names = TASKS.flatMap(({ name, aliases }) => [name, ...aliases]);
  expect(new Set(names).size).toBe(names.length);
});
