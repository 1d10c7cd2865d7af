/** @file The command line's world. The only file that reads environment variables and touches `process`. */
import { availableParallelism, cpus, homedir, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { CommandContext, StricliProcess } from "@stricli/core";
import { type FileSystem, joinPath, nodeFileSystem } from "../adapters/file-system.ts";
import { importDefault } from "../adapters/import-module.ts";
import { readBytes, writeAndWait } from "../adapters/byte-streams.ts";
import { nodeProcessTable, type ProcessTable } from "../adapters/process-table.ts";
import { type Clock, systemClock } from "../adapters/system-clock.ts";
import { AppError } from "../core/errors.ts";
import type { RecipePorts } from "../pipeline/load-recipe.ts";
import type { StageNotes } from "../schema/manifest.ts";
import { nodeServices, type CliServices } from "./services.ts";

/** Lines a person types. */
export interface LineInput extends AsyncIterable<string> {
  close(): void;
}

/** Everything a command may use. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  /**
   * Whether standard error is a terminal that understands cursor moves, and how wide it is; whether a person can answer;
   * whether standard output is a terminal and NO_COLOR unset.
   */
  readonly terminal: {
    readonly isInteractive: boolean;
    readonly columns: number;
    readonly canAsk: boolean;
    readonly hasColor: boolean;
  };
  readonly settings: CliSettings;
  /** The value of an environment variable that a recipe names, for a teacher's key. */
  readonly secrets: (name: string) => string | undefined;
  readonly version: string;
  readonly recipes: RecipePorts;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly machine: StageNotes;
  readonly services: CliServices;
  /** Opens standard input for typing; the prompt is shown only on a terminal. */
  openInput(): LineInput;
  /** The bytes of a file, or of standard input for `-`; ends early when the signal is aborted. */
  openBytes(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Writes to standard output and waits until it takes more; false when nobody reads it any more. */
  writeOut(text: string): Promise<boolean>;
  /** Calls back on the first Ctrl-C or SIGTERM; the second has its usual effect. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/** What the environment sets. */
export interface CliSettings {
  /** GRAPPA_THREADS, else all processors. */
  readonly threads: number;
  /** NO_COLOR unset and a terminal. */
  readonly hasColor: boolean;
  /** GRAPPA_CACHE, else `grappa` in the user's folder of caches: what was downloaded. */
  readonly cacheFolder: string;
  /** GRAPPA_LLAMA: a node_modules folder that holds node-llama-cpp; as this package finds it unless set. */
  readonly llamaFolder?: string | undefined;
}

/** The part of Node's process that the command line needs. */
export interface HostProcess {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly platform: string;
  readonly arch: string;
  cwd(): string;
  once(event: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  off(event: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

/** The world of a real process. */
export async function buildContext(host: HostProcess): Promise<CliContext> {
  const packageFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
  const fs = nodeFileSystem();
  const settings = readSettings(host);
  const { version } = JSON.parse(await fs.readText(joinPath(packageFolder, "package.json"), 1 << 20)) as {
    version: string;
  };
  // A reader that goes away (`grappa status | head -1`) is no failure of ours.
  for (const stream of [host.stdout, host.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => ignoreClosedPipe(error));
  return {
    process: { stdout: host.stdout, stderr: host.stderr, env: settings.hasColor ? {} : { STRICLI_NO_COLOR: "1" } },
    terminal: {
      isInteractive: host.stderr.isTTY === true && host.env.TERM !== "dumb",
      columns: host.stderr.columns || 80, // a pseudo-terminal without a size says 0
      canAsk: host.stdin.isTTY === true && host.stderr.isTTY === true,
      hasColor: host.stdout.isTTY === true && host.env.TERM !== "dumb" && allowsColor(host),
    },
    settings,
    secrets: (name) => host.env[name],
    version,
    recipes: { fs, importDefault, packageFolder, workingFolder: currentFolder(host) },
    fs,
    clock: systemClock(),
    processes: nodeProcessTable(),
    machine: describeMachine(host, settings),
    services: nodeServices,
    openInput: () =>
      createInterface({ input: host.stdin, output: host.stderr, terminal: host.stdin.isTTY === true, prompt: "> " }),
    openBytes: (path, signal) => readBytes(path === "-" ? host.stdin : resolve(currentFolder(host), path), signal),
    writeOut: (text) => writeAndWait(host.stdout, text),
    onInterrupt: (listener) => listenForInterrupt(host, listener),
  };
}

function currentFolder(host: HostProcess): string {
  try {
    return host.cwd();
  } catch (cause) {
    throw new AppError("file-missing", "the current folder no longer exists", { hint: "cd to one that does", cause });
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

function readSettings(host: HostProcess): CliSettings {
  const { GRAPPA_THREADS, GRAPPA_CACHE, GRAPPA_LLAMA, XDG_CACHE_HOME } = host.env;
  const hasColor = allowsColor(host) && host.stderr.isTTY === true;
  return {
    threads:
      GRAPPA_THREADS === undefined || GRAPPA_THREADS === "" ? availableParallelism() : parseThreads(GRAPPA_THREADS),
    hasColor,
    // An empty variable counts as unset.
    cacheFolder: GRAPPA_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "grappa"),
    llamaFolder: GRAPPA_LLAMA ? resolve(currentFolder(host), GRAPPA_LLAMA) : undefined,
  };
}

function allowsColor({ env: { NO_COLOR } }: HostProcess): boolean {
  return NO_COLOR === undefined || NO_COLOR === "";
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 256) return threads;
  throw new AppError("usage", `GRAPPA_THREADS is ${text}; expected a whole number from 1 to 256`);
}

function listenForInterrupt(host: HostProcess, listener: () => void): () => void {
  const stop = (): void => {
    host.off("SIGINT", interrupt);
    host.off("SIGTERM", interrupt);
  };
  const interrupt = (): void => {
    stop();
    listener();
  };
  host.once("SIGINT", interrupt);
  host.once("SIGTERM", interrupt);
  return stop;
}

function describeMachine(host: HostProcess, settings: CliSettings): StageNotes {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    threads: settings.threads,
    memoryBytes: totalmem(),
    platform: `${host.platform} ${host.arch}`,
    nodeVersion: host.version,
  };
}
