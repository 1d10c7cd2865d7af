/**
 * @file The evaluate stage of a student that another serves: base and student answer the same held-out questions, each to
 * its natural end. Budgets, Waits and votes are not measured: no provider lets a caller hold thinking open or cut it.
 */
import { AppError } from "../../../core/errors.ts";
import { prng } from "../../../core/prng.ts";
import { scoreCompletions } from "../../../evaluate/score.ts";
import { judge } from "../../../evaluate/verdict.ts";
import { endpointPrice } from "../../../ledger/endpoint-price.ts";
import type { Endpoint } from "../../../schema/endpoint.ts";
import type { HostedStudent, Recipe } from "../../../schema/recipe.ts";
import { type Completion, type Grade, Question, SCHEMA_VERSION, type Trace } from "../../../schema/records.ts";
import type { StageContext, StageSummary } from "../../stage.ts";
import { type AskPorts, askEndpoint, askPortsOf } from "../ask-endpoint.ts";
import { holdsOut } from "../../sources/source-places.ts";
import { canGradeByRule, openReplyGrader } from "../grade-reply.ts";
import { openAsked } from "../open-teacher.ts";
import type { TeacherWorld } from "../teacher-world.ts";
import { baseEndpoint } from "./base-endpoint.ts";
import { countedThinkingTokens } from "./counted-tokens.ts";
import { HOSTED_MODEL_FILE, HostedModel } from "./train.ts";

/** The tuned model, at the price of its base. */
function studentEndpoint(base: Endpoint, model: string, { prices }: TeacherWorld): Endpoint {
  const { inputPerMillion, outputPerMillion } = endpointPrice(base, { overrides: prices });
  const price = { inputUsdPerMillion: inputPerMillion / 1e6, outputUsdPerMillion: outputPerMillion / 1e6 };
  return { ...base, name: "student", model, price };
}

/** What the answers depend on: not where the provider is reached, nor at what price. */
export function hostedEvaluation({ student, evaluate, seed, trace }: Recipe): object {
  const { type, maxTokens } = student.hosted as HostedStudent;
  const { count, bucket, difficulty } = evaluate;
  return { hosted: type, base: student.base, maxTokens, count, bucket, difficulty, seed, maxRetries: trace.maxRetries };
}

/** Puts held-out questions to base and student. Outputs what the stage always does. */
export async function evaluateAtProvider(
  context: StageContext,
  world: TeacherWorld,
  ofFamilies: (recipe: Recipe) => readonly Question[],
): Promise<StageSummary> {
  const { recipe, output } = context;
  const contextTokens = (recipe.student.hosted as HostedStudent).maxTokens;
  const questions = await heldOut(context, ofFamilies);
  const { model } = await context.input("train").readJson(HOSTED_MODEL_FILE, HostedModel);
  const base = baseEndpoint(recipe);
  const models = { base, student: studentEndpoint(base, model, world) };
  const ports = await askPortsOf(context, world);
  const completions: Completion[] = [];
  let [askedTokens, decodedTokens] = [0, 0];
  for (const name of ["base", "student"] as const)
    for await (const { completion, trace } of answersOf(name, models[name], { context, ports, questions })) {
      completions.push(completion);
      askedTokens += trace.usage.promptTokens;
      decodedTokens += trace.usage.completionTokens;
    }
  const families = new Map(questions.map(({ id, family }) => [id, family]));
  const scores = scoreCompletions(completions, { familyOf: (id) => families.get(id), contextTokens });
  await output.writeRows("questions.jsonl", questions);
  await output.writeRows("completions.jsonl", completions);
  await output.writeRows("scores.jsonl", scores);
  const verdict = judge(completions, { contextTokens });
  await output.writeJson("verdict.json", { schemaVersion: SCHEMA_VERSION, contextTokens, verdict, scaling: null });
  return {
    notes: { questions: questions.length, askedTokens, decodedTokens },
    outcome: `${questions.length} questions, ${completions.length} answers`,
  };
}

