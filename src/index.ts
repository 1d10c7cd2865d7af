/** @file Grappa as a library: recipes, records, the thinking budget, and a student that runs in Node. */
export { openTokenSource } from "./adapters/engine/engine-token-source.ts";
export { type EngineHost, openEngine } from "./adapters/engine/open-engine.ts";
export { type ModelFolder, readModelFolder, writeModelFolder } from "./adapters/model-folder.ts";
export { AppError, type ErrorCode } from "./core/errors.ts";
export { generate, type GenerateRequest } from "./decode/generate.ts";
export { majorityVote } from "./decode/majority-vote.ts";
export type { Generation } from "./decode/row.ts";
export { sweep } from "./decode/sweep.ts";
export { type BudgetSetting, forbidden, startThinking, step } from "./decode/thinking-budget.ts";
export type { TokenSource } from "./decode/token-source.ts";
export { defineTask, defineVerifier, type FunctionVerifier, type TaskInput } from "./evaluate/tasks/define-task.ts";
export type { LoadedTask, TaskQuestion } from "./evaluate/tasks/task.ts";
export { parseTaskSpec } from "./evaluate/tasks/task-spec.ts";
export { gradeInteger } from "./grade/exact.ts";
export {
  answerClass,
  type CompiledGold,
  compileGold,
  gradeAnswer,
  type GoldReading,
  type GradeOptions,
  type GradeProfile,
} from "./grade/grade-answer.ts";
export { loadCutTask, loadTask, type LoadTaskOptions } from "./pipeline/load-task.ts";
export { bucketOf } from "./questions/bucket.ts";
export { collectQuestions } from "./questions/collect-questions.ts";
export { families } from "./questions/families.ts";
export type { Family, RuleFamily, TestsFamily } from "./questions/family.ts";
export { defineRecipe, Recipe, type RecipeInput } from "./schema/recipe.ts";
export * as records from "./schema/records.ts";
export { type ThinkingDelimiters, thinkingDelimiters } from "./tokenize/thinking-delimiters.ts";
