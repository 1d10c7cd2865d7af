/** @file `grappa ui` as a process that a test asks over a socket, and kills. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { interruptProcess } from "../../src/adapters/interrupt-process.ts";
import type { ProcessIdentity } from "../../src/adapters/process-table.ts";
import { ask } from "./ask.ts";

/** A server. */
export interface UiProcess {
  readonly child: ChildProcess;
  readonly get: <T>(path: string) => Promise<T>;
  readonly post: (path: string) => Promise<{ readonly status: number; readonly json: () => unknown }>;
  /** Ends it at once, as a crash does. */
  readonly kill: () => Promise<void>;
}

/** Starts the built `grappa ui` over a folder, on a free port. */
export async function startUiProcess(folder: string, env: Readonly<Record<string, string>> = {}): Promise<UiProcess> {
  const child = spawn(process.execPath, [resolve("dist/cli/main.js"), "ui", folder, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<void>((settle) => child.on("exit", () => settle()));
  const { address, url } = await new Promise<{ address: string; url: string }>((settle) =>
    child.stdout.once("data", (data: Buffer) => settle(JSON.parse(String(data)) as { address: string; url: string })),
  );
  const headers = { authorization: `Bearer ${address.split("#token=")[1]}`, origin: url };
  return {
    child,
    get: async <T>(path: string) => (await ask(`${url}/api${path}`, headers)).json() as T,
    post: (path) => ask(`${url}/api${path}`, headers, "POST", "{}"),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Ends the run that works in a folder, if one does: a resumed one outlives the server, and would outlive a failed test. */
export function endRun(folder: string): void {
  try {
    interruptProcess(JSON.parse(readFileSync(join(folder, "lock.json"), "utf8")) as ProcessIdentity);
  } catch {
    // none does
  }
}
