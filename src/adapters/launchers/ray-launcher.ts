/**
 * @file Jobs on a Ray cluster, through the Jobs API of its dashboard: a package with the program, one job of it, whose driver
 * (`python/ray_train.py`) starts the workers, and a shared folder for everything that must outlive them.
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AppError } from "../../core/errors.ts";
import type { RayFields } from "../../schema/training-fields.ts";
import { keyRedactor } from "../teacher/api-key.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { copyOutput } from "./copy-output.ts";
import { checkedEnvironment, checkedJobName, checkedJobPath } from "./job-checks.ts";
import type { JobHandle, JobSpec, JobStatus, Launcher, LauncherWorld } from "./launcher.ts";
import { copyBundle, listBundle, MAX_ZIP_BYTES, type PlainFile, zipBundle } from "./ray-bundle.ts";
import { RayHttp } from "./ray-http.ts";
import { isOver, type RayJob, RayJobs, type RaySubmission } from "./ray-jobs.ts";
import { rayLogLines } from "./ray-log.ts";
import { checkedStorage, type JobFolders, jobFolders, prepareStorage } from "./ray-storage.ts";

/** What `ray_train.py` ends with when the time is up. */
const TIMED_OUT = 124;
const MAX_TRIES = 1000;
const DRIVER = "ray_train.py";

/** Paces of a launcher, ms; tests have shorter ones. */
export interface RayPaces {
  /** Between looks at a log or a job that gives nothing new. */
  readonly pauseMs: number;
  /** How long a cluster may be away before the log gives it up. */
  readonly patienceMs: number;
  /** How long a job may take to stop. */
  readonly stopMs: number;
}

const PACES: RayPaces = { pauseMs: 1000, patienceMs: 60_000, stopMs: 60_000 };

/** A last try of a name, and the id that the next one would have. */
interface Tries {
  readonly last: { readonly id: string; readonly job: RayJob } | undefined;
  readonly nextId: string;
}

/** See the file's head, and {@link Launcher}. */
export class RayLauncher implements Launcher {
  readonly type = "ray";
  readonly graceSeconds = 30;
  readonly gpus: number;
  readonly #fields: RayFields;
  readonly #world: LauncherWorld;
  readonly #http: RayHttp;
  readonly #jobs: RayJobs;
  readonly #paces: RayPaces;

  constructor(fields: RayFields, world: LauncherWorld, paces: RayPaces = PACES) {
    this.gpus = fields.workers * fields.gpusPerWorker;
    this.#fields = fields;
    this.#world = world;
    this.#paces = paces;
    const { address, tokenEnv } = fields;
    this.#http = new RayHttp({ address, tokenEnv, secrets: world.secrets, pauseMs: paces.pauseMs });
    this.#jobs = new RayJobs(this.#http);
  }

  /** What one node of the cluster can have of the workers' GPUs. */
  async gpusOnce(signal: AbortSignal): Promise<number> {
    if (this.gpus <= 1) return this.gpus;
    const most = await this.#jobs.mostGpus(signal);
    return Math.max(1, Math.min(this.gpus, most ?? this.gpus));
  }

  place(): Promise<string> {
    return Promise.resolve(`${this.#http.origin}, storage ${resolve(this.#fields.storage)}`);
  }

  async find(name: string, signal: AbortSignal): Promise<JobHandle | undefined> {
    const { last } = await this.#tries(checkedJobName(name), signal);
    return last === undefined ? undefined : this.#handle(name, last.id);
  }

