import { joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";
import type { ChatFacts } from "../../report/page/chat-api.ts";
import { parseStudentConfig } from "../../student/checkpoint/student-config.ts";
import { findStudent } from "../find-student.ts";
import { heldOutQuestions } from "../stages/evaluation-passes.ts";
import type { PageReader } from "./page-reader.ts";
import { doneStamp, type RunFacts } from "./run-facts.ts";

const MAX_CONFIG_BYTES = 1 << 20;

/** What can be asked of the run's student; it is not opened. Throws as `findStudent` and "checkpoint-corrupt". */
export async function readChat(facts: RunFacts, { kept, ports: { fs } }: PageReader): Promise<ChatFacts> {
  return await kept.get(`chat ${facts.folder}`, doneStamp(facts), async () => {
    const path = joinPath(await findStudent(fs, facts.folder), "config.json");
    const { maxPositions } = parseStudentConfig(jsonOf(await fs.readText(path, MAX_CONFIG_BYTES), path));
    const { recipe } = facts;
    const [example] =
      recipe === undefined ? [] : heldOutQuestions({ ...recipe, evaluate: { ...recipe.evaluate, count: 1 } });
    return { run: facts.name, contextTokens: maxPositions, example: example?.text ?? null };
  });
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError("checkpoint-corrupt", `${path} is not JSON`, { cause });
  }
}
