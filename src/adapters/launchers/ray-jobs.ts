/** @file The calls of Ray's Jobs API that a launcher needs, each with the shape of its answer. */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { RayHttp } from "./ray-http.ts";

/** What is asked of the cluster. */
export interface RaySubmission {
  readonly entrypoint: string;
  readonly submission_id: string;
  readonly runtime_env: {
    readonly working_dir: string;
    readonly env_vars: Readonly<Record<string, string>>;
    readonly pip?: { readonly packages: readonly string[]; readonly pip_check: boolean };
  };
  readonly metadata: Readonly<Record<string, string>>;
  readonly entrypoint_num_gpus?: number;
}

const Job = z.object({
  status: z.enum(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED"]),
  message: z.string().nullish(),
  /** Milliseconds, unlike most of Ray. */
  start_time: z.number().nullish(),
  end_time: z.number().nullish(),
  driver_exit_code: z.int().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
export type RayJob = z.infer<typeof Job>;

const Logs = z.object({ logs: z.string() });
const Nodes = z.object({
  data: z.object({
    result: z.object({
      result: z.array(
        z.object({ state: z.string(), resources_total: z.record(z.string(), z.number()).nullish() }).loose(),
      ),
    }),
  }),
});

const MAX_LOG_BYTES = 128 * 1024 * 1024;

/** Whether a job of this status will not change any more. */
export const isOver = (status: RayJob["status"]): boolean => status !== "PENDING" && status !== "RUNNING";

/** See the file's head. */
export class RayJobs {
  readonly #http: RayHttp;

  constructor(http: RayHttp) {
    this.#http = http;
  }

  /** The job, or undefined where the cluster knows none of this id. */
  async find(id: string, signal: AbortSignal): Promise<RayJob | undefined> {
    const { status, text } = await this.#http.call({ path: jobPath(id), accepts: [404] }, signal);
    return status === 404 ? undefined : this.#parse(Job, text, "job");
  }

  /** @throws AppError "provider" also where a job of this id is there already */
  async submit(submission: RaySubmission, signal: AbortSignal): Promise<void> {
    // The slash at the end belongs to the address: without it, 404.
    await this.#http.call({ method: "POST", path: "/api/jobs/", body: JSON.stringify(submission) }, signal);
  }

  /** Asks a job to stop; one that is over or unknown stays as it is. */
  async stop(id: string, signal: AbortSignal): Promise<void> {
    const path = `${jobPath(id)}/stop`;
    await this.#http.call({ method: "POST", path, body: "", accepts: [400, 404], isRepeatable: true }, signal);
  }

  /** The whole log so far. */
  async logs(id: string, signal: AbortSignal): Promise<string> {
    const call = { path: `${jobPath(id)}/logs`, accepts: [404], maxBytes: MAX_LOG_BYTES };
    const { status, text } = await this.#http.call(call, signal);
    return status === 404 ? "" : this.#parse(Logs, text, "log").logs;
  }

  /** Where the log can be followed. */
  tailUrl(id: string): URL {
    return this.#http.socketUrl(`${jobPath(id)}/logs/tail`);
  }

  /** Whether the cluster has the package; it then keeps it for the next ten minutes. */
  async hasPackage(name: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#http.call({ path: packagePath(name), accepts: [404] }, signal)).status !== 404;
  }

  async putPackage(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#http.call({ method: "PUT", path: packagePath(name), body: bytes }, signal);
  }

  /** GPUs of the node that has most of them; undefined where the cluster does not tell. */
  async mostGpus(signal: AbortSignal): Promise<number | undefined> {
    const { status, text } = await this.#http.call({ path: "/api/v0/nodes", accepts: [404, 500] }, signal);
    if (status !== 200) return undefined;
    const alive = this.#parse(Nodes, text, "list of nodes").data.result.result.filter(({ state }) => state === "ALIVE");
    return Math.max(0, ...alive.map((node) => Math.floor(node.resources_total?.["GPU"] ?? 0)));
  }

  #parse<T>(shape: z.ZodType<T>, text: string, what: string): T {
    const parsed = shape.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new AppError("provider-permanent", `${this.#http.origin} answered with no ${what} of Ray's Jobs API`, {
      hint: "is train.launcher.address a Ray dashboard, and no page to log in before it?",
      cause: parsed.error,
    });
  }
}

const jobPath = (id: string): string => `/api/jobs/${encodeURIComponent(id)}`;
const packagePath = (name: string): string => `/api/packages/gcs/${encodeURIComponent(name)}`;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // refused by every shape
  }
}
