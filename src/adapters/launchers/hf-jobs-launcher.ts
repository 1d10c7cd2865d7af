/**
 * @file Hugging Face Jobs: the bundle goes to a private data set, which the job sees read-only at its commit; outputs go to a
 * private bucket of the same name, which outlives the job, its retries and this machine (docs/decisions/0024).
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../core/errors.ts";
import { gpuHourPrice } from "../../ledger/gpu-price.ts";
import type { HfJobsFields } from "../../schema/training-fields.ts";
import type { HubPorts } from "../datasets/hub/hub-http.ts";
import { readApiKey } from "../teacher/api-key.ts";
import { systemWaiting } from "../teacher/retry-delay.ts";
import { checkBundle, MOUNT_IN, MOUNT_OUT, RUNNER, uploadBundle } from "./hf-jobs-bundle.ts";
import { HfJobsClient, type HfHardware, listHfHardware, type RemoteJob } from "./hf-jobs-client.ts";
import { HfLogPlace } from "./hf-jobs-log.ts";
import { fetchOutput } from "./hf-jobs-output.ts";
import { gpusOfFlavor, isEnded, statusOf } from "./hf-jobs-status.ts";
import { checkedEnvironment, checkedJobName } from "./job-checks.ts";
import type { JobHandle, JobSpec, JobStatus, Launcher, LauncherWorld } from "./launcher.ts";

/** The longest that a job may run where nobody says: a day. The hub's own default would be 30 minutes. */
export const MAX_SECONDS = 86_400;
/** Tries that the hub itself makes, when a machine is lost. The runner ends those that would fail again. */
const ATTEMPTS = 3;
/** Label that marks our jobs, and the one that holds our name; the hub's pages show the second as the job's name. */
const OURS = "grappa";
const NAME_LABEL = "name";
const REPOSITORY_NAME = "grappa-jobs";
/** The hub tells micro-dollars of a minute. */
const PRICE_ROUNDING_USD = 0.001;
const RECONNECT_MS = 1_000;
/** A log that breaks so often in a row, with nothing new between, is given up. */
const MAX_BREAKS = 20;

/** See the file's head, and {@link Launcher}. */
export class HfJobsLauncher implements Launcher {
  readonly type = "hf-jobs";
  readonly graceSeconds = 30;
  readonly gpus: number;
  readonly #fields: HfJobsFields;
  readonly #world: LauncherWorld;
  readonly #client: HfJobsClient;
  readonly #token: string;
  #namespace: string | undefined;

  /** @throws AppError "usage" where the token's variable is not set. */
  constructor(fields: HfJobsFields, world: LauncherWorld) {
    this.#fields = fields;
    this.#world = world;
    this.gpus = gpusOfFlavor(fields.flavor);
    this.#namespace = fields.namespace;
    const { tokenEnv, hubUrl } = fields;
    this.#token = readApiKey({ [tokenEnv]: world.secrets(tokenEnv) }, tokenEnv);
    this.#client = new HfJobsClient({ hubUrl, token: this.#token });
  }

  gpusOnce(): Promise<number> {
    return Promise.resolve(this.gpus);
  }

  async place(signal: AbortSignal): Promise<string> {
    const { hubUrl } = this.#fields;
    return `${hubUrl.replace(/\/+$/, "")}, ${await this.#owner(signal)}, outputs in ${await this.#repository(signal)}`;
  }

  async find(name: string, signal: AbortSignal): Promise<JobHandle | undefined> {
    const job = await this.#last(checkedJobName(name), signal);
    return job === undefined ? undefined : await this.#handle(name, job, signal);
  }

