/**
 * @file A launcher for tests whose jobs live in a folder and run by the clock alone, so that a job goes on while no process of
 * ours does: whoever looks sees how far it has come. It trains nothing; its student is its base.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JobHandle, JobSpec, JobStatus, Launcher } from "../../src/adapters/launchers/launcher.ts";
import { AppError } from "../../src/core/errors.ts";
import { EVENT_MARK, type TrainingEvent, TrainingJob } from "../../src/schema/training-job.ts";

/** What happens to a try. */
export interface FakeTry {
  /** It fails before the trainer starts: its node is gone, its program cannot be made. */
  readonly neverStarts?: boolean;
  /** The machine is lost after this step; nothing is said of it. */
  readonly lostAfter?: number;
  /** The trainer gives up after this step with such a failure. */
  readonly failure?: { readonly after: number; readonly code: "row-too-long" | "tokenizer-differs" | "error" };
  /** The loss of a step, instead of a curve that falls. */
  readonly loss?: (step: number) => number | null;
}

/** How the fake behaves. */
export interface FakeLauncherOptions {
  /** Where its jobs are kept. */
  readonly folder: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly type?: JobHandle["launcher"];
  readonly place?: string;
  readonly gpus?: number;
  readonly queueMs?: number;
  /** From the start of a try to its first step. */
  readonly loadMs?: number;
  readonly stepMs?: number;
  /** By try, from 1. */
  readonly tries?: (number: number) => FakeTry;
  /** Called before each call, to fail it: its name, and how often it was called before. */
  readonly fault?: (call: string, before: number) => void;
  /** The folder of an adapter, which it had no memory to merge. */
  readonly adapter?: string;
  /** Finds no job; their outputs are there. */
  readonly isForgetful?: boolean;
  /** Tells no times of its own. */
  readonly isSilent?: boolean;
}

interface FakeJob {
  readonly id: string;
  readonly submittedAt: number;
  readonly config: TrainingJob;
  readonly timeoutSeconds: number | null;
  readonly base: string;
  readonly from: number;
  /** Milliseconds of the tries before, by the trainer's clock. */
  readonly ranBefore: number;
  readonly cancelledAt: number | null;
}

type FakeEnd = { readonly at: number; readonly state: JobStatus["state"]; readonly detail: string } | undefined;

/** See the file's head. */
export class FakeLauncher implements Launcher {
  readonly type: JobHandle["launcher"];
  readonly graceSeconds = 0;
  readonly gpus: number;
  readonly calls: string[] = [];
  readonly #options: FakeLauncherOptions;

  constructor(options: FakeLauncherOptions) {
    this.#options = options;
    this.type = options.type ?? "ray";
    this.gpus = options.gpus ?? 8;
  }

  async gpusOnce(): Promise<number> {
    return await Promise.resolve(this.gpus);
  }

