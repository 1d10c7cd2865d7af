/** @file The tasks that come with Grappa, by name. Their data does not come with it. */
import { humaneval, humanevalPlus, mbpp, mbppPlus } from "./code-tasks.ts";
import { gpqaDiamond } from "./gpqa-task.ts";
import { livecodebench } from "./livecodebench-task.ts";
import { aime24, aime25, gsm8k, math500 } from "./maths-tasks.ts";
import type { TaskDefinition } from "./task-definition.ts";

/** Every task that reads a data file. */
export const TASKS: readonly TaskDefinition[] = [
  aime24,
  aime25,
  math500,
  gpqaDiamond,
  gsm8k,
  humaneval,
  humanevalPlus,
  mbpp,
  mbppPlus,
  livecodebench,
];

/** The task of that name or alias, whatever the case; undefined where there is none. */
export function findTask(name: string): TaskDefinition | undefined {
  const wanted = name.toLowerCase();
  return TASKS.find((task) => task.name === wanted || task.aliases.includes(wanted));
}