  async submit(spec: JobSpec, signal: AbortSignal): Promise<JobHandle> {
    const name = checkedJobName(spec.name);
    checkBundle(spec);
    const secrets = checkedEnvironment(spec.environment);
    const standing = await this.#last(name, signal);
    const state = standing === undefined ? undefined : statusOf(standing).state;
    const isDone = state === "succeeded" && spec.again !== true;
    if (standing !== undefined && (isDone || state === "queued" || state === "running"))
      return await this.#handle(name, standing, signal);
    const hardware = await this.#hardware(signal);
    this.#checkPrice(hardware);
    const timeoutSeconds = this.#timeout(spec);
    const repo = await this.#repository(signal);
    this.#world.tell(`uploading the job's files to the private data set ${repo}`);
    const facts = { submission: randomUUID(), processes: Math.max(1, hardware.gpus), timeoutSeconds };
    const revision = await uploadBundle(spec, facts, { repo, ports: this.#hub(signal) });
    await this.#client.makeBucket(repo, signal);
    const order = {
      image: this.#fields.image,
      flavor: this.#fields.flavor,
      command: ["python", `${MOUNT_IN}/${RUNNER}`],
      environment: { GRAPPA_IN: MOUNT_IN, GRAPPA_BUCKET: MOUNT_OUT },
      secrets,
      timeoutSeconds,
      attempts: ATTEMPTS,
      labels: { [OURS]: "job", [NAME_LABEL]: name },
      volumes: [
        { source: { type: "dataset", name: repo }, mountPath: MOUNT_IN, revision, path: name, readOnly: true },
        { source: { type: "bucket", name: repo }, mountPath: MOUNT_OUT, readOnly: false },
      ],
    } as const;
    const job = await this.#client.run(await this.#owner(signal), order, signal);
    return await this.#handle(name, job, signal);
  }

  async status(handle: JobHandle, signal: AbortSignal): Promise<JobStatus> {
    const job = await this.#client.get(await this.#owner(signal), handle.id, signal);
    const status = statusOf(job);
    return { ...status, detail: this.#client.redact(status.detail) };
  }

  async *logs(handle: JobHandle, signal: AbortSignal): AsyncGenerator<string> {
    const owner = await this.#owner(signal);
    const place = new HfLogPlace();
    for (let breaks = 0; ; ) {
      // Asked before the log is read: what is printed until the end is in what is read after.
      const isLast = isEnded(await this.status(handle, signal));
      place.restart();
      try {
        for await (const { text, time } of this.#client.logs(owner, handle.id, signal)) {
          if (!place.isNew(time)) continue;
          breaks = 0;
          yield* linesOf(text);
        }
        if (isLast) return;
      } catch (error) {
        if (!(error instanceof AppError && error.isRetryable) || breaks >= MAX_BREAKS) throw error;
      }
      breaks += 1;
      await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined); // the next call tells of the signal
    }
  }

  async cancel(handle: JobHandle, signal: AbortSignal): Promise<void> {
    if (isEnded(await this.status(handle, signal))) return;
    try {
      await this.#client.cancel(await this.#owner(signal), handle.id, signal);
    } catch (error) {
      // It may have ended meanwhile, and the hub then refuses.
      if (!isEnded(await this.status(handle, signal))) throw error;
    }
  }

  async fetch(handle: JobHandle, path: string, to: string, signal: AbortSignal): Promise<boolean> {
    const bucket = await this.#repository(signal);
    return await fetchOutput({ bucket, name: checkedJobName(handle.name) }, { path, to }, this.#hub(signal));
  }

  async close(): Promise<void> {
    // Nothing is kept open between calls.
  }

  /** The newest job of a name. */
  async #last(name: string, signal: AbortSignal): Promise<RemoteJob | undefined> {
    const jobs = await this.#client.list(await this.#owner(signal), signal);
    return jobs
      .filter(({ labels }) => labels?.[OURS] !== undefined && labels[NAME_LABEL] === name)
      .sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0))[0];
  }

  async #handle(name: string, { id }: RemoteJob, signal: AbortSignal): Promise<JobHandle> {
    return { launcher: this.type, name, id, folder: `buckets/${await this.#repository(signal)}/${name}` };
  }

  async #owner(signal: AbortSignal): Promise<string> {
    this.#namespace ??= await this.#client.owner(signal);
    return this.#namespace;
  }

  async #repository(signal: AbortSignal): Promise<string> {
    return this.#fields.repository ?? `${await this.#owner(signal)}/${REPOSITORY_NAME}`;
  }

  #hub(signal: AbortSignal): HubPorts {
    return { endpoint: this.#fields.hubUrl, token: this.#token, waiting: systemWaiting(0), signal };
  }

  /** The hardware, as the hub lists it now: a wrong flavor would be refused after the upload, or bill another machine. */
  async #hardware(signal: AbortSignal): Promise<HfHardware> {
    const { flavor, hubUrl } = this.#fields;
    const listed = await listHfHardware(hubUrl, signal);
    const found = listed.find((one) => one.flavor === flavor);
    if (found !== undefined) return found;
    throw new AppError("usage", `Hugging Face Jobs has no hardware ${JSON.stringify(flavor)}`, {
      hint: `train.launcher.flavor is one of: ${listed.map((one) => one.flavor).join(", ")}`,
      data: { flavor, flavors: listed.map((one) => one.flavor) },
    });
  }

  /** What is held and booked is counted with the recipe's price or the table's: a job at a higher one would pass its cap. */
  #checkPrice({ flavor, usdPerHour }: HfHardware): void {
    const units = Math.max(1, this.gpus);
    const counted = gpuHourPrice(this.#fields);
    const countedUsd = ((counted?.microUsdPerGpuHour ?? 0) * units) / 1e6;
    if (counted === undefined || usdPerHour <= countedUsd + PRICE_ROUNDING_USD) return;
    const told = `an hour of ${flavor} costs $${usdPerHour} at the hub now, and is counted with $${countedUsd} (${counted.source}, ${counted.asOf})`;
    // Whoever says that it is free counts nothing, and no cap is passed.
    if (countedUsd === 0) return this.#world.warn(`${told}: none of it is held or booked`);
    const each = Math.ceil((usdPerHour / units) * 1e4) / 1e4;
    throw new AppError("usage", told, {
      hint: `set train.launcher.gpuUsdPerHour to ${each}, and see what \`grappa plan\` says then`,
      data: { flavor, usdPerHour, countedUsd },
    });
  }

  #timeout({ timeoutSeconds }: JobSpec): number {
    if (timeoutSeconds !== null) return Math.max(1, Math.ceil(timeoutSeconds));
    this.#world.warn(`no limit in time is known for the job: the hub ends it after ${MAX_SECONDS / 3600} hours`);
    return MAX_SECONDS;
  }
}

function* linesOf(text: string): Generator<string> {
  for (const line of text.replace(/\r?\n$/, "").split("\n")) yield line.replace(/\r$/, "");
}