  async place(): Promise<string> {
    return await Promise.resolve(this.#options.place ?? "the fake");
  }

  async find(name: string): Promise<JobHandle | undefined> {
    this.#enter("find");
    const last = this.#options.isForgetful === true ? undefined : this.#jobs(name).at(-1);
    return await Promise.resolve(last && this.#handle(name, last));
  }

  async submit(spec: JobSpec): Promise<JobHandle> {
    this.#enter("submit");
    const jobs = this.#jobs(spec.name);
    const last = jobs.at(-1);
    const state = last && this.#statusOf(last, jobs.length).state;
    const stands = state === "queued" || state === "running" || (state === "succeeded" && spec.again !== true);
    if (last !== undefined && stands) return this.#handle(spec.name, last);
    const bytes = spec.files.find(({ path }) => path === "config.json");
    const base = spec.files.find(({ path }) => path === "base");
    const config = TrainingJob.parse(
      JSON.parse(bytes && "bytes" in bytes ? new TextDecoder().decode(bytes.bytes) : ""),
    );
    const events = this.#events(spec.name);
    const ran = Math.max(0, ...events.map(({ elapsedSeconds = 0 }) => elapsedSeconds)) * 1000;
    const job: FakeJob = {
      id: `job-${jobs.length + 1}`,
      submittedAt: this.#options.now(),
      config,
      timeoutSeconds: spec.timeoutSeconds,
      base: base && "from" in base ? base.from : "",
      from: events.reduce((step, event) => (event.type === "checkpoint" ? event.step : step), 0),
      ranBefore: ran,
      cancelledAt: null,
    };
    this.#save(spec.name, [...jobs, job]);
    this.#enter("submitted");
    return await Promise.resolve(this.#handle(spec.name, job));
  }

  async status({ name, id }: JobHandle): Promise<JobStatus> {
    this.#enter("status");
    const jobs = this.#jobs(name);
    const place = jobs.findIndex((job) => job.id === id);
    const job = jobs[place];
    if (job === undefined) throw new AppError("provider-permanent", `no job ${id}`);
    return await Promise.resolve(this.#statusOf(job, place + 1));
  }

  async *logs({ name, id }: JobHandle, signal: AbortSignal): AsyncIterable<string> {
    this.#enter("logs");
    let told = 0;
    while (!signal.aborted) {
      const events = this.#events(name);
      yield "a line of no event";
      for (const event of events.slice(Math.max(0, told - 2)))
        yield `(RayTrainWorker pid=1) ${EVENT_MARK}${JSON.stringify(event)} [repeated 2x across cluster]`;
      told = events.length;
      const jobs = this.#jobs(name);
      const place = jobs.findIndex((job) => job.id === id);
      const job = jobs[place];
      if (job === undefined || this.#endOf(job, place + 1) !== undefined) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async cancel({ name, id }: JobHandle): Promise<void> {
    this.#enter("cancel");
    const at = this.#options.now();
    this.#save(
      name,
      this.#jobs(name).map((job) => (job.id === id ? { ...job, cancelledAt: job.cancelledAt ?? at } : job)),
    );
    await Promise.resolve();
  }

  async fetch({ name }: JobHandle, path: string, to: string): Promise<boolean> {
    this.#enter(`fetch ${path}`);
    if (path === "events.jsonl") {
      writeFileSync(
        to,
        this.#events(name)
          .map((event) => `${JSON.stringify(event)}\n`)
          .join(""),
      );
      return true;
    }
    const { adapter } = this.#options;
    if (path === "adapter" && adapter !== undefined) cpSync(adapter, to, { recursive: true });
    if (path !== "final") return path === "adapter" && adapter !== undefined;
    const base = this.#jobs(name).at(-1)?.base ?? "";
    if (!existsSync(base)) return false;
    cpSync(base, to, { recursive: true });
    rmSync(join(to, "README.md"), { force: true });
    return await Promise.resolve(true);
  }

  async close(): Promise<void> {}

  #enter(call: string): void {
    const before = this.calls.filter((one) => one === call).length;
    this.calls.push(call);
    this.#options.fault?.(call, before);
  }

  #handle(name: string, { id }: FakeJob): JobHandle {
    return { launcher: this.type, name, id, folder: null };
  }

  #path(name: string): string {
    return join(this.#options.folder, `${name}.json`);
  }

  #jobs(name: string): FakeJob[] {
    return existsSync(this.#path(name)) ? (JSON.parse(readFileSync(this.#path(name), "utf8")) as FakeJob[]) : [];
  }

  #save(name: string, jobs: readonly FakeJob[]): void {
    mkdirSync(this.#options.folder, { recursive: true });
    writeFileSync(`${this.#path(name)}.tmp`, JSON.stringify(jobs));
    renameSync(`${this.#path(name)}.tmp`, this.#path(name));
  }

  #startOf(job: FakeJob): number {
    return job.submittedAt + (this.#options.queueMs ?? 0);
  }

  /** When and how a try ends, if it has by now. */
  #endOf(job: FakeJob, number: number): FakeEnd {
    const { stepMs = 1000, loadMs = 2000, tries } = this.#options;
    const script = tries?.(number) ?? {};
    const start = this.#startOf(job);
    const at = (step: number): number => start + loadMs + (step - job.from) * stepMs;
    const ends: Exclude<FakeEnd, undefined>[] = [
      { at: at(job.config.totalSteps) + stepMs, state: "succeeded", detail: "" },
    ];
    if (script.neverStarts === true) ends.push({ at: start, state: "failed", detail: "gone" });
    if (script.lostAfter !== undefined && script.lostAfter >= job.from)
      ends.push({ at: at(script.lostAfter) + 1, state: "failed", detail: "node lost" });
    if (script.failure !== undefined)
      ends.push({ at: at(script.failure.after) + 1, state: "failed", detail: "exit 3" });
    if (job.config.stopAfterSeconds !== null)
      ends.push({
        at: start + job.config.stopAfterSeconds * 1000 - job.ranBefore,
        state: "succeeded",
        detail: "stopped",
      });
    if (job.timeoutSeconds !== null)
      ends.push({ at: start + job.timeoutSeconds * 1000, state: "timed-out", detail: "" });
    if (job.cancelledAt !== null) ends.push({ at: job.cancelledAt, state: "cancelled", detail: "cancelled" });
    const [first] = ends.sort((a, b) => a.at - b.at);
    return first !== undefined && first.at <= this.#options.now() ? first : undefined;
  }

  #statusOf(job: FakeJob, number: number): JobStatus {
    const end = this.#endOf(job, number);
    const start = this.#startOf(job);
    const isQueued = this.#options.now() < start;
    const { isSilent = false } = this.#options;
    return {
      state: end?.state ?? (isQueued ? "queued" : "running"),
      detail: end?.detail ?? (isQueued ? "waiting for a node" : "running"),
      startedAt: isQueued || isSilent || (end !== undefined && end.at < start) ? null : start,
      endedAt: isSilent ? null : (end?.at ?? null),
      exitCode: end === undefined ? null : end.state === "succeeded" ? 0 : 1,
      gpus: null,
    };
  }

  /** Everything that all tries of a name have said until now. */
  #events(name: string): TrainingEvent[] {
    return this.#jobs(name).flatMap((job, i) => this.#eventsOf(job, i + 1));
  }

  #eventsOf(job: FakeJob, number: number): TrainingEvent[] {
    const { stepMs = 1000, loadMs = 2000, tries, now } = this.#options;
    const script = tries?.(number) ?? {};
    const end = this.#endOf(job, number);
    const until = Math.min(now(), end?.at ?? Number.POSITIVE_INFINITY);
    const start = this.#startOf(job);
    // As the trainer counts: since its process began, loading included, after what the events before tell.
    const elapsed = (ms: number): number => (job.ranBefore + ms - start) / 1000;
    const at = (ms: number) => ({ schemaVersion: 1 as const, time: ms / 1000, elapsedSeconds: elapsed(ms) });
    if (until < start + loadMs / 2) return [];
    const events: TrainingEvent[] = [startEvent(at(start + loadMs / 2), job, this.gpus)];
    let last = job.from;
    const model = this.#options.adapter === undefined ? "final" : "adapter";
    for (let step = job.from + 1; step <= job.config.totalSteps; step++) {
      const time = start + loadMs + (step - job.from) * stepMs;
      if (time > until) break;
      last = step;
      const loss = script.loss === undefined ? 1 + 2 / Math.sqrt(step) : script.loss(step);
      events.push(stepEvent(at(time), { step, loss, job, stepMs }));
      if (step % job.config.checkpointEverySteps === 0)
        events.push({ type: "checkpoint", ...at(time), step, path: `checkpoint-${step}` });
    }
    if (end?.detail === "stopped") {
      if (last > job.from) events.push({ type: "checkpoint", ...at(end.at), step: last, path: `checkpoint-${last}` });
      events.push({ type: "end", ...at(end.at), outcome: "stopped", step: last, seconds: 1, model: null });
    } else if (end?.state === "succeeded")
      events.push({ type: "end", ...at(end.at), outcome: "completed", step: last, seconds: 1, model });
    else if (end?.state === "failed" && script.failure !== undefined)
      events.push({
        type: "failure",
        ...at(end.at),
        code: script.failure.code,
        message: "as scripted",
        hint: "mend it",
      });
    return events;
  }
}

