/** @file One job of the fake Ray: what it prints, writes and ends with is told by its only argument, or by the test itself. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JobBehaviour } from "./launcher-contract.ts";

/** What was submitted. */
export interface Submission {
  readonly entrypoint: string;
  readonly submission_id: string;
  readonly runtime_env: {
    readonly working_dir: string;
    readonly env_vars: Readonly<Record<string, string>>;
    readonly pip?: unknown;
  };
  readonly entrypoint_num_gpus?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What the launcher tells `ray_train.py`, as far as it matters here. */
interface Told {
  /** A {@link JobBehaviour} as JSON; without one the test ends the job itself. */
  readonly args: readonly string[];
  readonly timeoutSeconds: number | null;
}

export class FakeRayJob {
  readonly submission: Submission;
  status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "STOPPED" = "PENDING";
  message = "Job has not started yet.";
  log = "";
  startTime = Date.now();
  endTime: number | null = null;
  exitCode: number | null = null;
  #release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.#release = resolve));

  constructor(submission: Submission) {
    this.submission = submission;
    setTimeout(() => void this.#run(), 20);
  }

  get isOver(): boolean {
    return this.status !== "PENDING" && this.status !== "RUNNING";
  }

  print(...lines: readonly string[]): void {
    for (const line of lines) this.log += `${line}\n`;
  }

  /** A worker's line as Ray shows it on a host with two raylets: coloured, prefixed, twice. */
  printAsWorker(line: string): void {
    const shown = `\x1b[36m(RayTrainWorker pid=4711, ip=10.0.0.7)\x1b[0m ${line}`;
    this.print(shown, shown);
  }

  release(): void {
    this.#release();
  }

  end(status: "SUCCEEDED" | "FAILED" | "STOPPED", exitCode: number | null): void {
    if (this.isOver) return;
    this.status = status;
    this.exitCode = exitCode;
    this.endTime = Date.now();
    this.message = `Job ended: ${status}.\nLast lines follow.`;
  }

  async #run(): Promise<void> {
    if (this.isOver) return;
    this.status = "RUNNING";
    this.message = "Job is currently running.";
    const { env_vars: variables } = this.submission.runtime_env;
    const { args, timeoutSeconds } = JSON.parse(String(variables["GRAPPA_RAY"])) as Told;
    const [behaviour] = args;
    if (behaviour === undefined) return;
    const { prints, echoes, writes, holds, exitCode } = JSON.parse(behaviour) as JobBehaviour;
    this.print(...prints, ...echoes.map((name) => `${name}=${variables[name]}`));
    for (const [path, text] of Object.entries(writes)) {
      const to = join(String(variables["GRAPPA_OUT"]), path);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text);
    }
    if (holds) await this.#held(timeoutSeconds);
    this.end(exitCode === 0 ? "SUCCEEDED" : "FAILED", exitCode);
  }

  /** Until it is released, or as `ray_train.py` ends a job whose time is up. */
  async #held(timeoutSeconds: number | null): Promise<void> {
    const end = (): void => this.end("FAILED", 124);
    const timer = timeoutSeconds === null ? undefined : setTimeout(end, 1000 * timeoutSeconds);
    await this.#released;
    this.print("released");
    clearTimeout(timer);
  }
}