/** As many as the recipe wants; where there are files and families, half of each. */
async function heldOut(
  context: StageContext,
  ofFamilies: (recipe: Recipe) => readonly Question[],
): Promise<readonly Question[]> {
  const { recipe } = context;
  if (!holdsOut(recipe)) return ofFamilies(recipe);
  const { count } = recipe.evaluate;
  const fromFamilies = recipe.collect.sources.some(({ type }) => type === "family") ? Math.floor(count / 2) : 0;
  const families = ofFamilies({ ...recipe, evaluate: { ...recipe.evaluate, count: fromFamilies } });
  return [...families, ...(await heldOutOfFiles(context, count - fromFamilies))];
}

/** Those of the wanted bucket that a rule can grade, by a seeded draw. */
async function heldOutOfFiles({ recipe, input, warn }: StageContext, count: number): Promise<Question[]> {
  const { bucket } = recipe.evaluate;
  const all = await input("collect").readRows("held-out.jsonl", Question);
  const usable = all.filter((question) => question.bucket === bucket && canGradeByRule(question));
  const drawn = prng(`${recipe.seed}/held-out`).shuffle(usable.sort((a, b) => (a.id < b.id ? -1 : 1)));
  if (drawn.length < count) warn(`the files hold ${drawn.length} questions of bucket ${bucket}, of ${count} asked for`);
  return drawn.slice(0, count);
}

interface Asking {
  readonly context: StageContext;
  readonly ports: AskPorts;
  readonly questions: readonly Question[];
}

interface Answer {
  readonly completion: Completion;
  readonly trace: Trace;
}

async function* answersOf(
  name: "base" | "student",
  endpoint: Endpoint,
  { context, ports, questions }: Asking,
): AsyncGenerator<Answer> {
  const byId = new Map(questions.map((question) => [question.id, question]));
  const opened = openAsked(endpoint, ports.world, `the ${name}`);
  const grader = openReplyGrader(ports.signal);
  const onProgress: AskPorts["onProgress"] = ({ done, total }) =>
    context.progress({ done, total, unit: "answers", note: name });
  let failures = 0;
  try {
    const request = { account: "evaluate", questions, samples: { first: 0, count: 1 } } as const;
    for await (const outcome of askEndpoint(opened, request, { ...ports, onProgress })) {
      if (outcome.type === "failure") {
        failures += 1;
        continue;
      }
      const question = byId.get(outcome.trace.questionId) as Question;
      const grade = await grader.grade(question, outcome.trace.answer);
      yield { trace: outcome.trace, completion: completionOf(name, outcome.trace, { grade, endpoint }) };
    }
  } catch (error) {
    throw name === "student" ? notServed(error, endpoint) : error;
  } finally {
    await opened.close();
    await grader.close();
  }
  if (failures > 0) context.warn(`the ${name} gave no answer to ${failures} of ${questions.length} questions`);
}

/** Tuned models are served when their owner starts them, so that an unknown one is no mistake of the recipe. */
function notServed(error: unknown, { model }: Endpoint): unknown {
  if (!(error instanceof AppError) || error.data.status !== 404) return error;
  return new AppError(error.code, `${error.message}; the tuned model ${model} is not served yet`, {
    hint: "start an endpoint for it at its provider, then run again: what is paid is kept; stop the endpoint afterwards",
    data: { ...error.data, model },
    cause: error,
  });
}

function completionOf(
  model: Completion["model"],
  trace: Trace,
  { grade, endpoint }: { readonly grade: Grade; readonly endpoint: Endpoint },
): Completion {
  const { questionId, thinking, answer, usage, finishReason } = trace;
  const thinkingTokens = countedThinkingTokens(trace);
  const isCut = finishReason === "length";
  return {
    schemaVersion: SCHEMA_VERSION,
    questionId,
    model,
    setting: { mode: "think", budgetTokens: endpoint.maxTokens, waits: 0 },
    sampleIndex: 0,
    thinking,
    answer,
    thinkingTokens,
    answerTokens: Math.max(0, usage.completionTokens - thinkingTokens),
    end: isCut && answer === "" ? "cut" : "natural",
    answerFinish: isCut ? "length" : "stop",
    grade,
  };
}