/** How many jobs of any name were started in a fake's folder. */
export function startedJobs(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .reduce((sum, name) => sum + (JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown[]).length, 0);
}

type At = { readonly schemaVersion: 1; readonly time: number; readonly elapsedSeconds: number };

function startEvent(at: At, { config, from }: FakeJob, gpus: number): TrainingEvent {
  return {
    type: "start",
    ...at,
    worldSize: Math.max(1, gpus),
    nodes: 1,
    device: gpus > 0 ? "cuda" : "cpu",
    gpu: gpus > 0 ? "NVIDIA H100 80GB HBM3" : null,
    parameters: 28_000,
    trainableParameters: 28_000,
    precision: "f32",
    attention: "sdpa",
    sharding: "ddp",
    resumedAt: from,
    totalSteps: config.totalSteps,
    versions: { torch: "2.13.0" },
  };
}

function stepEvent(
  at: At,
  { step, loss, job, stepMs }: { step: number; loss: number | null; job: FakeJob; stepMs: number },
): TrainingEvent {
  return {
    type: "step",
    ...at,
    step,
    epoch: (step / job.config.totalSteps) * job.config.epochs,
    loss,
    gradientNorm: 1,
    learningRate: job.config.learningRate,
    tokens: 400,
    trainedTokens: 300,
    seconds: stepMs / 1000,
    peakMemoryBytes: 1_000_000,
  };
}
