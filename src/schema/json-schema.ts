/** @file JSON Schemas of everything on disk, for editors, Python and whoever else reads our files. */
import { z } from "zod";
import { ControlsRecord } from "./controls.ts";
import { Curation, DuplicateCluster } from "./curation.ts";
import { EvaluationHeader, EvaluationOrigin, EvaluationSample, EvaluationSpeed, RescoredSample } from "./evaluation.ts";
import { EvaluationComparison, EvaluationSummary } from "./evaluation-summary.ts";
import { GradeRequest, GradeRow } from "./grade-row.ts";
import { RunEventLine, RunHeader, RunManifest, StageManifest, Timing } from "./manifest.ts";
import { Recipe } from "./recipe.ts";
import {
  Attempt,
  Completion,
  Dropped,
  EpochOrder,
  Example,
  FunnelStage,
  GradedTrace,
  Question,
  QuestionDomain,
  Score,
  Selection,
  SourceReading,
  Trace,
  TraceFailure,
  TraceLength,
  TrainStep,
} from "./records.ts";
import { RunSummary } from "./result.ts";
import { TaskFile } from "./task-file.ts";
import { TriageLine } from "./triage.ts";

const SCHEMAS: Readonly<Record<string, { readonly schema: z.ZodType; readonly about: string }>> = {
  recipe: { schema: Recipe, about: "A whole experiment, as a person writes it." },
  question: { schema: Question, about: "A question." },
  attempt: { schema: Attempt, about: "A reference student's try at a question." },
  trace: { schema: Trace, about: "A teacher's answer to a question, with its reasoning." },
  "trace-failure": { schema: TraceFailure, about: "A question whose trace could not be had." },
  "graded-trace": { schema: GradedTrace, about: "What a grader says of a trace." },
  "trace-length": { schema: TraceLength, about: "How long a trace is to the student." },
  "question-domain": { schema: QuestionDomain, about: "The subject of a question, told by a model." },
  dropped: { schema: Dropped, about: "Why a row left the funnel." },
  curation: { schema: Curation, about: "curation.json: what the rules of a recipe's curate came to." },
  "duplicate-cluster": { schema: DuplicateCluster, about: "A kept question and its near-duplicates." },
  "source-reading": { schema: SourceReading, about: "What was read of one source: a line of sources.jsonl." },
  selection: { schema: Selection, about: "A trace chosen to train on." },
  example: { schema: Example, about: "A trace as token ids and labels." },
  "epoch-order": { schema: EpochOrder, about: "The order in which an epoch takes the examples." },
  "train-step": { schema: TrainStep, about: "One optimizer step." },
  completion: { schema: Completion, about: "A model's answer to a held-out question at one thinking setting." },
  score: { schema: Score, about: "Accuracy of a model at one thinking setting." },
  "funnel-stage": { schema: FunnelStage, about: "Rows kept and dropped by one stage." },
  "run-header": { schema: RunHeader, about: "run.json: written first." },
  "stage-manifest": { schema: StageManifest, about: "manifest.json of a stage: written last." },
  "run-manifest": { schema: RunManifest, about: "manifest.json of a run: written last." },
  timing: { schema: Timing, about: "A line of timings.jsonl." },
  "run-event": { schema: RunEventLine, about: "A line of events.jsonl." },
  triage: { schema: TriageLine, about: "A line of triage.jsonl: what was decided of a trace." },
  task: { schema: TaskFile, about: "A task of one's own, as a person writes it." },
  evaluation: { schema: EvaluationHeader, about: "evaluation.json: what is asked of which model; written first." },
  "evaluation-speed": { schema: EvaluationSpeed, about: "A line of speed.jsonl: seconds and tokens of one process." },
  "evaluation-origin": { schema: EvaluationOrigin, about: "origin.json: how an evaluation was begun." },
  "evaluation-sample": { schema: EvaluationSample, about: "A line of an evaluation's samples.jsonl." },
  "rescored-sample": { schema: RescoredSample, about: "A line of an evaluation's scores-N.jsonl." },
  "evaluation-summary": { schema: EvaluationSummary, about: "What an evaluation found, setting by setting." },
  "evaluation-comparison": { schema: EvaluationComparison, about: "Two evaluations of one task, paired by question." },
  "grade-request": { schema: GradeRequest, about: "A line that `grappa grade --jsonl` reads." },
  "grade-row": { schema: GradeRow, about: "A line that `grappa grade --jsonl` prints." },
  controls: { schema: ControlsRecord, about: "controls.json: what the controls of a run found." },
  result: { schema: RunSummary, about: "result.json, and the last line of `grappa demo --json`." },
};

/** Names of all schemas, in the order of the pipeline. */
export function schemaNames(): string[] {
  return Object.keys(SCHEMAS);
}

/** A JSON Schema (draft 2020-12) by name; of the form in which it is written, so fields with a default are optional. */
export function jsonSchemaOf(name: string): Readonly<Record<string, unknown>> | undefined {
  const entry = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined;
  if (!entry) return undefined;
  const { $schema, ...rest } = z.toJSONSchema(entry.schema, { io: "input" });
  return { $schema, title: `grappa ${name}`, description: entry.about, ...rest };
}
