/** @file Pauses runs and goes on with them: what may be done with a run, and doing it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { FileSystem } from "../../adapters/file-system.ts";
import type { Interruption } from "../../adapters/interrupt-process.ts";
import type { ProcessIdentity, ProcessTable } from "../../adapters/process-table.ts";
import type { DetachedProcess } from "../../adapters/start-detached.ts";
import type { Clock } from "../../adapters/system-clock.ts";
import { AppError } from "../../core/errors.ts";
import type { ControlledRun } from "../../report/page/page-api.ts";
import { NO_CONTROL, type RunControl } from "../../report/page/run-list.ts";
import { maySpend } from "../may-spend.ts";
import { failureIn } from "./resume-output.ts";
import type { RunFacts } from "./run-facts.ts";

/** A run that is to go on. */
export interface ResumedRun {
  /** Absolute. */
  readonly folder: string;
  /** Whether it was begun with its controls. */
  readonly hasControls: boolean;
}

/** How processes of runs are interrupted and started. */
export interface RunControlPorts {
  /** As Ctrl-C does; only that very process. */
  interrupt(holder: ProcessIdentity): Interruption;
  /** Starts `grappa run`, which outlives us; it says yes to no money. */
  start(run: ResumedRun): Promise<DetachedProcess>;
  /** Where a started one writes what it says. */
  outputOf(folder: string): string;
  /** The same for a terminal. */
  commandOf(run: ResumedRun): string;
}

/** What switches need of the page's reader. */
export interface SwitchPorts {
  readonly fs: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  readonly control: RunControlPorts;
  readonly factsOf: (run: string) => Promise<RunFacts>;
}

const LOOK_EVERY_MS = 50;
/** A run says that it began in a second or two; a base on the hub may have to be brought first. */
const MOST_WAIT_MS = 20_000;
/** Ended by Ctrl-C, or by a pause. */
const INTERRUPTED = 130;

/** Pause and resume of the runs of a folder. */
export class RunSwitches {
  readonly #ports: SwitchPorts;
  /** Interrupted, by the run's folder: a second interruption would end a process at once. */
  readonly #stopping = new Map<string, ProcessIdentity>();
  readonly #starting = new Map<string, Promise<ControlledRun>>();
  /** What those said that failed, by the run's folder. */
  readonly #failures = new Map<string, string>();

  constructor(ports: SwitchPorts) {
    this.#ports = ports;
  }

