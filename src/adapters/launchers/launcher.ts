/**
 * @file The port to wherever PyTorch runs: a job is a bundle of files and a program of it, submitted once under a name, found
 * again by that name, watched, cancelled, and its outputs fetched. A launcher knows nothing of training.
 */

/** One file of a job, at a path with slashes below the job's folder. */
export type BundleFile =
  | { readonly path: string; readonly bytes: Uint8Array }
  /** A file or a whole folder of this machine. */
  | { readonly path: string; readonly from: string };

/** What is to be run. */
export interface JobSpec {
  /** Our name, at most 40 letters, digits and dashes; a job of this name that stands already is found and not started again. */
  readonly name: string;
  readonly files: readonly BundleFile[];
  /** Python file of the bundle, started in the job's folder, and its arguments. */
  readonly program: string;
  readonly args: readonly string[];
  /** Whether it runs once for each process (torchrun's environment: RANK, WORLD_SIZE, MASTER_ADDR ...), or once. */
  readonly isDistributed: boolean;
  /** Pip requirements of the bundle, for launchers that install them. */
  readonly requirements: string;
  /** Variables for the job. Secrets go here too and reach no log, file or argument where the launcher can help it. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Start it although a job of this name ended well: it goes on in that one's folder. Absent: one that ended well is found. One
   * that waits or runs is always found.
   */
  readonly again?: boolean;
  /** The job is killed after so many seconds, where the launcher can do that; null: never. */
  readonly timeoutSeconds: number | null;
}

/** Names a submitted job: plain JSON, kept in the run's folder, enough for another process to go on. */
export interface JobHandle {
  readonly launcher: "torchrun" | "ray" | "slurm" | "hf-jobs";
  readonly name: string;
  /** The launcher's own id. */
  readonly id: string;
  /** Folder of the job where the launcher has one. */
  readonly folder: string | null;
}

/** Where a job stands. Times are Unix milliseconds as the launcher tells them; null where it does not. */
export interface JobStatus {
  readonly state: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "timed-out";
  /** What the launcher says of it, one line, for people; keys redacted. */
  readonly detail: string;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly exitCode: number | null;
  /** GPUs that it is paid for, where the launcher tells what the job itself has; null: what it was submitted with. */
  readonly gpus: number | null;
}

/**
 * See the file's head. The program finds the folder for its outputs in the variable GRAPPA_OUT; it outlives retries, and a job
 * of the same name goes on in it. Every method may throw AppError: "provider" (may go away, is retried by the caller),
 * "provider-permanent", "usage" (a key is missing, a command is not there), "interrupted" on the signal.
 */
export interface Launcher {
  readonly type: JobHandle["launcher"];
  /** GPUs that a distributed job will hold, as the recipe asks; 0 on CPUs. */
  readonly gpus: number;
  /** How long a job whose time is up may go on to save what it has, before it is killed; seconds. */
  readonly graceSeconds: number;
  /** GPUs that a job will hold whose program runs once: those of one node. */
  gpusOnce(signal: AbortSignal): Promise<number>;
  /**
   * Where its jobs live and are looked for, one line for people, the same however it is written: a job that was submitted
   * elsewhere is not found here.
   */
  place(signal: AbortSignal): Promise<string>;
  /** The job of this name, whatever its state, or undefined. Several of one name: the last. */
  find(name: string, signal: AbortSignal): Promise<JobHandle | undefined>;
  /** Sends the files and starts the job. */
  submit(spec: JobSpec, signal: AbortSignal): Promise<JobHandle>;
  status(handle: JobHandle, signal: AbortSignal): Promise<JobStatus>;
  /** Lines of output from the start, then as they come, until the job has ended or the signal; a broken stream is taken up again. */
  logs(handle: JobHandle, signal: AbortSignal): AsyncIterable<string>;
  /** Asks for its end; returns when the launcher has taken that. Not an error where it has ended. */
  cancel(handle: JobHandle, signal: AbortSignal): Promise<void>;
  /** Copies a file or folder of GRAPPA_OUT to `to`; false where there is none. Paths with slashes, never outside GRAPPA_OUT. */
  fetch(handle: JobHandle, path: string, to: string, signal: AbortSignal): Promise<boolean>;
  close(): Promise<void>;
}

/** What launchers are told of the world. */
export interface LauncherWorld {
  readonly secrets: (name: string) => string | undefined;
  /** Folder that outlives runs, for environments. */
  readonly cacheFolder: string;
  /** Folder for the jobs of a run on this machine. */
  readonly jobsFolder: string;
  warn(message: string): void;
  /** Progress of slow preparations: "making the Python environment". */
  tell(message: string): void;
}

/** A handle that a name's outputs can be fetched by, whichever try made them. */
export function outputsOf({ type }: Launcher, name: string): JobHandle {
  return { launcher: type, name, id: name, folder: null };
}
