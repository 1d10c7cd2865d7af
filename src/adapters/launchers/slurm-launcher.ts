/**
 * @file A Slurm cluster, by the commands of its login node. The job's folder FOLDER/NAME on storage that every node sees holds
 * `files` (the bundle), `out` (GRAPPA_OUT, shared by all submissions), the scripts, `jobs` (numbers of its submissions), and a few
 * records of each.
 */
import { posix, resolve } from "node:path";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import type { SlurmFields } from "../../schema/training-fields.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { followLines } from "./follow-lines.ts";
import { throwIfInterrupted } from "./interruption.ts";
import { checkedEnvironment, checkedJobName, checkedJobPath } from "./job-checks.ts";
import type { JobHandle, JobSpec, JobStatus, Launcher } from "./launcher.ts";
import { checkBundle } from "./lay-bundle.ts";
import { localHost, type SlurmHost, sshHost } from "./slurm-host.ts";
import { environmentFile, jobScript, nodeScript, sbatchWords } from "./slurm-script.ts";
import { type SlurmRecords, slurmStatus } from "./slurm-status.ts";
import { GRACE_SECONDS } from "./torchrun-command.ts";

const JOB_NUMBER = /^[1-9]\d{0,17}$/;
/** A job's `jobs` has a line a submission. */
const MAX_NUMBERS_BYTES = 65_536;

/** See the file's head. */
export class SlurmLauncher implements Launcher {
  readonly type = "slurm";
  readonly graceSeconds = GRACE_SECONDS;
  readonly gpus: number;
  readonly #fields: SlurmFields;
  readonly #host: SlurmHost;
  readonly #root: string;

  /** @throws AppError "usage" for a host or folder that cannot be */
  constructor(fields: SlurmFields) {
    this.#fields = fields;
    this.#host = fields.host === undefined ? localHost : sshHost(fields.host);
    this.#root = rootOf(fields);
    this.gpus = fields.nodes * fields.gpusPerNode;
  }

  gpusOnce(): Promise<number> {
    return Promise.resolve(this.#fields.gpusPerNode);
  }

  place(): Promise<string> {
    return Promise.resolve(`${this.#root} of ${this.#host.name}`);
  }

  async find(name: string, signal: AbortSignal): Promise<JobHandle | undefined> {
    const folder = this.#folderOf(name);
    // The queue first: whoever submitted it may have been killed before writing that down, and what leaves the queue did so itself.
    const queued = await this.#queued(name, signal);
    const id = queued ?? numbersOf(await this.#text(`${folder}/jobs`, signal)).at(-1);
    return id === undefined ? undefined : { launcher: "slurm", name, id, folder };
  }

  async submit(spec: JobSpec, signal: AbortSignal): Promise<JobHandle> {
    checkSpec(spec);
    throwIfInterrupted(signal);
    const standing = await this.find(spec.name, signal);
    if (standing !== undefined) {
      const { state } = await this.status(standing, signal);
      if (state === "queued" || state === "running") return standing;
      if (state === "succeeded" && spec.again !== true) return standing;
    }
    const folder = this.#folderOf(spec.name);
    const job = { jobName: this.#jobName(spec.name), folder, fields: this.#fields, spec };
    await this.#host.put(spec.files, `${folder}/files`, signal);
    await this.#mustRun(["mkdir", "-p", `${folder}/out`], signal);
    await this.#write(`${folder}/environment`, environmentFile(spec.environment), signal);
    await this.#write(`${folder}/node.sh`, nodeScript(job), signal);
    await this.#write(`${folder}/job.sh`, jobScript(job), signal);
    const id = await this.#sbatch(sbatchWords(job), signal);
    await this.#mustRun(["sh", "-c", RECORD, "sh", id, `${folder}/jobs`], signal);
    return { launcher: "slurm", name: spec.name, id, folder };
  }

  async status(handle: JobHandle, signal: AbortSignal): Promise<JobStatus> {
    const { name, id } = checkedHandle(handle);
    const folder = this.#folderOf(name);
    const { stdout, stderr, exitCode } = await this.#host.run(["sh", "-c", LOOK, "sh", id, folder], signal);
    const [line = "", records = ""] = stdout.split(/^@@records$/m);
    if (exitCode !== 0 && !/Invalid job id/i.test(stderr)) throw this.#away("scontrol", stderr);
    const status = slurmStatus(line, recordsOf(records), { id, jobName: this.#jobName(name) });
    if (status.state !== "queued" && status.state !== "running") await this.#forget(folder, id, signal);
    return status;
  }

  async *logs(handle: JobHandle, signal: AbortSignal): AsyncGenerator<string> {
    const { name, id } = checkedHandle(handle);
    const path = `${this.#folderOf(name)}/log-${id}`;
    yield* followLines(
      {
        read: (offset) => this.#host.read(path, offset, signal),
        isEnded: async () => !["queued", "running"].includes((await this.status(handle, signal)).state),
        pollMs: this.#host.pollMs,
      },
      signal,
    );
  }

  async cancel(handle: JobHandle, signal: AbortSignal): Promise<void> {
    const { name, id } = checkedHandle(handle);
    const { state } = await this.status(handle, signal);
    if (state !== "queued" && state !== "running") return;
    await this.#mustRun(["touch", `${this.#folderOf(name)}/cancelled-${id}`], signal);
    const { exitCode, stderr } = await this.#host.run(["scancel", id], signal);
    if (exitCode !== 0 && !/Invalid job id|already completing|finished/i.test(stderr))
      throw this.#away("scancel", stderr);
  }

  async fetch(handle: JobHandle, path: string, to: string, signal: AbortSignal): Promise<boolean> {
    checkedJobPath(path);
    return await this.#host.take(`${this.#folderOf(handle.name)}/out`, path, { to, signal });
  }

  async close(): Promise<void> {}

  #folderOf(name: string): string {
    return posix.join(this.#root, checkedJobName(name));
  }

  /** Slurm's name of a job: ours, and which folder it belongs to, since names are shared by a whole cluster. */
  #jobName(name: string): string {
    return `grappa-${name}-${shortHash(this.#root).slice(0, 8)}`;
  }

  /** The newest job of this name that waits or runs. */
  async #queued(name: string, signal: AbortSignal): Promise<string | undefined> {
    const words = ["squeue", "--noheader", "--me", `--name=${this.#jobName(name)}`, "--format=%A"] as const;
    const { exitCode, stdout, stderr } = await this.#host.run(words, signal);
    if (exitCode !== 0) throw this.#away("squeue", stderr);
    return numbersOf(stdout)
      .sort((a, b) => Number(a) - Number(b))
      .at(-1);
  }

  async #sbatch(words: [string, ...string[]], signal: AbortSignal): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#host.run(words, signal);
    const id = /^(\d+)(?:;[\w.-]+)?$/.exec(stdout.trim().split("\n").at(-1) ?? "")?.[1];
    if (exitCode === 0 && id !== undefined) return id;
    if (/Unable to contact|timed out|temporarily|not responding/i.test(stderr)) throw this.#away("sbatch", stderr);
    throw new AppError("provider-permanent", `sbatch on ${this.#host.name}: ${excerptOf(stderr || stdout)}`, {
      hint: "check train.launcher's partition, account, gpusPerNode and options against what the cluster has (sinfo)",
    });
  }

  /** Removes the job's variables once it has ended for good, and is not waiting to run again. */
  async #forget(folder: string, id: string, signal: AbortSignal): Promise<void> {
    const script = 'last=$(tail -n 1 "$1/jobs" 2>/dev/null); [ "$last" != "$2" ] || rm -f "$1/environment"';
    await this.#host.run(["sh", "-c", script, "sh", folder, id], signal);
  }

  async #text(path: string, signal: AbortSignal): Promise<string> {
    const bytes = await this.#host.read(path, 0, signal);
    return Buffer.from(bytes.subarray(0, MAX_NUMBERS_BYTES)).toString("utf8");
  }

