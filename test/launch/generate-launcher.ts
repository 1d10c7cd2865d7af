/** @file A launcher for tests that runs generate jobs in this process: the job's own program against the engine behind HTTP. */
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JobHandle, JobSpec, JobStatus, Launcher } from "../../src/adapters/launchers/launcher.ts";
import { runGenerateProgram } from "../../src/adapters/runtimes/generate-program.ts";
import { GenerateJob } from "../../src/schema/generate-job.ts";
import { EVENT_MARK } from "../../src/schema/training-job.ts";
import { startEngineCompletions } from "./engine-completions.ts";

/** How a try goes; by default well. */
export interface GenerateTry {
  /** The machine is lost once so many replies are there. */
  readonly lostAfter?: number;
  /** It ends with such a failure before it asks anything. */
  readonly failure?: { readonly code: string; readonly message: string };
  /** It says that its time is over once so many replies are there. */
  readonly stoppedAfter?: number;
}

interface Try {
  readonly id: string;
  readonly spec: JobSpec;
  readonly startedAt: number;
  state: JobStatus["state"];
  endedAt: number | null;
}

/** See the file's head. */
export class GenerateLauncher implements Launcher {
  readonly type = "ray";
  readonly graceSeconds = 0;
  readonly gpus = 8;
  readonly tries: Try[];
  readonly #folder: string;
  readonly #script: (number: number) => GenerateTry;
  readonly #lines: string[] = [];

  /** @param tries of an earlier process, to be found again */
  constructor(folder: string, script: (number: number) => GenerateTry = () => ({}), tries: Try[] = []) {
    this.tries = tries;
    this.#folder = folder;
    this.#script = script;
  }

  /** As on a cluster of two nodes. */
  async gpusOnce(): Promise<number> {
    return await Promise.resolve(this.gpus / 2);
  }

  async place(): Promise<string> {
    return await Promise.resolve(this.#folder);
  }

  async find(name: string): Promise<JobHandle | undefined> {
    const last = this.tries.filter(({ spec }) => spec.name === name).at(-1);
    return await Promise.resolve(last && this.#handle(last));
  }

  async submit(spec: JobSpec): Promise<JobHandle> {
    const folder = join(this.#folder, spec.name);
    for (const file of spec.files) {
      const path = join(folder, file.path);
      mkdirSync(dirname(path), { recursive: true });
      if ("bytes" in file) writeFileSync(path, file.bytes);
      else cpSync(file.from, path, { recursive: true });
    }
    const number = this.tries.length + 1;
    const made: Try = { id: `job-${number}`, spec, startedAt: Date.now(), state: "running", endedAt: null };
    this.tries.push(made);
    void this.#run(made, folder, this.#script(number)).then((state) => {
      made.state = state;
      made.endedAt = Date.now();
    });
    return await Promise.resolve(this.#handle(made));
  }

  async status({ id }: JobHandle): Promise<JobStatus> {
    const { state, startedAt, endedAt } = this.tries.find((each) => each.id === id) as Try;
    return await Promise.resolve({ state, detail: state, startedAt, endedAt, exitCode: null, gpus: null });
  }

  async *logs(): AsyncIterable<string> {
    await Promise.resolve();
    yield "starting";
    yield* this.#lines;
  }

  async cancel({ id }: JobHandle): Promise<void> {
    const found = this.tries.find((each) => each.id === id);
    if (found?.state === "running") found.state = "cancelled";
    await Promise.resolve();
  }

  async fetch({ name }: JobHandle, path: string, to: string): Promise<boolean> {
    const from = join(this.#folder, name, "out", path);
    if (existsSync(from)) cpSync(from, to);
    return await Promise.resolve(existsSync(from));
  }

  async close(): Promise<void> {}

  #handle({ id, spec }: Try): JobHandle {
    return { launcher: this.type, name: spec.name, id, folder: null };
  }

  async #run(made: Try, folder: string, script: GenerateTry): Promise<JobStatus["state"]> {
    const out = join(folder, "out");
    mkdirSync(out, { recursive: true });
    const say = (event: object): void => {
      const elapsedSeconds = (Date.now() - (this.tries[0] as Try).startedAt) / 1000;
      const line = JSON.stringify({ schemaVersion: 1, time: Date.now() / 1000, elapsedSeconds, ...event });
      appendFileSync(join(out, "events.jsonl"), `${line}\n`);
      this.#lines.push(`(pid=1) ${EVENT_MARK}${line}`);
    };
    if (script.failure !== undefined) {
      say({ type: "failure", hint: null, ...script.failure });
      return "failed";
    }
    const job = GenerateJob.parse(JSON.parse(readFileSync(join(folder, "job.json"), "utf8")));
    const stop = new AbortController();
    const most = script.lostAfter ?? script.stoppedAfter ?? Number.POSITIVE_INFINITY;
    const watch = setInterval(() => {
      const path = join(out, "replies.jsonl");
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
      if (lines >= most || made.state === "cancelled") stop.abort(new Error("stop"));
    }, 2);
    try {
      for (const { name, model } of job.models) {
        const server = await startEngineCompletions(join(folder, model));
        try {
          const about = {
            server: "vllm",
            version: "0.32.0",
            device: "cuda",
            gpu: "NVIDIA H200",
            gpus: 8,
            loadSeconds: 1,
          };
          say({ type: "start", model: name, ...about });
          const asked = { jobFile: join(folder, "job.json"), outFolder: out, model: name, baseUrl: server.baseUrl };
          await runGenerateProgram({ ...asked, signal: stop.signal, tell: say });
        } finally {
          await server.close();
        }
      }
      say({ type: "end", outcome: "completed" });
      return "succeeded";
    } catch {
      if (script.stoppedAfter !== undefined) say({ type: "end", outcome: "stopped" });
      return script.stoppedAfter !== undefined ? "succeeded" : made.state === "cancelled" ? "cancelled" : "failed";
    } finally {
      clearInterval(watch);
    }
  }
}
