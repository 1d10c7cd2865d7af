/**
 * @file Hugging Face Jobs through its own client library: what it answers is checked and capped here, its errors become ours,
 * and the token stands in none of them. The library is loaded at the first call.
 */
import type { JobVolume } from "@huggingface/hub";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { keyRedactor } from "../teacher/api-key.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { boundedFetch } from "./bounded-fetch.ts";

const time = z
  .string()
  .transform((text) => Date.parse(text))
  .nullish()
  .catch(null)
  .transform((ms) => (ms === null || ms === undefined || Number.isNaN(ms) ? null : ms));

const RemoteJob = z.object({
  id: z.string().regex(/^[\w-]{1,128}$/),
  status: z.object({ stage: z.string().max(64), message: z.string().nullish().catch(null) }),
  /** Its hardware: the job's own, whatever the recipe says by now. */
  flavor: z.string().max(64).nullish().catch(null),
  createdAt: time,
  startedAt: time,
  finishedAt: time,
  labels: z.record(z.string(), z.string()).nullish().catch(null),
});
/** A job as the hub tells it; times are Unix milliseconds. */
export type RemoteJob = z.infer<typeof RemoteJob>;

const Hardware = z.object({
  name: z.string().max(64),
  prettyName: z.string().max(128).catch(""),
  accelerator: z
    .object({ type: z.string(), model: z.string().max(64), quantity: z.coerce.number().int().min(1), vram: z.string() })
    .nullable(),
  unitCostUSD: z.number().min(0),
  unitLabel: z.string(),
});

/** Hardware that a job can have, at the hub's price of this moment. */
export interface HfHardware {
  readonly flavor: string;
  readonly title: string;
  /** As the hub calls it, such as H200; null without one. */
  readonly gpu: string | null;
  readonly gpus: number;
  /** Of all its GPUs together, as it is told, such as "1128 GB". */
  readonly gpuMemory: string | null;
  /** Dollars for an hour of the whole machine; billed by the minute. */
  readonly usdPerHour: number;
}

/** What a job is started with; secrets are encrypted by the hub and told by nobody. */
export interface HfJobOrder {
  readonly image: string;
  readonly flavor: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Always given: the hub's default of 30 minutes would end most trainings. */
  readonly timeoutSeconds: number;
  readonly attempts: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly volumes: readonly JobVolume[];
}

/** Where and as whom. */
export interface HfAccess {
  readonly hubUrl: string;
  readonly token: string;
}

/** See the file's head. Throws AppError "provider", "provider-permanent", "usage" or "interrupted". */
export class HfJobsClient {
  /** Text without the token. */
  readonly redact: (text: string) => string;
  readonly #access: HfAccess;

  constructor(access: HfAccess) {
    this.#access = { ...access, hubUrl: access.hubUrl.replace(/\/+$/, "") };
    this.redact = keyRedactor(access.token);
  }

  /** Name of the token's owner. */
  async owner(signal: AbortSignal): Promise<string> {
    const { whoAmI } = await import("@huggingface/hub");
    const answer = await this.#call("whose token it is", signal, (access) => whoAmI(access));
    return parse(z.object({ name: z.string().regex(/^[\w.-]{1,96}$/) }), answer, "no name of the token's owner").name;
  }

  /** Every job of a namespace that the hub lists. */
  async list(namespace: string, signal: AbortSignal): Promise<readonly RemoteJob[]> {
    const { listJobs } = await import("@huggingface/hub");
    const answer = await this.#call("the list of jobs", signal, (access) => listJobs({ ...access, namespace }));
    const jobs = parse(z.array(z.unknown()), answer, "no list of jobs");
    return jobs.flatMap((job) => RemoteJob.safeParse(job).data ?? []);
  }