  /** Writes a file that its owner alone may read, whole. */
  async #write(path: string, text: string, signal: AbortSignal): Promise<void> {
    const script = 'umask 077; cat >"$1.tmp" && mv "$1.tmp" "$1"';
    await this.#mustRun(["sh", "-c", script, "sh", path], signal, text);
  }

  async #mustRun(words: [string, ...string[]], signal: AbortSignal, input = ""): Promise<void> {
    const { exitCode, stderr } = await this.#host.run(words, signal, { input });
    if (exitCode !== 0) throw new AppError("provider-permanent", `${this.#host.name}: ${excerptOf(stderr)}`);
  }

  #away(command: string, stderr: string): AppError {
    return new AppError("provider", `${command} on ${this.#host.name}: ${excerptOf(stderr)}`, { isRetryable: true });
  }
}

/** Notes a submission's number, unless the job did so itself. */
const RECORD = 'grep -qxs "$1" "$2" || echo "$1" >>"$2"';

/**
 * Prints what Slurm knows of the job, then the job's own records, one a line, in one go. In this order: whatever ended the job is
 * written down before Slurm tells its end.
 */
const LOOK = `SLURM_TIME_FORMAT=%s scontrol show job -o "$1"
known=$?
echo @@records
cd "$2" 2>/dev/null || exit "$known"
for record in started end; do
  printf '%s %s\\n' "$record" "$(head -c 100 "$record-$1" 2>/dev/null)"
done
for record in cancelled timed-out; do
  [ ! -e "$record-$1" ] || echo "$record"
done
exit "$known"`;

/** The folder of all jobs, without a slash at its end. */
function rootOf({ host, folder }: SlurmFields): string {
  const path = host === undefined ? resolve(folder) : folder;
  if (path.startsWith("/") && !/\p{Cc}/u.test(path)) return posix.resolve(path);
  throw new AppError("usage", `train.launcher.folder: ${JSON.stringify(folder)} is not a path from the root on`, {
    hint: "with a host, give the folder as its nodes see it, such as /scratch/me/grappa",
  });
}

/** Numbers of jobs, one a line, in their order. */
function numbersOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => JOB_NUMBER.test(line));
}

function checkSpec(spec: JobSpec): void {
  checkedJobName(spec.name);
  checkBundle(spec.files);
  checkedJobPath(spec.program);
  checkedEnvironment(spec.environment);
}

function checkedHandle(handle: JobHandle): JobHandle {
  if (JOB_NUMBER.test(handle.id)) return handle;
  throw new AppError("provider-permanent", `${JSON.stringify(handle.id.slice(0, 40))} is no number of a Slurm job`);
}

function recordsOf(text: string): SlurmRecords {
  const started = /^started (\d{9,11})$/m.exec(text)?.[1];
  const end = /^end (\d{1,3}) (\d{9,11})$/m.exec(text);
  return {
    startedAt: started === undefined ? null : Number(started),
    end: end === null ? null : { exitCode: Number(end[1]), endedAt: Number(end[2]) },
    isCancelled: /^cancelled$/m.test(text),
    isTimedOut: /^timed-out$/m.test(text),
  };
}