  /** What may be done with a run. */
  controlOf(facts: RunFacts): RunControl {
    const { holder, folder, recipe } = facts;
    if (holder !== null) return this.#controlOfRunning(facts, holder);
    if (this.#starting.has(folder)) return { ...NO_CONTROL, note: "starting" };
    if (facts.manifest !== undefined) return NO_CONTROL;
    if (recipe === undefined)
      return { can: null, note: "its recipe is not written yet: begin it again", command: facts.header.command };
    if (!maySpend(recipe)) return { can: "resume", note: null, command: null };
    return { can: null, note: "may spend money: go on in a terminal, which asks", command: this.#commandOf(facts) };
  }

  #controlOfRunning({ folder }: RunFacts, holder: ProcessIdentity): RunControl {
    const { self } = this.#ports.processes;
    if (holder.host !== self.host) return { ...NO_CONTROL, note: `works on ${holder.host}: pause it there` };
    if (isSame(this.#stopping.get(folder), holder)) return { ...NO_CONTROL, note: "pausing" };
    return { can: "pause", note: null, command: null };
  }

  #commandOf(facts: RunFacts): string {
    return this.#ports.control.commandOf(resumedRun(facts));
  }

  /** Why a run that was started from here failed where its events do not tell; null where it did not. */
  failureOf({ folder, holder }: Pick<RunFacts, "folder" | "holder">): string | null {
    return holder === null ? (this.#failures.get(folder) ?? null) : null;
  }

  /**
   * Interrupts the process that works on a run, as Ctrl-C does; it has not ended yet when this returns. What is being
   * paused already is left to it.
   *
   * @throws AppError "usage" where no process works on it here, or not certainly this one; then nobody is interrupted.
   */
  async pause(run: string): Promise<ControlledRun> {
    const { folder, holder } = await this.#ports.factsOf(run);
    if (holder === null) throw new AppError("usage", "no process works on this run");
    if (isSame(this.#stopping.get(folder), holder)) return { pid: holder.pid };
    const interruption = this.#ports.control.interrupt(holder);
    if (interruption !== "sent") throw refused(interruption, holder);
    this.#stopping.set(folder, holder);
    return { pid: holder.pid };
  }

  /**
   * Starts `grappa run` for a run's folder; returns when it has begun, or after some seconds on the way there.
   *
   * @throws AppError "usage" where it may not go on from here, or what was started failed before it began.
   */
  async resume(run: string): Promise<ControlledRun> {
    const facts = await this.#ports.factsOf(run);
    const { folder } = facts;
    const present = this.#starting.get(folder);
    if (present !== undefined) return await present;
    const { can, note, command } = this.controlOf(facts);
    if (can !== "resume") throw notResumable(facts, note, command);
    const starting = this.#start(facts).finally(() => this.#starting.delete(folder));
    this.#starting.set(folder, starting);
    return await starting;
  }

  async #start(facts: RunFacts): Promise<ControlledRun> {
    const { clock, control, factsOf } = this.#ports;
    const { folder, name } = facts;
    this.#failures.delete(folder);
    const startedAt = clock.date();
    const { pid, ended } = await control.start(resumedRun(facts));
    let isOver = false;
    void this.#noteEnd(folder, ended).finally(() => (isOver = true));
    for (const until = clock.now() + MOST_WAIT_MS; clock.now() < until; await sleep(LOOK_EVERY_MS)) {
      const failure = this.#failures.get(folder);
      if (failure !== undefined)
        throw new AppError("usage", failure, { hint: `all it said: ${control.outputOf(folder)}` });
      if (isOver) break;
      const { events, holder } = await factsOf(name);
      const hasBegun = events.some(({ type, at }) => type === "run-start" && at >= startedAt);
      if (holder?.pid === pid && hasBegun) break;
    }
    return { pid };
  }

  async #noteEnd(folder: string, ended: Promise<number | null>): Promise<void> {
    const status = await ended;
    if (status === 0 || status === INTERRUPTED) return;
    const { fs, control } = this.#ports;
    const said = await failureIn(fs, control.outputOf(folder));
    const how = status === null ? "was killed" : `ended with status ${status}`;
    this.#failures.set(folder, said ?? `\`grappa run\` ${how}`);
  }
}

function resumedRun({ folder, header }: RunFacts): ResumedRun {
  return { folder, hasControls: header.command.split(" ").includes("--controls") };
}

function isSame(one: ProcessIdentity | undefined, other: ProcessIdentity): boolean {
  return one !== undefined && one.pid === other.pid && one.birth === other.birth && one.host === other.host;
}

const REASONS: Readonly<Record<Exclude<Interruption, "sent">, string>> = {
  gone: "has ended meanwhile",
  elsewhere: "works on another machine",
  "not-known": "cannot be told from a later one with its number",
  denied: "belongs to somebody else",
};

function refused(interruption: Exclude<Interruption, "sent">, { pid, host }: ProcessIdentity): AppError {
  const message = `process ${pid} on ${host} ${REASONS[interruption]}: it was not interrupted`;
  return new AppError("usage", message, { hint: "press Ctrl-C where it runs" });
}

function notResumable({ holder }: RunFacts, note: string | null, command: string | null): AppError {
  const message = holder === null ? (note ?? "this run is finished") : `process ${holder.pid} works on this run`;
  return new AppError("usage", message, command === null ? {} : { hint: `type: ${command}` });
}
