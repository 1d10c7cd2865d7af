/** @file Reads what a plan is made from: the run's folder as far as it is, the recipe's question files, the tokenizer. Changes nothing. */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { readTokenizerFolder } from "../adapters/model-folder.ts";
import { readJsonl } from "../adapters/store/jsonl.ts";
import { AppError } from "../core/errors.ts";
import { dropDuplicates } from "../curate/duplicates.ts";
import { parametersByName } from "../curate/student-size.ts";
import type { PriceOverride } from "../ledger/price-override.ts";
import { collectQuestions } from "../questions/collect-questions.ts";
import { BUCKET_PERCENT } from "../questions/bucket.ts";
import { families } from "../questions/families.ts";
import { type HubSource, sourceName } from "../schema/question-source.ts";
import type { StageName } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { Question } from "../schema/records.ts";
import { parseStudentConfig, saysBf16 } from "../student/checkpoint/student-config.ts";
import { parameterCount } from "../student/parameters.ts";
import { BYTES_PER_TOKEN } from "./plan-assumptions.ts";
import type { PlanFacts, QuestionFacts } from "./plan-figures.ts";
import { readSolved } from "./plan-solved.ts";
import type { PlannedStage } from "./plan-run.ts";
import { readPurchases } from "./run-spending.ts";
import { readSource } from "./sources/read-source.ts";
import { isAttempted } from "./stages/ask-students.ts";
import { canGradeByRule, hasVerifier } from "./stages/grade-reply.ts";
import { inspectStage, stageFolder } from "./stage-folder.ts";

/** Where to look. */
export interface PlanSources {
  readonly recipe: Recipe;
  /** Folder that the recipe's files are seen from. */
  readonly recipeFolder: string;
  readonly baseFolder: string;
  /** The run's folder; need not exist. */
  readonly runFolder: string;
  /** What `planRun` found of its stages. */
  readonly planned: readonly PlannedStage[];
  readonly now: Date;
  readonly overrides?: readonly PriceOverride[];
}

/** So many questions are enough to know how long they are. */
const COUNTED_TEXTS = 500;

/** Everything that is known of a run before it is run, or run on. */
export async function readPlanFacts(fs: FileSystem, sources: PlanSources): Promise<PlanFacts> {
  const { runFolder, now, planned, overrides = [] } = sources;
  return {
    now,
    overrides,
    questions: await readQuestions(fs, sources),
    purchases: await readPurchases(fs, runFolder),
    solved: await readSolved((stage, file) => finishedFile(fs, sources, stage, file)),
    stages: planned.map(({ stage, key, status }) => ({ stage, key, isDone: status === "done" })),
    ...(await readStudent(fs, sources)),
    examples: await readExamples(fs, sources),
  };
}

const MAX_CONFIG_BYTES = 1 << 20;

/** By the base's config.json where it is here and of a kind we read, else by its name. */
export async function readStudent(
  fs: FileSystem,
  { recipe, baseFolder }: Pick<PlanSources, "recipe" | "baseFolder">,
): Promise<Pick<PlanFacts, "studentParameters" | "studentShape">> {
  const { student } = recipe;
  if (student.hosted !== undefined) return { studentParameters: parametersByName(student) };
  try {
    const text = await fs.readText(joinPath(baseFolder, "config.json"), MAX_CONFIG_BYTES);
    const json: unknown = JSON.parse(text);
    const config = parseStudentConfig(json);
    const parameters = parameterCount(config);
    return { studentParameters: parameters, studentShape: { parameters, config, isBf16: saysBf16(json) } };
  } catch (error) {
    if (error instanceof AppError || error instanceof SyntaxError)
      return { studentParameters: parametersByName(student) };
    throw error;
  }
}

/** What the tokenize stage counted, once it is done. */
async function readExamples(fs: FileSystem, { runFolder, planned }: PlanSources): Promise<PlanFacts["examples"]> {
  const done = planned.find(({ stage, status }) => stage === "tokenize" && status === "done");
  if (done?.key === undefined) return undefined;
  const state = await inspectStage(fs, stageFolder(runFolder, "tokenize", done.key), "sizes");
  if (state.status !== "done") return undefined;
  const { tokens, meanTokens, longestTokens } = state.manifest.notes;
  if (typeof tokens !== "number" || typeof meanTokens !== "number" || typeof longestTokens !== "number")
    return undefined; // a hosted run's notes tell no lengths
  return { tokens, meanTokens, longestTokens };
}

/** A file of a stage that is done; undefined where the stage is not, or has no such file. */
async function finishedFile(
  fs: FileSystem,
  { runFolder, planned }: PlanSources,
  stage: StageName,
  file: string,
): Promise<string | undefined> {
  const done = planned.find((one) => one.stage === stage && one.status === "done");
  if (done?.key === undefined) return undefined;
  const path = joinPath(stageFolder(runFolder, stage, done.key), file);
  return (await fs.kind(path)) === "file" ? path : undefined;
}

