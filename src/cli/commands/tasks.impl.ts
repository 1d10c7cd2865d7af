import { FAMILY_TASKS, familyTask } from "../../evaluate/tasks/family-tasks.ts";
import { TASKS } from "../../evaluate/tasks/tasks.ts";
import { type CommonFlags, presenting } from "../command-result.ts";
import { count } from "../../report/number-format.ts";
import { wrapped } from "../../report/terminal-text.ts";

/** A task as it is listed. */
interface ListedTask {
  readonly name: string;
  readonly version: string;
  readonly aliases: readonly string[];
  readonly questions: number | null;
  readonly profile: string;
  readonly source: string;
  readonly licence: string;
  readonly needs: readonly string[];
}

/** Lists the tasks. */
export default presenting<CommonFlags, []>(() => {
  const listed = [...TASKS.map(benchmark), ...FAMILY_TASKS.map(family)];
  return Promise.resolve({ json: { tasks: listed }, text: listed.map(describeTask).join("\n") });
});

function benchmark({ name, version, aliases, questions, profile, source, licence, needs }: ListedTask): ListedTask {
  return { name, version, aliases, questions, profile, source, licence, needs };
}

function family(task: (typeof FAMILY_TASKS)[number]): ListedTask {
  const { name, version, profile, needs } = familyTask(task, { seed: 0, limit: 1 });
  const source = "made here: held-out questions of grappa's own family; needs no data";
  return { name, version, aliases: [], questions: null, profile, source, licence: "MIT", needs };
}

function describeTask({ name, version, questions, profile, source, licence, needs }: ListedTask): string {
  const size = questions === null ? "any number of" : count(questions);
  const needed = needs.includes("codeRunner") ? ", runs code" : needs.includes("judge") ? ", needs a judge" : "";
  return [
    `${name.padEnd(16)} ${size} questions, graded as ${profile}${needed}, version ${version}`,
    ...wrapped(`${source}. Licence: ${licence}.`),
  ].join("\n");
}
