/**
 * @file Watches over one job on this machine in place of the launcher, which may go: starts it, ends it when it is asked to or
 * its time is up, leaves no process of it behind, and writes down how it ended.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process"; // the job runs with this process's variables and its own on top
import { z } from "zod";
import { nodeFileSystem } from "../file-system.ts";
import { nodeProcessTable, processIdentity } from "../process-table.ts";
import { JOB_MARK, markedProcesses, signalQuietly } from "./job-processes.ts";
import { HEARTBEAT_MS, isCancelled, readEnd, TRY_FILES, type TryEnd, writeEnd } from "./local-try.ts";

/** What the launcher says on standard input, where no other user can read it. */
export const SupervisorOrder = z.strictObject({
  command: z.tuple([z.string()], z.string()),
  cwd: z.string(),
  environment: z.record(z.string(), z.string()),
  mark: z.string(),
  timeoutSeconds: z.number().nullable(),
  /** Between the request to end and the kill: the trainer saves its checkpoint. */
  graceSeconds: z.number(),
});
export type SupervisorOrder = z.infer<typeof SupervisorOrder>;

const LOOK_MS = 100;

/** Runs a job to its end and writes that down in the try's folder. */
export async function supervise(folder: string, order: SupervisorOrder): Promise<void> {
  const { self } = nodeProcessTable();
  await writeStarted(folder, "supervisor", { identity: self, startedAt: Date.now() });
  if ((await readEnd(folder)) !== undefined) return; // another launcher took this try for dead
  const child = spawn(order.command[0], order.command.slice(1), {
    cwd: order.cwd,
    env: { ...env, ...order.environment, [JOB_MARK]: order.mark },
    stdio: ["ignore", "inherit", "inherit"],
    detached: true, // a group of its own: one signal reaches it where there are no marks
  });
  await new SupervisedJob(folder, order, child).finish();
}

async function writeStarted(folder: string, who: "supervisor" | "child", record: object): Promise<void> {
  await nodeFileSystem().writeAtomic(join(folder, TRY_FILES[who]), `${JSON.stringify(record)}\n`);
}

class SupervisedJob {
  readonly #folder: string;
  readonly #order: SupervisorOrder;
  readonly #child: ChildProcess;
  readonly #closed: Promise<Error | undefined>;
  readonly #startedAt = Date.now();
  #reason: "exited" | "cancelled" | "timed-out" = "exited";
  #killAt = Number.POSITIVE_INFINITY;
  #lastBeat = 0;

  constructor(folder: string, order: SupervisorOrder, child: ChildProcess) {
    this.#folder = folder;
    this.#order = order;
    this.#child = child;
    this.#closed = new Promise((resolve) => {
      child.once("error", resolve);
      child.once("exit", () => resolve(undefined));
    });
    const look = (): void => void this.#look();
    process.on("SIGTERM", look).on("SIGINT", look).on("SIGHUP", look);
  }

  async finish(): Promise<void> {
    const { pid } = this.#child;
    if (pid !== undefined)
      await writeStarted(this.#folder, "child", { identity: processIdentity(pid), startedAt: this.#startedAt });
    const timer = setInterval(() => void this.#look(), LOOK_MS);
    const failure = await this.#closed;
    clearInterval(timer);
    await this.#clear();
    await writeEnd(this.#folder, this.#endAfter(failure));
  }

  /** Looks whether it is time to end, and gives a sign of life. */
  async #look(): Promise<void> {
    const now = Date.now();
    const { timeoutSeconds } = this.#order;
    if (now >= this.#killAt) this.#signalAll("SIGKILL");
    else if (this.#reason !== "exited") return;
    else if (timeoutSeconds !== null && now - this.#startedAt >= timeoutSeconds * 1000) this.#stop("timed-out");
    else if ((await isCancelled(this.#folder)) || (await this.#isGivenUp())) this.#stop("cancelled");
    if (now - this.#lastBeat < HEARTBEAT_MS) return;
    this.#lastBeat = now;
    await utimes(join(this.#folder, TRY_FILES.supervisor), new Date(), new Date()).catch(() => undefined); // a full disk ends no job
  }

  /** Whether a launcher took this try for one that never started: it has gone on without us. */
  async #isGivenUp(): Promise<boolean> {
    return (await readEnd(this.#folder)) !== undefined;
  }

  /** Tells the first process alone: PyTorch's agent hands it on to its workers, and twice would cut their checkpoint short. */
  #stop(reason: "cancelled" | "timed-out"): void {
    if (this.#reason !== "exited") return;
    this.#reason = reason;
    this.#killAt = Date.now() + this.#order.graceSeconds * 1000;
    if (this.#child.pid !== undefined) signalQuietly(this.#child.pid, "SIGTERM");
  }

  #signalAll(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    for (const marked of markedProcesses(this.#order.mark)) signalQuietly(marked, signal);
    if (pid !== undefined) signalQuietly(-pid, signal);
  }

  /** Ends what the first process left behind: workers whose agent was killed may save their checkpoint first. */
  async #clear(): Promise<void> {
    const until = Math.min(this.#killAt, Date.now() + this.#order.graceSeconds * 1000);
    this.#signalAll("SIGTERM");
    while (markedProcesses(this.#order.mark).length > 0) {
      if (Date.now() >= until) this.#signalAll("SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    this.#signalAll("SIGKILL");
  }

  #endAfter(failure: Error | undefined): TryEnd {
    const { exitCode, signalCode } = this.#child;
    const how =
      failure !== undefined
        ? `it could not be started: ${failure.message.slice(0, 200)}`
        : signalCode === null
          ? `exit code ${exitCode}`
          : `killed by ${signalCode}`;
    const after = `after ${Math.round((Date.now() - this.#startedAt) / 1000)} s`;
    const detail = {
      exited: how,
      cancelled: `cancelled ${after} (${how})`,
      "timed-out": `stopped ${after}, its time was up (${how})`,
    }[this.#reason];
    return {
      reason: this.#reason,
      exitCode: failure === undefined ? exitCode : null,
      signal: signalCode,
      detail,
      endedAt: Date.now(),
    };
  }
}
