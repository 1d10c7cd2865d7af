/** @file An evaluation from its flags to its summary: loads the task, opens the model, asks what is missing, sums up. */
import { randomBytes } from "node:crypto";
import { relative, resolve } from "node:path";
import { toSlashes } from "../../adapters/file-system.ts";
import type { Clock } from "../../adapters/system-clock.ts";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { answerAndGrade } from "../../evaluate/answer-and-grade.ts";
import type { EvaluatedModel } from "../../evaluate/evaluated-model.ts";
import {
  evaluationHeader,
  missingRequests,
  sampleKey,
  type WantedSettings,
  wantedSettings,
} from "../../evaluate/evaluation-plan.ts";
import { rowOfSample } from "../../evaluate/evaluation-rows.ts";
import { summariseEvaluation } from "../../evaluate/evaluation-summary.ts";
import type { Judge, LoadedTask, VerifierPorts } from "../../evaluate/tasks/task.ts";
import type { CodeRunner } from "../../grade/code/code-runner.ts";
import { CODE_GRADER_VERSION } from "../../grade/code/verify-code.ts";
import { GRADER_VERSION } from "../../grade/grade-answer.ts";
import { JUDGE_PROMPT_VERSION } from "../../grade/judge-prompt.ts";
import { formatUsd } from "../../ledger/money.ts";
import { accuracyChartSvg } from "../../report/charts/accuracy-chart.ts";
import { evaluationChart } from "../../report/view/evaluation-chart.ts";
import type { EvaluationHeader, EvaluationOrigin, EvaluationSpeed, SandboxFacts } from "../../schema/evaluation.ts";
import { SCHEMA_VERSION } from "../../schema/records.ts";
import type { Contamination, EvaluationSummary } from "../../schema/evaluation-summary.ts";
import type { LoadTaskOptions } from "../load-task.ts";
import { isTaskFile } from "../load-task-file.ts";
import type { CliServices, OpenSandboxOptions } from "../services.ts";
import type { StageProgress } from "../stage.ts";
import { type EndpointJudge, endpointJudge, type JudgeOptions } from "./endpoint-judge.ts";
import { findContamination } from "./find-contamination.ts";
import {
  appendSpeed,
  type EvaluationPorts,
  openEvaluation,
  readContamination,
  readSamples,
  readScores,
  readSpeed,
  removeSummary,
  writeContamination,
  writeSummary,
} from "./evaluation-folder.ts";
import type { OpenModelOptions } from "./open-model.ts";

/** What to evaluate. */
export interface EvaluateRequest {
  readonly task: Omit<LoadTaskOptions, "signal">;
  readonly samplesPerQuestion: number;
  readonly model: OpenModelOptions;
  readonly settings: WantedSettings;
  readonly sandbox: Omit<OpenSandboxOptions, "signal">;
  readonly judge?: JudgeOptions;
  /** Folder of the run that trained the student; its training questions are looked for among the task's. */
  readonly runFolder?: string;
  /** Folder of the evaluation; by default `evaluations/TASK-MODEL-ID` under `workingFolder`. */
  readonly out?: string;
  readonly workingFolder: string;
  /** The command that asks for this, for whoever goes on with it. */
  readonly command: string;
  readonly grappaVersion: string;
  readonly signal: AbortSignal;
}

/** The machine, and whoever looks on. */
export interface EvaluatePorts extends EvaluationPorts {
  readonly services: Pick<CliServices, "loadTask" | "openModel" | "openSandbox">;
  readonly clock: Pick<Clock, "now">;
  readonly onProgress: (progress: StageProgress) => void;
  readonly warn: (message: string) => void;
}

/** Everything opened, nothing asked yet. */
export interface PreparedEvaluation {
  readonly folder: string;
  readonly header: EvaluationHeader;
  readonly task: LoadedTask;
  readonly model: EvaluatedModel;
  readonly codeRunner: CodeRunner | undefined;
  readonly judge: EndpointJudge | undefined;
  close(): Promise<void>;
}

