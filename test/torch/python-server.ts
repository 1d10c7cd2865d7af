/** @file Servers of completions in Python, started on loopback for a test. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** A started server. */
export interface PythonServer {
  readonly baseUrl: string;
  stop(): Promise<void>;
}

const PATIENCE_MS = 180_000;

/**
 * Starts a program and waits until it answers.
 * @param argumentsFor its command line for a port
 */
export async function startPythonServer(
  command: string,
  argumentsFor: (port: string) => readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PythonServer> {
  const port = await freePort();
  const child = spawn(command, argumentsFor(String(port)), {
    env: { ...process.env, HF_HUB_OFFLINE: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own: vLLM's workers outlive it, and hold its pipes
  });
  let said = "";
  const listen = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-4000));
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined) killGroup(child.pid);
    await ended;
  };
  const until = Date.now() + PATIENCE_MS;
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    const isUp = await fetch(`${url}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return { baseUrl: `${url}/v1`, stop };
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`the server did not come up: ${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // all of it is gone
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
