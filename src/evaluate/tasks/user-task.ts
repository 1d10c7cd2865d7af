/** @file A user's own task as a definition like any benchmark's: prompt by template, verified by rule, code, judge or function. */
import { z } from "zod";
import { JUDGE_PROMPT_VERSION, judgePrompt, MAX_JUDGED_LENGTH, readJudgeAnswer } from "../../grade/judge-prompt.ts";
import type { CodeSpec } from "../../grade/code/code-spec.ts";
import { canonicalJson, shortHash } from "../../core/hash.ts";
import { Verdict } from "../../schema/evaluation.ts";
import type { TaskFile } from "../../schema/task-file.ts";
import { codeDraft, unscored } from "./code-draft.ts";
import type { FunctionVerifier } from "./define-task.ts";
import { fillTemplate } from "./fill-template.ts";
import { gradedDraft } from "./maths-tasks.ts";
import type { VerifierPorts } from "./task.ts";
import type { QuestionDraft, TaskDefinition } from "./task-definition.ts";
import {
  findField,
  jsonField,
  metadataOf,
  optionalTextField,
  rowError,
  type TaskRow,
  textField,
  textListField,
} from "./task-row.ts";

/** A checked task of a user's. */
export type UserTask = Omit<TaskFile, "verifier"> & { readonly verifier: TaskFile["verifier"] | FunctionVerifier };

type VerifierOf<Type extends UserTask["verifier"]["type"]> = Extract<UserTask["verifier"], { type: Type }>;

/** The definition of a user's task. Rows that ask the same are one question where they want the same answer. */
export function userTaskDefinition(task: UserTask): TaskDefinition {
  const { verifier } = task;
  return {
    name: task.name,
    aliases: [],
    version: task.version,
    promptVersion: `user-${shortHash(task.prompt).slice(0, 8)}`,
    profile: profileOf(verifier),
    needs: verifier.type === "code" ? ["codeRunner"] : verifier.type === "judge" ? ["judge"] : [],
    duplicates: "merge",
    source: task.data,
    licence: "the user's own",
    questions: null,
    layouts: [task.prompt],
    read: (row) => readUserRow(task, row),
  };
}

function profileOf(verifier: UserTask["verifier"]): string {
  switch (verifier.type) {
    case "grader":
      return verifier.profile;
    case "function":
      return `${verifier.name}@${verifier.version}`;
    default:
      return verifier.type;
  }
}

function readUserRow(task: UserTask, row: TaskRow): QuestionDraft {
  const prompt = fillTemplate(task.prompt, row, "prompt");
  if (prompt.trim() === "") throw rowError(row, "prompt", "empty once it is filled");
  const parts = {
    row,
    prompt,
    metadata: metadataOf(row, task.id === undefined ? task.metadata : [task.id, ...task.metadata]),
  };
  const { verifier } = task;
  switch (verifier.type) {
    case "grader":
      return graderDraft(verifier, parts);
    case "code":
      return codeTestsDraft(verifier, parts);
    case "judge":
      return judgeDraft(verifier, parts);
    case "function":
      return functionDraft(verifier, task.id, parts);
  }
}

interface DraftParts {
  readonly row: TaskRow;
  readonly prompt: string;
  readonly metadata: QuestionDraft["metadata"];
}

function graderDraft({ answer, profile }: VerifierOf<"grader">, parts: DraftParts): QuestionDraft {
  const gold = textField(parts.row, [answer]);
  return gradedDraft({ ...parts, gold, goldField: answer, profile, identity: [parts.prompt, gold] });
}

function codeTestsDraft(verifier: VerifierOf<"code">, { row, prompt, metadata }: DraftParts): QuestionDraft {
  const spec = codeSpecOf(verifier, row);
  return codeDraft({ prompt, metadata, identity: [prompt, JSON.stringify(spec)], spec: () => spec });
}

const StdinTests = z.array(z.object({ input: z.string(), output: z.string() })).min(1);

