import { readModelFolder } from "../../adapters/model-folder.ts";
import { AppError } from "../../core/errors.ts";
import { dropByDifficulty, dropUngraded } from "../../curate/difficulty.ts";
import { buildFunnel } from "../../curate/funnel.ts";
import { attemptSettings } from "../../evaluate/settings.ts";
import { describeEndpoint } from "../../schema/endpoint.ts";
import type { StageNotes } from "../../schema/manifest.ts";
import type { Recipe } from "../../schema/recipe.ts";
import { type Attempt, Question, SCHEMA_VERSION } from "../../schema/records.ts";
import type { Stage, StageContext, StageSummary } from "../stage.ts";
import { answerQuestions } from "./answer-questions.ts";
import { askPortsOf } from "./ask-endpoint.ts";
import { attemptByStudents } from "./ask-students.ts";
import type { EngineProvider } from "./engine-provider.ts";
import { checkAsked } from "./gates.ts";
import { teacherIdentity } from "./open-teacher.ts";
import type { GradedReply } from "./grade-generation.ts";
import { tryByLauncher } from "./launched/attempt.ts";
import { isAskedByLauncher } from "./launched/evaluate.ts";
import { checkLauncher } from "./launched/train.ts";
import type { LaunchedWorld } from "./launched/launched-world.ts";
import { purchaseProgress } from "./purchase-progress.ts";
import type { TeacherWorld } from "./teacher-world.ts";
import { judgeIdentity } from "./verify-answers.ts";

/** Tokens an attempt may answer with; the demo's answers have three. */
const ANSWER_TOKENS = 16;
const BATCH_SIZE = 64;

/**
 * The base tries every candidate: what it solves, or what is not in the recipe's band, never costs a trace. Outputs `attempts.jsonl`,
 * `questions.jsonl` (what is left) and `dropped.jsonl`.
 */
export function attemptStage(engine: EngineProvider, world: TeacherWorld, launched?: LaunchedWorld): Stage {
  return {
    name: "attempt",
    inputs: ["collect"],
    facts: ({ student }) => (student.hosted ? [] : ["baseWeights", "tokenizer", "chatTemplate", "kernelBuild"]),
    codeVersion: 1,
    config: attemptConfig,
    plan: ({ attempt, student }) =>
      student.hosted
        ? `tried by ${attempt.students.map(({ model }) => model).join("; then ") || "nobody"}`
        : `the base tries every candidate: ${attempt.modes.join(" and ") || "not at all"}${attempt.students.map(({ model }) => `; then ${model}`).join("")}`,
    check: async (recipe) => {
      await checkOwnTries(recipe, launched);
      checkAsked(
        recipe.attempt.students.map((endpoint) => ({ endpoint, called: "the reference student" })),
        recipe,
        world,
      );
    },
    run: async (context) => {
      const isElsewhere = isAskedByLauncher(context.recipe, launched);
      if (context.recipe.attempt.modes.length > 0 && !isElsewhere) await launched?.bringBaseWeights(context.signal);
      return await attempt(context, world, (questions) =>
        launched !== undefined && isElsewhere
          ? askBaseByLauncher(context, launched, questions)
          : askBase(context, engine, questions),
      );
    },
  };
}

/** What can be known before: a launcher that cannot be had, a base that the embedded engine cannot hold. */
async function checkOwnTries(recipe: Recipe, launched: LaunchedWorld | undefined): Promise<void> {
  const { attempt, student, train } = recipe;
  if (train.launcher === undefined || launched === undefined || attempt.modes.length === 0) return;
  if (isAskedByLauncher(recipe, launched)) return await checkLauncher(train.launcher, launched);
  if (launched.isHeldHere) return;
  throw new AppError(
    "recipe-invalid",
    `attempt.modes: ${student.base} is too large for the embedded engine to try the questions here`,
    {
      hint: "set evaluate.on to auto or launcher: the launcher asks it then; or attempt.modes to []",
      data: { modes: attempt.modes, base: student.base },
    },
  );
}

/** Without students nothing is said of them, so that runs of before keep their keys. A base elsewhere does not try. */
function attemptConfig({ attempt, trace, train, evaluate, student, judge, difficulty, curate }: Recipe): unknown {
  const { students, samples, ...own } = attempt;
  // A launcher leaves as much room for the base's answers as the evaluation does.
  const mayBeLaunched = train.launcher !== undefined && evaluate.on !== "embedded" && own.modes.length > 0;
  const room = mayBeLaunched ? { answerTokens: evaluate.answerTokens } : {};
  const base = { ...(student.hosted ? {} : own), ...room, ...(difficulty.keep === "unsolved" ? {} : { difficulty }) };
  if (students.length === 0) return base;
  const judged = judge === undefined ? {} : { judge: judgeIdentity(judge) };
  const asked = { students: students.map(teacherIdentity), samples, maxRetries: trace.maxRetries };
  return { ...base, ...asked, ...judged, ...(curate?.quality === "s1" ? { requireGrades: true } : {}) };
}

