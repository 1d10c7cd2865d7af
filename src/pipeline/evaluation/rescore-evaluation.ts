/** @file Grades every sample of an evaluation again, from its log: no model is asked, and the log stays as it is. */
import { resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { mapAhead } from "../../core/map-ahead.ts";
import { sampleKey } from "../../evaluate/evaluation-plan.ts";
import type { TaskQuestion, VerifierPorts } from "../../evaluate/tasks/task.ts";
import type {
  EvaluationHeader,
  EvaluationSample,
  RescoredSample,
  SandboxFacts,
  Verdict,
} from "../../schema/evaluation.ts";
import { type GradeOutcome, SCHEMA_VERSION } from "../../schema/records.ts";
import { isTaskFile } from "../load-task-file.ts";
import type { HubAccess } from "../open-data.ts";
import type { OpenSandboxOptions } from "../services.ts";
import type { JudgeOptions } from "./endpoint-judge.ts";
import {
  type EvaluatePorts,
  type EvaluationResult,
  graderVersion,
  judgeFor,
  sandboxFacts,
  sumUp,
  verifierPorts,
} from "./evaluate-task.ts";
import {
  lockEvaluation,
  readOrigin,
  readSamples,
  readScores,
  requireComplete,
  writeScores,
} from "./evaluation-folder.ts";

/** What to grade again, with what. */
export interface RescoreRequest {
  readonly folder: string;
  readonly header: EvaluationHeader;
  /** Where the task's data is now; where it was when the evaluation began, unless told. */
  readonly data?: string;
  readonly sandbox: Omit<OpenSandboxOptions, "signal">;
  readonly judge?: JudgeOptions;
  readonly workingFolder: string;
  readonly hub?: HubAccess;
  readonly signal: AbortSignal;
}

/** A verdict that is another now. */
export interface ChangedVerdict {
  readonly questionId: string;
  readonly sampleIndex: number;
  readonly setting: EvaluationSample["setting"];
  readonly before: Pick<Verdict, "outcome" | "extracted" | "rule">;
  readonly after: Pick<Verdict, "outcome" | "extracted" | "rule">;
}

/** What a rescoring found. */
export interface RescoreResult extends EvaluationResult {
  /** Name of the file with the new verdicts. */
  readonly scores: string;
  readonly samples: number;
  /** Samples whose outcome is another than after the last grading. */
  readonly changed: number;
  /** How many went from one outcome to another, the most frequent first. */
  readonly moves: readonly { readonly from: GradeOutcome; readonly to: GradeOutcome; readonly count: number }[];
  /** The first changed samples, {@link MAX_EXAMPLES} at most. */
  readonly examples: readonly ChangedVerdict[];
}

/** Changed verdicts that are shown. */
export const MAX_EXAMPLES = 10;
const GRADING_AT_ONCE = 64;

/**
 * Grades all samples again and writes `scores-N.jsonl` whole, then a new summary. Samples that the model never gave stay
 * as they are.
 *
 * @throws AppError "usage" when the data is not known; "file-corrupt" or as `loadTask` when it is not what was evaluated;
 *   "run-locked"; "interrupted": nothing is written then.
 */
export async function rescoreEvaluation(request: RescoreRequest, ports: EvaluatePorts): Promise<RescoreResult> {
  const { folder, header, signal } = request;
  const { fs, services, onProgress } = ports;
  await requireComplete(fs, folder);
  const task = await services.loadTask({ ...(await taskSource(request, ports)), signal });
  if (task.sha256 !== header.task.sha256) throw otherData(header, task.sha256);
  const judge = judgeFor(task, request.judge);
  const codeRunner = task.needs.includes("codeRunner")
    ? await services.openSandbox({ ...request.sandbox, signal })
    : undefined;
  const lock = await lockEvaluation(ports, folder);
  try {
    await judge?.attach(folder);
    const tally = openTally();
    const total = header.task.questions * header.samplesPerQuestion * header.settings.length;
    const scores = rescored({
      samples: readSamples(fs, folder, await readScores(fs, folder)),
      questions: new Map(task.questions.map((question) => [question.id, question])),
      ports: verifierPorts(codeRunner, judge),
      graderVersion: graderVersion(task, judge),
      sandbox: codeRunner ? sandboxFacts(codeRunner) : null,
      signal,
      total,
      onScore: (before, after) => {
        tally.take(before, after);
        onProgress({ done: tally.samples(), total, unit: "samples" });
      },
    });
    const name = await writeScores(fs, folder, scores);
    return { ...(await sumUp(ports, folder, header)), scores: name, ...tally.result() };
  } finally {
    await lock.release();
    await codeRunner?.close();
    await judge?.close();
  }
}

/** Where the task's questions come from: what was asked must be found again, and its hash must be the same. */
async function taskSource(request: RescoreRequest, { fs }: Pick<EvaluatePorts, "fs">) {
  const { folder, header, data, workingFolder, hub } = request;
  const origin = await readOrigin(fs, folder);
  const from = data ?? fromFolder(folder, origin?.data ?? undefined);
  const name = origin === undefined ? header.task.name : origin.task;
  return {
    name: isTaskFile(name) ? resolve(folder, name) : name,
    ...(from === undefined ? {} : { data: from, sha256: header.task.sha256 }),
    seed: header.seed,
    limit: header.task.questions,
    workingFolder,
    ...(hub === undefined ? {} : { hub }),
  };
}

function fromFolder(folder: string, data: string | undefined): string | undefined {
  return data === undefined || data.startsWith("hf:") ? data : resolve(folder, data);
}

interface Rescoring {
  readonly samples: AsyncIterable<EvaluationSample>;
  readonly questions: ReadonlyMap<string, TaskQuestion>;
  readonly ports: VerifierPorts;
  readonly graderVersion: string;
  readonly sandbox: SandboxFacts | null;
  readonly signal: AbortSignal;
  /** Samples that a finished evaluation has. */
  readonly total: number;
  readonly onScore: (before: EvaluationSample, after: Verdict) => void;
}

async function* rescored(rescoring: Rescoring): AsyncGenerator<RescoredSample> {
  const { samples, questions, ports, signal, onScore } = rescoring;
  const graded = { graderVersion: rescoring.graderVersion, sandbox: rescoring.sandbox };
  const regrade = async (sample: EvaluationSample): Promise<[EvaluationSample, Verdict]> => {
    signal.throwIfAborted();
    const question = questions.get(sample.questionId);
    if (question === undefined) throw otherQuestion(sample.questionId);
    if (isWithoutReply(sample)) return [sample, sample.verdict];
    return [sample, await question.verify(sample.answer, ports, signal)];
  };
  const seen = new Set<string>();
  for await (const [sample, verdict] of mapAhead(samples, GRADING_AT_ONCE, regrade)) {
    if (seen.has(sampleKey(sample))) continue;
    seen.add(sampleKey(sample));
    onScore(sample, verdict);
    const { questionId, setting, sampleIndex } = sample;
    const place = { schemaVersion: SCHEMA_VERSION, questionId, setting, sampleIndex } as const;
    yield { ...place, verdict, ...graded };
  }
  if (seen.size < rescoring.total) throw shortLog(seen.size, rescoring.total);
}

/** A sample that the model never gave has nothing to grade. */
function isWithoutReply({ verdict }: EvaluationSample): boolean {
  return verdict.rule === "no-reply";
}

function openTally() {
  const moves = new Map<string, { from: GradeOutcome; to: GradeOutcome; count: number }>();
  const examples: ChangedVerdict[] = [];
  let samples = 0;
  let changed = 0;
  return {
    samples: () => samples,
    take: (sample: EvaluationSample, after: Verdict): void => {
      samples += 1;
      const { verdict: before, questionId, sampleIndex, setting } = sample;
      if (before.outcome === after.outcome) return;
      changed += 1;
      const key = `${before.outcome} ${after.outcome}`;
      const move = moves.get(key) ?? { from: before.outcome, to: after.outcome, count: 0 };
      moves.set(key, { ...move, count: move.count + 1 });
      if (examples.length < MAX_EXAMPLES)
        examples.push({ questionId, sampleIndex, setting, before: brief(before), after: brief(after) });
    },
    result: () => ({ samples, changed, moves: [...moves.values()].sort((a, b) => b.count - a.count), examples }),
  };
}

function brief({ outcome, extracted, rule }: Verdict): ChangedVerdict["before"] {
  return { outcome, extracted, rule };
}

function otherData({ task }: EvaluationHeader, sha256: string): AppError {
  return new AppError("file-corrupt", `task ${task.name}: the data is not what was evaluated`, {
    hint: `give the data with SHA-256 ${task.sha256} by --data`,
    data: { expected: task.sha256, found: sha256 },
  });
}

/** Summed up, what is left of a log would look like a whole evaluation. */
function shortLog(found: number, total: number): AppError {
  return new AppError("file-corrupt", `the log holds ${found} of ${total} samples, although it was finished once`, {
    hint: "restore samples.jsonl, or run the command of origin.json again: it asks for what is missing alone",
    data: { found, total },
  });
}

function otherQuestion(questionId: string): AppError {
  return new AppError("file-corrupt", `the log holds question ${questionId}, which the task does not have`, {
    hint: "give the data that was evaluated by --data, with the version of the task that asked it",
    data: { questionId },
  });
}