async function readQuestions(fs: FileSystem, sources: PlanSources): Promise<QuestionFacts> {
  const collected = await finishedFile(fs, sources, "collect", "questions.jsonl");
  const questions = collected === undefined ? await sourceQuestions(sources) : await collectedQuestions(collected);
  const sumOf = (pick: (part: SourcePart) => number): number => questions.reduce((sum, part) => sum + pick(part), 0);
  const [count, unruled, judged, doubted] = [
    sumOf((one) => one.count),
    sumOf((one) => one.unruled),
    sumOf((one) => one.judged),
    sumOf((one) => one.doubted),
  ];
  const texts = spreadOver(questions.flatMap(({ texts: own }) => own));
  const { countedBy, isEstimated, tokensOf } = await openCounter(sources.baseFolder);
  return {
    count,
    tokens: texts.map(tokensOf),
    countedBy,
    isEstimated,
    unruledShare: unruled / Math.max(1, count),
    judgedShare: judged / Math.max(1, count),
    doubtedShare: doubted / Math.max(1, count - unruled),
    from: collected === undefined ? describeParts(questions) : "collected",
  };
}

/** Where the questions are from, in a few words; many sources by their number. */
function describeParts(parts: readonly SourcePart[]): string {
  const unread = parts.filter(({ texts, count }) => texts.length === 0 && count > 0).length;
  const from = parts.length > 4 ? `${parts.length} sources` : parts.map(({ from: name }) => name).join(", ");
  return unread === 0 ? from : `${from}; ${unread} of the hub, by what the recipe expects`;
}

/** Questions of one source. */
interface SourcePart {
  readonly from: string;
  readonly count: number;
  /** Of these, without a verifier and a reference answer; and with the latter alone. */
  readonly unruled: number;
  /** Of these, those whose reference a judge can read. */
  readonly judged: number;
  readonly doubted: number;
  /** Some of the texts, or all. */
  readonly texts: readonly string[];
}

async function collectedQuestions(path: string): Promise<SourcePart[]> {
  const questions: Question[] = [];
  for await (const question of readJsonl(path, Question)) questions.push(question);
  return [partOf("collected", questions)];
}

async function sourceQuestions({ recipe, recipeFolder }: PlanSources): Promise<SourcePart[]> {
  const parts: SourcePart[] = [];
  for (const source of recipe.collect.sources) {
    if (source.type === "file") {
      const ports = { recipeFolder, signal: NEVER, seed: recipe.seed, strict: recipe.collect.strict };
      const { train } = await readSource(source, ports);
      parts.push(partOf(source.path, dropDuplicates(train).kept));
    } else if (source.type === "hub") {
      parts.push(unreadPart(source));
    } else {
      const { family, count, difficulty } = source;
      const drawn = { family: families[family], difficulty, bucket: "train", seed: recipe.seed } as const;
      const some = collectQuestions({ ...drawn, count: Math.min(count, COUNTED_TEXTS) });
      parts.push({ ...partOf(`family ${family}`, some), count });
    }
  }
  return parts;
}

/** Files are read to the end, as they are for a run. */
const NEVER = new AbortController().signal;
/** Share of a data set's questions that may be trained on where it holds some out. */
const TRAINED_SHARE = (BUCKET_PERCENT.pretrain + BUCKET_PERCENT.train) / 100;

/** A data set of the hub, of which a plan reads nothing: it counts what the recipe expects, else the most it takes. */
function unreadPart(source: HubSource): SourcePart {
  const { expectedCount, sample, count, answer, grader, holdOut } = source;
  const most = Math.min(expectedCount ?? count, sample ?? count, count);
  const trained = expectedCount === undefined || !holdOut ? most : Math.round(most * TRAINED_SHARE);
  const unruled = answer === "" || grader === "judge" ? trained : 0;
  return {
    from: sourceName(source),
    count: trained,
    unruled,
    judged: answer === "" ? 0 : unruled,
    doubted: trained - unruled,
    texts: [],
  };
}

const partOf = (from: string, questions: readonly Question[]): SourcePart => ({
  from,
  count: questions.length,
  unruled: questions.filter((question) => !canGradeByRule(question)).length,
  judged: questions.filter((question) => !canGradeByRule(question) && isAttempted(question, true)).length,
  doubted: questions.filter((question) => canGradeByRule(question) && !hasVerifier(question)).length,
  texts: spreadOver(questions.map(({ text }) => text)),
});

/** At most so many, evenly spread. */
function spreadOver(texts: readonly string[]): string[] {
  const step = Math.max(1, texts.length / COUNTED_TEXTS);
  return Array.from({ length: Math.min(texts.length, COUNTED_TEXTS) }, (_, i) => texts[Math.floor(i * step)] as string);
}

/** Counts with the student's tokenizer where it is here. */
async function openCounter(baseFolder: string) {
  try {
    const { tokenizer } = await readTokenizerFolder(baseFolder);
    return {
      countedBy: "the student's tokenizer",
      isEstimated: false,
      tokensOf: (text: string) => tokenizer.countUser(text),
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const tokensOf = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);
    return { countedBy: `bytes / ${BYTES_PER_TOKEN}`, isEstimated: true, tokensOf };
  }
}