  async submit(spec: JobSpec, signal: AbortSignal): Promise<JobHandle> {
    checkedJobName(spec.name);
    checkedJobPath(spec.program);
    checkedEnvironment(spec.environment);
    for (const { path } of spec.files) checkedJobPath(path);
    const storage = await checkedStorage(this.#fields.storage);
    const { last, nextId } = await this.#tries(spec.name, signal);
    if (last !== undefined && (!isOver(last.job.status) || (last.job.status === "SUCCEEDED" && spec.again !== true)))
      return this.#handle(spec.name, last.id);
    const folders = jobFolders(storage, spec.name);
    const mark = await prepareStorage(folders);
    const sent = await this.#send(spec, folders, signal);
    const submission = await this.#submission(spec, { id: nextId, mark, folders, ...sent }, signal);
    await this.#start(submission, spec, signal);
    return this.#handle(spec.name, nextId);
  }

  async status(handle: JobHandle, signal: AbortSignal): Promise<JobStatus> {
    const job = await this.#jobs.find(handle.id, signal);
    if (job === undefined) throw this.#unknown(handle);
    return {
      state: stateOf(job),
      detail: this.#http.redact(excerptOf(job.message ?? job.status)),
      startedAt: job.start_time ?? null,
      endedAt: job.end_time ?? null,
      exitCode: job.driver_exit_code ?? null,
      gpus: null,
    };
  }

  async *logs(handle: JobHandle, signal: AbortSignal): AsyncGenerator<string> {
    const source = {
      url: this.#jobs.tailUrl(handle.id),
      headers: () => this.#http.headers(),
      job: (stop: AbortSignal) => this.#jobs.find(handle.id, stop),
      whole: (stop: AbortSignal) => this.#jobs.logs(handle.id, stop),
      redact: (text: string) => this.#http.redact(text),
      ...this.#paces,
    };
    yield* rayLogLines(source, signal);
  }

  async cancel(handle: JobHandle, signal: AbortSignal): Promise<void> {
    const until = performance.now() + this.#paces.stopMs;
    await this.#jobs.stop(handle.id, signal);
    // `stopped: true` says that it was asked to; only its status says that it has.
    for (;;) {
      const job = await this.#jobs.find(handle.id, signal);
      if (job === undefined || isOver(job.status)) return;
      if (performance.now() > until)
        throw new AppError("provider", `the Ray job ${handle.id} was asked to stop, and still is ${job.status}`, {
          isRetryable: true,
          hint: "try again, or see the job in the cluster's dashboard",
        });
      await sleep(this.#paces.pauseMs, undefined, { signal }).catch(() => undefined); // the next call tells
    }
  }

  async fetch(handle: JobHandle, path: string, to: string, signal: AbortSignal): Promise<boolean> {
    const storage = await checkedStorage(this.#fields.storage);
    const { out: root } = jobFolders(storage, checkedJobName(handle.name));
    return await copyOutput(root, path, { to, signal });
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /**
   * Ray takes no id twice, so the second try of NAME is NAME_2; no name has an underscore. Names are shared by a whole
   * cluster: a job with another storage is another's.
   */
  async #tries(name: string, signal: AbortSignal): Promise<Tries> {
    let last: Tries["last"];
    for (let n = 1; n <= MAX_TRIES; n++) {
      const id = n === 1 ? name : `${name}_${n}`;
      const job = await this.#jobs.find(id, signal);
      if (job === undefined) return { last, nextId: id };
      if (this.#isOurs(job)) last = { id, job };
    }
    throw new AppError("limit-exceeded", `the Ray cluster has ${MAX_TRIES} tries of ${name}`, {
      hint: "delete them there (`ray job delete`), or give the run another name",
    });
  }

  /** Brings the files over: as a package, or those of a large job on the storage and the driver alone as one. */
  async #send(
    spec: JobSpec,
    { files: folder }: JobFolders,
    signal: AbortSignal,
  ): Promise<{ packageName: string; filesFolder: string | null }> {
    const files = await listBundle(spec.files);
    const driver = await listBundle([{ path: DRIVER, from: driverFile() }]);
    const isLarge = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > MAX_ZIP_BYTES;
    if (isLarge) {
      this.#world.tell("copying the job's files to the cluster's storage");
      await copyBundle(files, folder, signal);
    }
    const packed: PlainFile[] = [...(isLarge ? [] : files.filter(({ path }) => path !== DRIVER)), ...driver];
    const { name, bytes } = await zipBundle(packed);
    if (!(await this.#jobs.hasPackage(name, signal))) {
      this.#world.tell("uploading the job's files to the Ray cluster");
      await this.#jobs.putPackage(name, bytes, signal);
    }
    return { packageName: name, filesFolder: isLarge ? folder : null };
  }

  async #submission(
    spec: JobSpec,
    job: { id: string; mark: string; folders: JobFolders; packageName: string; filesFolder: string | null },
    signal: AbortSignal,
  ): Promise<RaySubmission> {
    const { workers, gpusPerWorker, cpusPerWorker, maxFailures, installs } = this.#fields;
    const { program, args, isDistributed, timeoutSeconds } = spec;
    const told = { program, args, isDistributed, timeoutSeconds, workers, gpusPerWorker, cpusPerWorker, maxFailures };
    const { folders, mark, filesFolder } = job;
    const variables = {
      ...spec.environment,
      GRAPPA_OUT: folders.out,
      GRAPPA_RAY: JSON.stringify({ ...told, files: filesFolder, control: folders.control, mark }),
      RAY_DEDUP_LOGS: "0", // it would append to the events' lines
      RAY_JOB_STOP_WAIT_TIME_S: "30", // the workers save a checkpoint; Ray itself would wait for 3
      RAY_TRAIN_V2_ENABLED: "1",
    };
    const pip = installs ? { pip: { packages: requirementsOf(spec), pip_check: false } } : {};
    return {
      entrypoint: `exec python3 ${DRIVER}`,
      submission_id: job.id,
      runtime_env: { working_dir: `gcs://${job.packageName}`, env_vars: variables, ...pip },
      metadata: { grappa: spec.name, storage: this.#fields.storage },
      ...(isDistributed ? {} : gpusAsked(await this.gpusOnce(signal))),
    };
  }

  async #start(submission: RaySubmission, spec: JobSpec, signal: AbortSignal): Promise<void> {
    try {
      await this.#jobs.submit(submission, signal);
    } catch (error) {
      // The answer may have been lost, or another grappa on the same folder have been quicker: either way the job is there.
      const there = signal.aborted ? undefined : await this.#jobs.find(submission.submission_id, signal);
      if (there === undefined || !this.#isOurs(there)) throw withoutSecrets(error, spec);
    }
  }

  #isOurs({ metadata }: RayJob): boolean {
    const storage = metadata?.["storage"];
    return storage !== undefined && resolve(storage) === resolve(this.#fields.storage);
  }

  #handle(name: string, id: string): JobHandle {
    return { launcher: "ray", name, id, folder: jobFolders(this.#fields.storage, name).out };
  }

  #unknown({ id }: JobHandle): AppError {
    return new AppError("provider", `the Ray cluster at ${this.#http.origin} knows no job ${id}`, {
      hint: "its head was started anew: submit the job again, it goes on from its last checkpoint",
      data: { isUnknownJob: true },
      isRetryable: true,
    });
  }
}

const gpusAsked = (gpus: number): { entrypoint_num_gpus?: number } => (gpus === 0 ? {} : { entrypoint_num_gpus: gpus });

/** The driver stands beside the sources, and beside the compiled files. */
const driverFile = (): string => fileURLToPath(new URL(`../../../python/${DRIVER}`, import.meta.url));

function stateOf({ status, driver_exit_code: code }: RayJob): JobStatus["state"] {
  switch (status) {
    case "PENDING":
      return "queued";
    case "RUNNING":
      return "running";
    case "SUCCEEDED":
      return "succeeded";
    case "STOPPED":
      return "cancelled";
    case "FAILED":
      return code === TIMED_OUT ? "timed-out" : "failed";
    default:
      return status satisfies never;
  }
}

/** The lines of the bundle's requirements, given as a file of it or as text. */
function requirementsOf({ requirements, files }: JobSpec): string[] {
  const file = files.find(({ path }) => path === requirements);
  const text =
    file === undefined ? requirements : "bytes" in file ? Buffer.from(file.bytes).toString("utf8") : undefined;
  if (text === undefined)
    throw new AppError("usage", `${requirements}: requirements for a Ray cluster come as bytes of the bundle`);
  return text.split("\n").flatMap((line) => {
    const wanted = line.replace(/(^|\s)#.*/, "").trim();
    return wanted === "" ? [] : [wanted];
  });
}

/** Ray may answer with what it was sent; the job's variables may be keys. */
function withoutSecrets(error: unknown, { environment }: JobSpec): unknown {
  if (!(error instanceof AppError)) return error;
  const message = Object.values(environment).reduce((text, value) => keyRedactor(value)(text), error.message);
  const { code, hint, data, cause, isRetryable } = error;
  return new AppError(code, message, { data, cause, isRetryable, ...(hint === undefined ? {} : { hint }) });
}