async function attempt(
  context: StageContext,
  world: TeacherWorld,
  askBase: (questions: readonly Question[]) => Promise<BaseTries>,
): Promise<StageSummary> {
  const questions = await context.input("collect").readRows("questions.jsonl", Question);
  const hasTries = !context.recipe.student.hosted && context.recipe.attempt.modes.length > 0;
  const { attempts: byBase, notes } = hasTries
    ? await askBase(questions)
    : { attempts: [], notes: { decodedTokens: 0 } };
  const { difficulty } = context.recipe;
  const left = difficulty.keep === "unsolved" ? dropByDifficulty(questions, byBase, difficulty).kept : questions;
  const byStudents = await writeAttempts(context, byBase, (write) =>
    askStudents(context, { world, questions: left, write }),
  );
  const hard = dropByDifficulty(questions, [...byBase, ...byStudents.attempts], difficulty);
  const { kept, dropped: ungraded } = dropUngraded(hard.kept, byStudents.attempts, gradedBy(context.recipe));
  const dropped = [...hard.dropped, ...ungraded];
  await context.output.writeRows("questions.jsonl", kept);
  await context.output.writeRows("dropped.jsonl", dropped);
  return {
    funnel: [buildFunnel("attempt", questions.length, { kept, dropped })],
    notes: { ...notes, ...byStudents.notes },
  };
}

/** Students without whose grade a question is dropped: under s1's quality all of them. */
function gradedBy({ attempt: { students }, curate }: Pick<Recipe, "attempt" | "curate">): string[] {
  return curate?.quality === "s1" ? students.map(describeEndpoint) : [];
}

/** What the base made of the questions. */
interface BaseTries {
  readonly attempts: readonly Attempt[];
  readonly notes: StageNotes;
}

/** What the base of this machine makes of the questions. */
async function askBase(
  { recipe, baseFolder, signal, progress }: StageContext,
  provider: EngineProvider,
  questions: readonly Question[],
): Promise<BaseTries> {
  const model = await readModelFolder(baseFolder);
  const replies = await answerQuestions(await provider(), model, questions, {
    settings: attemptSettings(recipe.attempt),
    answerTokens: ANSWER_TOKENS,
    batchSize: BATCH_SIZE,
    signal,
    onProgress: (done, total) => progress({ done, total, unit: "attempts" }),
  });
  return triesOf(questions, replies, `base-${model.weightHash.slice(0, 16)}`);
}

/** What a base makes of them that a launcher asks. */
async function askBaseByLauncher(
  context: StageContext,
  launched: LaunchedWorld,
  questions: readonly Question[],
): Promise<BaseTries> {
  const { attempt, evaluate } = context.recipe;
  const { answerTokens } = evaluate;
  const asked = { questions, settings: attemptSettings(attempt), answerTokens };
  const { replies, model, costMicroUsd, isEstimated } = await tryByLauncher(context, launched, asked);
  const tries = triesOf(questions, replies, model);
  return costMicroUsd === 0 ? tries : { ...tries, notes: { ...tries.notes, costMicroUsd, isEstimated } };
}

function triesOf(
  questions: readonly Question[],
  replies: readonly (readonly GradedReply[])[],
  model: string,
): BaseTries {
  const attempts = questions.flatMap(({ id }, i) =>
    (replies[i] ?? []).map(({ setting, thinking, answer, thinkingTokens, grade }): Attempt => {
      const text = thinking === "" ? answer : `${thinking}\n${answer}`;
      const mode = setting.mode;
      return {
        schemaVersion: SCHEMA_VERSION,
        questionId: id,
        model,
        mode,
        sampleIndex: 0,
        text,
        thinkingTokens,
        grade,
      };
    }),
  );
  const decodedTokens = replies
    .flat()
    .reduce((sum, { thinkingTokens, answerTokens }) => sum + thinkingTokens + answerTokens, 0);
  return { attempts, notes: { decodedTokens } };
}

/** Writes the base's attempts, then the students' as they come. */
async function writeAttempts<T>(
  { output }: StageContext,
  byBase: readonly Attempt[],
  ask: (write: (attempt: Attempt) => Promise<void>) => Promise<T>,
): Promise<T> {
  const file = await output.openRows("attempts.jsonl");
  try {
    for (const row of byBase) await file.write(row);
    const asked = await ask((row) => file.write(row));
    await file.close();
    return asked;
  } catch (error) {
    await file.abandon();
    throw error;
  }
}

interface Students {
  readonly world: TeacherWorld;
  readonly questions: readonly Question[];
  readonly write: (attempt: Attempt) => Promise<void>;
}

/** What the students made of the questions; their texts are on the disk alone, for they are long. */
async function askStudents(
  context: StageContext,
  { world, questions, write }: Students,
): Promise<{ readonly attempts: readonly Attempt[]; readonly notes: StageNotes }> {
  const { progress, recipe } = context;
  const { students, samples } = recipe.attempt;
  if (students.length === 0) return { attempts: [], notes: {} };
  const outcomes = attemptByStudents(questions, {
    ...(await askPortsOf(context, world)),
    students,
    samples,
    judge: recipe.judge,
    asksAll: recipe.difficulty.keep === "pass-rate",
    onProgress: (now) => progress(purchaseProgress(now, "attempts")),
  });
  const attempts: Attempt[] = [];
  const notes = { askedTokens: 0, answeredTokens: 0, studentMicroUsd: 0, studentFailures: 0 };
  for await (const outcome of outcomes) {
    if (outcome.type === "failure") {
      notes.studentFailures += 1;
      continue;
    }
    const { attempt: row, reply } = outcome;
    await write(row);
    attempts.push({ ...row, text: "" });
    notes.askedTokens += reply.usage.promptTokens;
    notes.answeredTokens += reply.usage.completionTokens;
    notes.studentMicroUsd += reply.costMicroUsd;
  }
  return { attempts, notes };
}
