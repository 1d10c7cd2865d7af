/** @file A Ray cluster of two nodes on this machine, for tests: a head and a second raylet, each with one CPU, behind a token. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { request } from "undici";

const run = promisify(execFile);
const START_MS = 240_000;
const STOP_MS = 20_000;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Every process of a node has it in its environment: no other Ray on this machine is touched. */
const MARK = "GRAPPA_RAY_NODE";

export type NodeName = "head" | "second";

/** A process of a node. */
export interface NodeProcess {
  readonly pid: number;
  readonly command: string;
}

export class RayCluster {
  readonly token = randomBytes(32).toString("hex");
  readonly #python: string;
  readonly #folder: string;
  readonly #id = randomBytes(6).toString("hex");
  readonly #port: number;
  /** Ray's own, which need not be loopback. */
  #headAddress = "";

  /**
   * @param python of an environment that has ray[default,train]
   * @param folder for Ray's own files; a short path, for its sockets' sake
   */
  constructor(python: string, folder: string) {
    this.#python = python;
    this.#folder = folder;
    this.#port = 20_000 + (process.pid % 1000) * 10;
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port + 1}`;
  }

  async start(): Promise<void> {
    await this.startNode("head");
    await this.startNode("second");
  }

  /** Starts a node and waits until it serves. */
  async startNode(name: NodeName): Promise<void> {
    const where =
      name === "head"
        ? ["--head", `--port=${this.#port}`, `--dashboard-port=${this.#port + 1}`, `--temp-dir=${this.#folder}`]
        : [`--address=${this.#headAddress}`];
    const small = ["--num-cpus=1", "--num-gpus=0", "--object-store-memory=100000000", "--disable-usage-stats"];
    const first = this.#port + 2000 + (name === "head" ? 0 : 1000);
    const ports = [`--min-worker-port=${first}`, `--max-worker-port=${first + 999}`];
    const usage = name === "head" ? small : small.slice(0, -1);
    const command = ["-m", "ray.scripts.scripts", "start", ...where, ...usage, ...ports];
    const { stdout } = await run(this.#python, command, { env: this.#environment(name), timeout: START_MS });
    if (name !== "head") return;
    this.#headAddress = /--address='([^']+)'/.exec(stdout)?.[1] ?? "";
    await this.#untilItAnswers();
  }

  /** Kills all processes of a node at once, as a machine that loses its power. */
  killNode(name: NodeName): void {
    for (const { pid } of this.processes(name)) kill(pid);
  }

  /** Kills both nodes, and what they start meanwhile, until nothing is left. */
  async stop(): Promise<void> {
    for (const until = Date.now() + STOP_MS; Date.now() < until; await sleep(200)) {
      this.killNode("second");
      this.killNode("head");
      if (this.processes("second").length + this.processes("head").length === 0) return;
    }
  }

  /** All processes of a node, those of jobs too. */
  processes(name: NodeName): NodeProcess[] {
    const mark = `${MARK}=${this.#id}-${name}\0`;
    return readdirSync("/proc").flatMap((entry) => {
      if (!/^\d+$/.test(entry)) return [];
      try {
        if (!readFileSync(`/proc/${entry}/environ`, "latin1").includes(mark)) return [];
        const command = readFileSync(`/proc/${entry}/cmdline`, "latin1").replaceAll("\0", " ").trim();
        return [{ pid: Number(entry), command }];
      } catch {
        return []; // it has just ended
      }
    });
  }

  /** Kills the one process of a node whose command matches. */
  killOne(name: NodeName, command: RegExp): void {
    const found = this.processes(name).filter((process) => command.test(process.command));
    const [first] = found;
    if (first === undefined || found.length > 1)
      throw new Error(`${found.length} processes match ${command}: ${JSON.stringify(this.processes(name))}`);
    kill(first.pid);
  }

  async #untilItAnswers(): Promise<void> {
    const headers = { authorization: `Bearer ${this.token}` };
    for (const until = Date.now() + START_MS; ; ) {
      const answer = await request(`${this.address}/api/version`, { headers }).catch(() => undefined);
      const text = (await answer?.body.text()) ?? "";
      if (answer?.statusCode === 200) return;
      if (Date.now() > until) throw new Error(`no dashboard at ${this.address}: ${text}`);
      await sleep(250);
    }
  }

  #environment(name: NodeName): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: `${dirname(this.#python)}${delimiter}${process.env["PATH"]}`,
      [MARK]: `${this.#id}-${name}`,
      RAY_AUTH_MODE: "token",
      RAY_AUTH_TOKEN: this.token,
      RAY_memory_monitor_refresh_ms: "0",
      PYTHONDONTWRITEBYTECODE: "1",
    };
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}
