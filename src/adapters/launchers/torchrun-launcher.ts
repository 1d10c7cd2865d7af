/**
 * @file PyTorch on this machine. The job runs in a session of its own below a supervisor, and outlives the launcher; its folder
 * JOBS/NAME holds `files` (the bundle), `out` (GRAPPA_OUT, shared by all tries) and a folder for each try.
 */
import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../../core/errors.ts";
import type { TorchrunFields } from "../../schema/training-fields.ts";
import { fileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { nodeProcessTable } from "../process-table.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { compiledUrl } from "../threads/compiled-url.ts";
import { copyOutput } from "./copy-output.ts";
import { followLines } from "./follow-lines.ts";
import { readFrom } from "./read-from.ts";
import { countGpus } from "./gpu-count.ts";
import { sleep, throwIfInterrupted } from "./interruption.ts";
import { checkedEnvironment, checkedJobName, checkedJobPath } from "./job-checks.ts";
import { cancelTry } from "./cancel-try.ts";
import type { JobHandle, JobSpec, JobStatus, Launcher, LauncherWorld } from "./launcher.ts";
import { checkBundle, layBundle } from "./lay-bundle.ts";
import { readEnd, readStarted, triesOf, TRY_FILES, tryFolder, tryStatus, writeEnd } from "./local-try.ts";
import { checkPython, ensureEnvironment } from "./python-environment.ts";
import type { SupervisorOrder } from "./supervisor.ts";
import {
  GRACE_SECONDS,
  type ProcessPlan,
  planProcesses,
  torchEnvironment,
  torchrunCommand,
} from "./torchrun-command.ts";

const POLL_MS = [50, 400] as const;
const START_MS = 60_000;
/** PyTorch's agent kills first. */
const AGENT_SECONDS = 10;

/** Looks for this machine's GPUs and opens its launcher. Throws AppError "usage" where the recipe asks for more. */
export async function openTorchrunLauncher(
  fields: TorchrunFields,
  world: LauncherWorld,
  signal: AbortSignal,
): Promise<TorchrunLauncher> {
  const found = fields.device === "cpu" ? 0 : await countGpus(world.secrets("CUDA_VISIBLE_DEVICES"), signal);
  return new TorchrunLauncher(fields, world, planProcesses(fields, found));
}

/** See the file's head. */
export class TorchrunLauncher implements Launcher {
  readonly type = "torchrun";
  readonly graceSeconds = GRACE_SECONDS + AGENT_SECONDS;
  readonly gpus: number;
  readonly #fields: TorchrunFields;
  readonly #world: LauncherWorld;
  readonly #plan: ProcessPlan;

  constructor(fields: TorchrunFields, world: LauncherWorld, plan: ProcessPlan) {
    this.#fields = fields;
    this.#world = world;
    this.#plan = plan;
    this.gpus = plan.gpus;
  }

  gpusOnce(): Promise<number> {
    return Promise.resolve(this.gpus);
  }

  place(): Promise<string> {
    return Promise.resolve("this machine"); // the run's folder may move, with its jobs
  }

  async find(name: string, signal: AbortSignal): Promise<JobHandle | undefined> {
    const folder = this.#folderOf(name);
    throwIfInterrupted(signal);
    const last = (await triesOf(folder)).at(-1);
    return last === undefined ? undefined : { launcher: "torchrun", name, id: String(last), folder };
  }

  async submit(spec: JobSpec, signal: AbortSignal): Promise<JobHandle> {
    checkSpec(spec);
    const last = await this.find(spec.name, signal);
    if (last !== undefined && (await this.#isStanding(last, spec, signal))) return last;
    const python = await this.#python(spec.requirements, signal);
    const mark = randomBytes(16).toString("hex");
    const claimed = await this.#claim(spec.name, Number(last?.id ?? 0) + 1, mark);
    // Another launcher was quicker: its job is the one of this name.
    if (claimed === undefined) return await this.submit(spec, signal);
    const number = Number(claimed.id);
    const folder = tryFolder(this.#folderOf(spec.name), number);
    try {
      await this.#start(spec, { folder, python, mark, signal });
    } catch (error) {
      const detail = `not started: ${excerptOf((error as Error).message)}`;
      await writeEnd(folder, { reason: "not-started", exitCode: null, signal: null, detail, endedAt: Date.now() });
      throw error;
    }
    return claimed;
  }

  async status(handle: JobHandle, signal: AbortSignal): Promise<JobStatus> {
    throwIfInterrupted(signal);
    return await tryStatus(await this.#tryOf(handle));
  }

  async *logs(handle: JobHandle, signal: AbortSignal): AsyncGenerator<string> {
    const path = join(await this.#tryOf(handle), TRY_FILES.log);
    yield* followLines(
      {
        read: (offset) => readFrom(path, offset),
        isEnded: async () => !["queued", "running"].includes((await this.status(handle, signal)).state),
        pollMs: POLL_MS,
      },
      signal,
    );
  }

  async cancel(handle: JobHandle, signal: AbortSignal): Promise<void> {
    throwIfInterrupted(signal);
    await cancelTry(await this.#tryOf(handle), signal);
  }

  async fetch(handle: JobHandle, path: string, to: string, signal: AbortSignal): Promise<boolean> {
    throwIfInterrupted(signal);
    return await copyOutput(join(this.#folderOf(handle.name), "out"), path, { to, signal });
  }

  async close(): Promise<void> {}

  #folderOf(name: string): string {
    return resolve(this.#world.jobsFolder, checkedJobName(name));
  }

  /** The folder of a handle's try: by its name and number alone, since the run's folder may have moved. */
  async #tryOf({ name, id }: JobHandle): Promise<string> {
    const folder = this.#folderOf(name);
    const number = (await triesOf(folder)).find((candidate) => String(candidate) === id);
    if (number !== undefined) return tryFolder(folder, number);
    throw new AppError("provider-permanent", `${folder}: there is no try ${excerptOf(id)} of this job`, {
      hint: "its folder was removed, or the run was moved without it; run the same command again to start the job anew",
    });
  }

  /** Whether this try must not be followed by another. */
  async #isStanding(handle: JobHandle, { again = false }: JobSpec, signal: AbortSignal): Promise<boolean> {
    const { state } = await this.status(handle, signal);
    if (state === "queued" || state === "running") return true;
    if (state === "succeeded") return !again;
    // A supervisor that comes to late must see that its try is over.
    const detail = "never started: whoever started it was killed";
    const end = { reason: "not-started", exitCode: null, signal: null, detail, endedAt: Date.now() } as const;
    const folder = await this.#tryOf(handle);
    if ((await readEnd(folder)) === undefined) await writeEnd(folder, end);
    return false;
  }

  async #python(requirements: string, signal: AbortSignal): Promise<string> {
    const { python } = this.#fields;
    const { cacheFolder, tell, warn } = this.#world;
    if (python === undefined)
      return await ensureEnvironment({
        requirements,
        cacheFolder,
        tell: (text) => tell.call(this.#world, text),
        signal,
      });
    const path = /[\\/]/.test(python) ? resolve(python) : python;
    await checkPython(path, { requirements, warn: (text) => warn.call(this.#world, text), signal });
    return path;
  }

  /** Takes this number for this launcher; undefined when somebody else took it. */
  async #claim(name: string, number: number, mark: string): Promise<JobHandle | undefined> {
    const jobFolder = this.#folderOf(name);
    const claim = { launcher: nodeProcessTable().self, mark, gpus: this.gpus, claimedAt: Date.now() };
    const temporary = join(jobFolder, `claim-${randomUUID().slice(0, 8)}.tmp`);
    try {
      await makeFolders(temporary);
      await writeFile(join(temporary, TRY_FILES.claim), `${JSON.stringify(claim)}\n`);
      await rename(temporary, tryFolder(jobFolder, number)); // refused where the folder is there: it is not empty
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw fileError(jobFolder, error);
    }
    return { launcher: "torchrun", name, id: String(number), folder: jobFolder };
  }

  async #start(
    spec: JobSpec,
    { folder, python, mark, signal }: { folder: string; python: string; mark: string; signal: AbortSignal },
  ): Promise<void> {
    const jobFolder = this.#folderOf(spec.name);
    const files = join(jobFolder, "files");
    const out = join(jobFolder, "out");
    await layBundle(spec.files, files, { by: "link", signal });
    await makeFolders(out);
    const processes = spec.isDistributed ? this.#plan.processes : 1;
    await startSupervisor(
      folder,
      {
        command: torchrunCommand(python, spec, processes),
        cwd: files,
        environment: { ...torchEnvironment({ ...this.#plan, processes }), ...spec.environment, GRAPPA_OUT: out },
        mark,
        timeoutSeconds: spec.timeoutSeconds,
        graceSeconds: this.graceSeconds,
      },
      signal,
    );
  }
}

function checkSpec(spec: JobSpec): void {
  checkedJobName(spec.name);
  checkBundle(spec.files);
  checkedJobPath(spec.program);
  checkedEnvironment(spec.environment);
}

/** Starts the process that watches over the job, and waits until it has taken it over. */
async function startSupervisor(folder: string, order: SupervisorOrder, signal: AbortSignal): Promise<void> {
  throwIfInterrupted(signal);
  const log = openSync(join(folder, TRY_FILES.log), "a");
  const program = fileURLToPath(compiledUrl(import.meta.url, "./supervise.ts"));
  const child = spawn(process.execPath, [program, folder], { detached: true, stdio: ["pipe", log, log] });
  closeSync(log);
  child.once("error", () => undefined); // told below: there is no record of it
  child.stdin?.once("error", () => undefined);
  child.stdin?.end(JSON.stringify(order));
  child.unref();
  const until = Date.now() + START_MS;
  while ((await readStarted(folder, "child")) === undefined && (await readEnd(folder)) === undefined) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) throw await notTaken(folder);
    await sleep(20, new AbortController().signal); // the job runs now: the signal ends the watching, not this
  }
}

async function notTaken(folder: string): Promise<AppError> {
  const log = await readFrom(join(folder, TRY_FILES.log), 0);
  return new AppError(
    "provider",
    `${folder}: the job's supervisor did not start: ${excerptOf(Buffer.from(log).toString())}`,
  );
}
