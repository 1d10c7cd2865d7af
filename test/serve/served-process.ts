/** @file `grappa serve` as a process of its own, and what it holds: memory after a collection, handles, files. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

/** What a process holds once garbage is collected. */
export interface HeldResources {
  readonly heapBytes: number;
  /** Active handles and requests by kind, as Node names them. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open files and sockets; undefined where the system does not tell. */
  readonly files: number | undefined;
}

/** A server in a process of its own. */
export interface ServedProcess {
  readonly url: string;
  readonly api: string;
  held(): Promise<HeldResources>;
  /** Most memory that it has taken so far, bytes; undefined where the system does not tell. */
  peakBytes(): number | undefined;
  /** All it has written to standard output and standard error. */
  output(): string;
  isRunning(): boolean;
  /** Asks it to end. */
  signal(): void;
  /** Its exit code once it has ended; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Asks it to end, and waits. */
  stop(): Promise<number | null>;
}

/** Starts `grappa serve` from `dist` on a free port of loopback. */
export async function startServed(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServedProcess> {
  const probe = resolve("test/serve/memory-probe.mjs");
  const program = ["--expose-gc", "--import", probe, resolve("dist/cli/main.js"), "serve", ...args];
  const child = spawn(process.execPath, [...program, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  let output = "";
  child.stderr?.on("data", (data: Buffer) => (output += data.toString()));
  const ended = new Promise<number | null>((settle) => child.on("exit", settle));
  const url = await new Promise<string>((settle, fail) => {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      output += `${line}\n`;
      const told = JSON.parse(line) as { url?: string };
      if (told.url !== undefined) settle(told.url);
    });
    void ended.then((code) => fail(new Error(`ended with ${code}: ${output}`)));
  });
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null) child.kill("SIGTERM");
    return await ended;
  };
  return {
    url,
    api: `${url}/v1`,
    held: () => heldBy(child),
    peakBytes: () => peakOf(child.pid!),
    output: () => output,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    signal: () => void child.kill("SIGTERM"),
    ended,
    stop,
  };
}

async function heldBy(child: ChildProcess): Promise<HeldResources> {
  const told = new Promise<Omit<HeldResources, "files">>((settle) =>
    child.once("message", (message) => settle(message as Omit<HeldResources, "files">)),
  );
  child.send("tell");
  return { ...(await told), files: filesOf(child.pid!) };
}

function filesOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined; // no Linux
  }
}

function peakOf(pid: number): number | undefined {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  } catch {
    return undefined; // no Linux
  }
}