function codeSpecOf({ asserts, tests, setup }: VerifierOf<"code">, row: TaskRow): CodeSpec {
  if (tests !== undefined) {
    const parsed = StdinTests.safeParse(jsonField(row, [tests]).value);
    if (!parsed.success) throw rowError(row, tests, "expected a list of {input, output}, both texts, at least one");
    return { kind: "stdin", tests: parsed.data.map(({ input, output }) => ({ input, expected: output })) };
  }
  if (asserts === undefined) throw rowError(row, "verifier", "a code verifier needs asserts or tests");
  const value = findField(row, [asserts])?.value;
  const isOneText = typeof value === "string" && !value.trimStart().startsWith("[");
  const statements = isOneText ? [textField(row, [asserts])] : textListField(row, [asserts]);
  if (statements.length === 0) throw rowError(row, asserts, "no tests");
  return { kind: "asserts", setup: setup === undefined ? "" : optionalTextField(row, [setup]), asserts: statements };
}

function judgeDraft({ rubric: template }: VerifierOf<"judge">, { row, prompt, metadata }: DraftParts): QuestionDraft {
  const rubric = fillTemplate(template, row, "verifier.rubric");
  return {
    identity: [prompt, rubric],
    prompt,
    gold: null,
    metadata,
    verify: (reply, ports, signal) => verifyByJudge({ rubric, question: prompt, reply }, ports, signal),
  };
}

/** A judge that cannot be reached rejects, like any model that cannot; one that says no verdict leaves the reply unscored. */
async function verifyByJudge(
  judged: { rubric: string; question: string; reply: string },
  { judge }: VerifierPorts,
  signal: AbortSignal,
): Promise<Verdict> {
  const { reply } = judged;
  if (judge === undefined) return unscored("no judge to ask");
  const rule = `judge/${JUDGE_PROMPT_VERSION}/${judge.name}`;
  const none = { extracted: null, canonical: null, flexible: null, rule };
  if (reply.trim() === "") return { ...none, outcome: "no_answer", explanation: "the reply is empty" };
  if (reply.length > MAX_JUDGED_LENGTH)
    return {
      ...none,
      outcome: "answer_limit",
      explanation: `${reply.length} characters; ${MAX_JUDGED_LENGTH} are judged`,
    };
  const reading = readJudgeAnswer(await judge.ask(judgePrompt(judged), signal));
  const outcome = reading.status === "unreadable" ? "unscored" : reading.status;
  return { ...none, outcome, explanation: reading.reason };
}

const Answer = z.union([
  z.boolean(),
  Verdict.pick({ outcome: true, extracted: true, canonical: true, explanation: true })
    .partial({ extracted: true, canonical: true, explanation: true })
    .strict(),
]);

/** What a function looks at is not known, so all columns but the row's number are part of the question. */
function functionDraft(
  verifier: FunctionVerifier,
  id: string | undefined,
  { row, prompt, metadata }: DraftParts,
): QuestionDraft {
  const { [id ?? ""]: _id, ...values } = row.values;
  return {
    identity: [prompt, canonicalJson(values)],
    prompt,
    gold: null,
    metadata,
    verify: (reply, _ports, signal) => verifyByFunction(verifier, { reply, prompt, row: row.values, signal }),
  };
}

async function verifyByFunction(
  verifier: FunctionVerifier,
  reply: Parameters<FunctionVerifier["verify"]>[0],
): Promise<Verdict> {
  const rule = `function/${verifier.name}/${verifier.version}`;
  try {
    const parsed = Answer.safeParse(await untilAborted(verifier.verify(reply), reply.signal));
    if (!parsed.success) return { ...unscored("the verifier returned neither a boolean nor a verdict"), rule };
    const answer = typeof parsed.data === "boolean" ? { outcome: outcomeOf(parsed.data) } : parsed.data;
    const { outcome, extracted = null, canonical = null, explanation = "" } = answer;
    return { outcome, extracted, canonical: canonical ?? extracted, rule, explanation, flexible: null };
  } catch (error) {
    if (reply.signal.aborted) throw error;
    const words = error instanceof Error ? error.message : String(error);
    return { ...unscored(`the verifier failed: ${words.slice(0, 300)}`), rule };
  }
}

/** A verifier of the user's may never end and listen to nothing: a stop must not wait for it. */
async function untilAborted<T>(work: T | Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

const outcomeOf = (isCorrect: boolean): "correct" | "incorrect" => (isCorrect ? "correct" : "incorrect");