/** A finished evaluation. */
export interface EvaluationResult {
  readonly folder: string;
  readonly header: EvaluationHeader;
  readonly summary: EvaluationSummary;
  /** Undefined where the model is no run's student. */
  readonly contamination: Contamination | undefined;
  /** How fast the model was asked, over all processes; null where none was measured. */
  readonly speed: EvaluationSpeed | null;
}

/** The same, with what was spent on it by all processes: also on replies that came to nothing, and on the judge. */
export interface PaidEvaluation extends EvaluationResult {
  readonly spentMicroUsd: number;
}

/**
 * Loads the task and opens model and sandbox; asks nothing.
 *
 * @throws AppError as the services do; "usage" for settings that this model cannot be asked under.
 */
export async function prepareEvaluation(
  request: EvaluateRequest,
  services: EvaluatePorts["services"],
): Promise<PreparedEvaluation> {
  const { signal, settings: wanted, samplesPerQuestion } = request;
  const task = await services.loadTask({ ...request.task, signal });
  const judge = judgeFor(task, request.judge);
  const model = await services.openModel(request.model);
  const closers = [() => model.close(), async () => await judge?.close()];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0)) await one();
  };
  try {
    const codeRunner = task.needs.includes("codeRunner")
      ? await services.openSandbox({ ...request.sandbox, signal })
      : undefined;
    if (codeRunner) closers.push(() => codeRunner.close());
    const header = evaluationHeader({
      task,
      model,
      settings: wantedSettings(wanted, model.maxTokens),
      samplesPerQuestion,
      seed: request.model.seed,
      temperature: wanted.temperature,
      graderVersion: graderVersion(task, judge),
      sandbox: codeRunner ? sandboxFacts(codeRunner) : null,
      grappaVersion: request.grappaVersion,
    });
    refuseRepeatedGreed(header);
    const folder = resolve(request.workingFolder, request.out ?? `evaluations/${evaluationName(header)}`);
    return { folder, header, task, model, codeRunner, judge, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Asks what is missing, grades and keeps it, then sums up. The same request goes on after a stop of any kind, and what
 * is finished is never asked again.
 *
 * @throws AppError as `openEvaluation` and the model do; "interrupted" on the signal.
 */
export async function runEvaluation(
  prepared: PreparedEvaluation,
  request: EvaluateRequest,
  ports: EvaluatePorts,
): Promise<PaidEvaluation> {
  const { folder, header, task, model } = prepared;
  const evaluation = await openEvaluation(ports, folder, { header, origin: originOf(request, folder) });
  try {
    if (evaluation.tornBytes > 0)
      ports.warn(`a last line of ${evaluation.tornBytes} bytes was cut off by a crash; its sample is asked for again`);
    const requests = missingRequests(header, task.questions, evaluation.done);
    if (requests.length > 0) await removeSummary(ports.fs, folder);
    const total = task.questions.length * header.samplesPerQuestion * header.settings.length;
    let done = evaluation.done.size;
    const spent = (): number => model.spentMicroUsd() + (prepared.judge?.spentMicroUsd() ?? 0);
    const tell = (): void => {
      const note = spent() > 0 ? { note: formatUsd(spent()) } : {};
      ports.onProgress({ done, total, unit: "answers", ...note });
    };
    tell();
    if (request.runFolder !== undefined)
      await writeContamination(ports.fs, folder, await findContamination(ports.fs, request.runFolder, task));
    await prepared.judge?.attach(folder);
    const begun = ports.clock.now();
    const asking = answerAndGrade({
      model,
      requests,
      questions: new Map(task.questions.map((question) => [question.id, question])),
      ports: verifierPorts(prepared.codeRunner, prepared.judge),
      graderVersion: header.graderVersion,
      sandbox: header.sandbox,
      context: { folder, signal: request.signal, warn: ports.warn },
      write: async (sample) => {
        await evaluation.append(sample);
        done += 1;
        tell();
      },
    });
    await asking.finally(async () => {
      const seconds = (ports.clock.now() - begun) / 1000;
      const generatedTokens = model.generatedTokens();
      if (generatedTokens > 0 && seconds > 0)
        await appendSpeed(folder, { schemaVersion: SCHEMA_VERSION, seconds, generatedTokens });
    });
    return { ...(await sumUp(ports, folder, header)), spentMicroUsd: spent() };
  } finally {
    await evaluation.close();
  }
}

/** Sums an evaluation up from its log, with the newest verdicts, and writes summary.json. */
export async function sumUp(
  { fs }: Pick<EvaluatePorts, "fs">,
  folder: string,
  header: EvaluationHeader,
): Promise<EvaluationResult> {
  const rows = new Map<string, ReturnType<typeof rowOfSample>>();
  for await (const sample of readSamples(fs, folder, await readScores(fs, folder)))
    rows.set(sampleKey(sample), rowOfSample(sample));
  // Samples are logged as they come; the summary must not depend on that.
  const ordered = [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const summary = summariseEvaluation(ordered, { key: `evaluation/${header.id}` });
  await writeSummary(fs, folder, { summary, chartSvg: accuracyChartSvg(evaluationChart(summary)) });
  const [contamination, speed] = [await readContamination(fs, folder), await readSpeed(fs, folder)];
  return { folder, header, summary, contamination, speed };
}

/** What a rescoring needs to know of how this began; paths as seen from the evaluation, so that both can move together. */
function originOf({ task, workingFolder, command }: EvaluateRequest, folder: string): EvaluationOrigin {
  const { name, data } = task;
  const seen = (path: string): string => toSlashes(relative(folder, resolve(workingFolder, path)));
  return {
    schemaVersion: SCHEMA_VERSION,
    command,
    task: isTaskFile(name) ? seen(name) : name,
    data: data === undefined ? null : data.startsWith("hf:") ? data : seen(data),
  };
}

/** What verifiers may use. */
export function verifierPorts(codeRunner: CodeRunner | undefined, judge: Judge | undefined): VerifierPorts {
  const drawNonce = (): string => randomBytes(32).toString("hex");
  return { drawNonce, ...(codeRunner && { codeRunner }), ...(judge && { judge }) };
}

/** A sandbox as the log records it. */
export function sandboxFacts({ backend, version, isPartial }: CodeRunner): SandboxFacts {
  return { backend, version, isPartial };
}

/** `aime24-demo-0-3f9a2c`: readable, and another for every other evaluation. */
function evaluationName({ id, task, model }: EvaluationHeader): string {
  const slug = (text: string): string =>
    text
      .replace(/[^\w.-]+/g, "-")
      .replace(/^[-.]+|-+$/g, "")
      .slice(-40);
  return `${slug(task.name) || "task"}-${slug(model.name) || shortHash(model.name)}-${id.slice(0, 6)}`;
}

/**
 * The judge of a task that needs one; undefined for any other.
 *
 * @throws AppError "usage" where the task needs one and none is named.
 */
export function judgeFor(task: LoadedTask, options: JudgeOptions | undefined): EndpointJudge | undefined {
  if (!task.needs.includes("judge")) return undefined;
  if (options !== undefined) return endpointJudge(options);
  throw new AppError("usage", `task ${task.name} is graded by a judge, and there is none`, {
    hint: "give --judge-endpoint URL and --judge-model NAME",
  });
}

/** What verdicts depend on beside task and sandbox: the version of the grader that this task uses, and who judges. */
export function graderVersion({ needs }: Pick<LoadedTask, "needs">, judge: Judge | undefined): string {
  if (judge !== undefined) return `${JUDGE_PROMPT_VERSION} ${judge.name}`;
  return needs.includes("codeRunner") ? CODE_GRADER_VERSION : GRADER_VERSION;
}

function refuseRepeatedGreed({ samplesPerQuestion, temperature, model }: EvaluationHeader): void {
  if (samplesPerQuestion === 1 || temperature > 0 || model.kind !== "student") return;
  throw new AppError("usage", `${samplesPerQuestion} greedy samples of a student are the same sample`, {
    hint: "give --temperature 0.7, or one sample",
  });
}