  async run(namespace: string, order: HfJobOrder, signal: AbortSignal): Promise<RemoteJob> {
    const { runJob } = await import("@huggingface/hub");
    const { image, flavor, command, volumes, ...rest } = order;
    const answer = await this.#call("a new job", signal, (access) =>
      runJob({
        ...access,
        ...rest,
        namespace,
        dockerImage: image,
        flavor: flavor as Parameters<typeof runJob>[0]["flavor"], // its list is older than the hub's
        command: [...command],
        volumes: [...volumes],
      }),
    );
    return parse(RemoteJob, answer, "no job");
  }

  async get(namespace: string, jobId: string, signal: AbortSignal): Promise<RemoteJob> {
    const { getJob } = await import("@huggingface/hub");
    const answer = await this.#call(`job ${jobId}`, signal, (access) => getJob({ ...access, namespace, jobId }));
    return parse(RemoteJob, answer, "no job");
  }

  async cancel(namespace: string, jobId: string, signal: AbortSignal): Promise<void> {
    const { cancelJob } = await import("@huggingface/hub");
    await this.#call(`the end of job ${jobId}`, signal, (access) => cancelJob({ ...access, namespace, jobId }));
  }

  /** What a job printed, from its start, until the hub ends the stream; time is NaN where it is not told. */
  async *logs(
    namespace: string,
    jobId: string,
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly text: string; readonly time: number }> {
    const { streamJobLogs } = await import("@huggingface/hub");
    const access = { ...this.#at(), fetch: boundedFetch({ signal, isStream: true }) };
    try {
      for await (const entry of streamJobLogs({ ...access, namespace, jobId })) {
        const text: unknown = entry.message;
        yield { text: this.redact(typeof text === "string" ? text : JSON.stringify(text)), time: +entry.timestamp };
      }
    } catch (error) {
      throw this.#explain(error, `the log of job ${jobId}`, signal);
    }
  }

  /** Makes a private bucket; one that is there is fine. */
  async makeBucket(name: string, signal: AbortSignal): Promise<void> {
    const { createRepo, HubApiError } = await import("@huggingface/hub");
    await this.#call(`the bucket ${name}`, signal, async (access) => {
      try {
        return await createRepo({ ...access, repo: { type: "bucket", name }, visibility: "private" });
      } catch (error) {
        if (error instanceof HubApiError && error.statusCode === 409) return undefined;
        throw error;
      }
    });
  }

  #at(): { hubUrl: string; accessToken: string } {
    return { hubUrl: this.#access.hubUrl, accessToken: this.#access.token };
  }

  async #call<T>(
    what: string,
    signal: AbortSignal,
    call: (access: { hubUrl: string; accessToken: string; fetch: typeof fetch }) => Promise<T>,
  ): Promise<T> {
    try {
      return await call({ ...this.#at(), fetch: boundedFetch({ signal, isStream: false }) });
    } catch (error) {
      throw this.#explain(error, what, signal);
    }
  }

  #explain(error: unknown, what: string, signal: AbortSignal): AppError {
    return explain(error, what, { signal, redact: this.redact, hubUrl: this.#access.hubUrl });
  }
}

/**
 * GPUs that jobs can have, with their prices of this moment, and CPU machines; what is no NVIDIA GPU is left out.
 *
 * @throws AppError "provider" or "provider-permanent"
 */
export async function listHfHardware(hubUrl: string, signal: AbortSignal): Promise<readonly HfHardware[]> {
  const { listJobHardware } = await import("@huggingface/hub");
  const bounded = boundedFetch({ signal, isStream: false });
  try {
    const answer = await listJobHardware({ hubUrl: hubUrl.replace(/\/+$/, ""), fetch: bounded });
    const rows = parse(z.array(z.unknown()), answer, "no list of hardware");
    return rows.flatMap((row) => hardwareOf(Hardware.safeParse(row).data));
  } catch (error) {
    throw explain(error, "the list of hardware", { signal, redact: (text) => text, hubUrl });
  }
}

const UNITS: Readonly<Record<string, number>> = { minute: 60, hour: 1, second: 3600 };

function hardwareOf(row: z.infer<typeof Hardware> | undefined): readonly HfHardware[] {
  const perHour = row === undefined ? undefined : UNITS[row.unitLabel];
  if (row === undefined || perHour === undefined) return [];
  const { name: flavor, prettyName: title, accelerator, unitCostUSD } = row;
  if (accelerator !== null && accelerator.type !== "gpu") return [];
  const gpus = accelerator?.quantity ?? 0;
  const usdPerHour = Math.round(unitCostUSD * perHour * 1e4) / 1e4;
  return [{ flavor, title, gpu: accelerator?.model ?? null, gpus, gpuMemory: accelerator?.vram ?? null, usdPerHour }];
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError("provider-permanent", `the hub answered with ${what}`, {
    hint: "check train.launcher.hubUrl: is it a Hugging Face hub with Jobs?",
  });
}

interface Failing {
  readonly signal: AbortSignal;
  readonly redact: (text: string) => string;
  readonly hubUrl: string;
}

function explain(error: unknown, what: string, { signal, redact, hubUrl }: Failing): AppError {
  if (signal.aborted) return new AppError("interrupted", "stopped while Hugging Face Jobs was asked");
  if (error instanceof AppError) return error;
  const text = excerptOf(redact(error instanceof Error ? error.message : String(error)));
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : undefined;
  const data = { status, hubUrl };
  if (status === undefined || status === 408 || status === 429 || status >= 500)
    return new AppError("provider", `${hubUrl} did not give ${what}: ${text}`, {
      data,
      cause: undefined,
      isRetryable: true,
    });
  return new AppError("provider-permanent", `${hubUrl} refused ${what} (${status}): ${text}`, {
    hint: HINTS[status] ?? "see the message; `grappa plan` lists the hardware",
    data,
  });
}

const HINTS: Readonly<Record<number, string>> = {
  401: "the token is not valid: make one at hf.co/settings/tokens that may start jobs and write repositories",
  402: "Jobs need credits: see hf.co/settings/billing",
  403: "the token may not do that: it needs the rights to start jobs and to write repositories in train.launcher.namespace",
  404: "check train.launcher.namespace and flavor",
};
