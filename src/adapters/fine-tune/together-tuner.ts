/**
 * @file Together's fine-tuning API: `POST /files/upload` of the examples, `POST /fine-tunes`, `GET /fine-tunes` and
 * `/fine-tunes/{id}`, `POST /fine-tunes/{id}/cancel` (docs.together.ai/reference, read 2026-11-25; the statuses and the
 * unit of `total_price`, nano-dollars, by its Python client). It counts the tokens, and so the price, after the start.
 */
import { z } from "zod";
import { invariant } from "../../core/errors.ts";
import { BatchHttp, type BatchHttpOptions } from "../teacher/batch/batch-http.ts";
import { multipart } from "../teacher/batch/multipart.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { parseAnswer } from "../teacher/batch/result-lines.ts";
import type { FineTuneJob, FineTuneOrder, FineTuner, FineTuneState } from "./fine-tuner.ts";

const id = z.string().min(1).max(256);
const whole = z.int().min(0).nullish().catch(null);
const Uploaded = z.object({ id });
const Job = z.object({
  id,
  status: z.string(),
  suffix: z.string().nullish().catch(null),
  model_output_name: z.string().max(512).nullish().catch(null),
  token_count: whole,
  total_price: z.number().min(0).max(Number.MAX_SAFE_INTEGER).nullish().catch(null),
  total_steps: whole,
  events: z
    .array(
      z.object({
        type: z.string().nullish().catch(null),
        message: z.string().nullish().catch(null),
        step: whole,
        total_steps: whole,
      }),
    )
    .nullish()
    .catch(null),
});
type Job = z.infer<typeof Job>;
const Listed = z.object({ data: z.array(z.unknown()) });

/** What errors call it. */
const API = "fine-tuning API";
const NANO_PER_MICRO = 1000;
/** The suffix of a model's name holds no more. */
const MAX_NAME_CHARACTERS = 40;

/** See the file's head. Nothing is sent until it is asked. */
export class TogetherTuner implements FineTuner {
  readonly #http: BatchHttp;

  constructor(options: Omit<BatchHttpOptions, "api">) {
    this.#http = new BatchHttp({ ...options, api: API });
  }

  async find(name: string, signal: AbortSignal): Promise<readonly FineTuneJob[]> {
    const { data } = parse(Listed, await this.#http.json({ path: this.#at("") }, signal), "a list of jobs");
    // What tells our name must be readable: a job that we overlooked would be ordered again.
    const jobs = data.filter((one) => JSON.stringify(one).includes(name)).map((one) => parse(Job, one, "a job"));
    return jobs.filter((job) => isNamed(job, name)).map((job) => this.#jobOf(job));
  }

  async submit(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneJob> {
    const { name, examples } = order;
    invariant(name.length <= MAX_NAME_CHARACTERS, `${name} is too long for the name of a job`);
    const fileName = `${name}.jsonl`;
    const form = multipart({ purpose: "fine-tune", file_name: fileName, file_type: "jsonl" }, fileName, examples);
    const upload = { method: "POST", path: `${this.#http.root}/files/upload`, ...form } as const;
    const file = parse(Uploaded, await this.#http.json(upload, signal), "an upload").id;
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify(requestOf(order, file));
    const answer = await this.#http.json({ method: "POST", path: this.#at(""), headers, body }, signal);
    return this.#jobOf(parse(Job, answer, "a job"));
  }

  async poll(job: string, signal: AbortSignal): Promise<FineTuneJob> {
    return this.#jobOf(
      parse(Job, await this.#http.json({ path: this.#at(`/${encodeURIComponent(job)}`) }, signal), "a job"),
    );
  }

  async cancel(job: string, signal: AbortSignal): Promise<void> {
    await this.#http.call({ method: "POST", path: this.#at(`/${encodeURIComponent(job)}/cancel`) }, signal);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #at(path: string): string {
    return `${this.#http.root}/fine-tunes${path}`;
  }

  #jobOf(job: Job): FineTuneJob {
    // Before it has counted, it says 0 of both.
    const isFinal = job.status === "error" || job.status === "user_error" || job.status === "cancelled";
    const told = (value: number | null | undefined): number | null => (isFinal ? value : value || null) ?? null;
    const price = told(job.total_price);
    return {
      id: job.id,
      state: this.#stateOf(job),
      trainedTokens: told(job.token_count),
      billedMicroUsd: price === null ? null : Math.ceil(price / NANO_PER_MICRO),
    };
  }

  #stateOf({ status, model_output_name: model, events, total_steps }: Job): FineTuneState {
    switch (status) {
      case "completed":
        if (model !== null && model !== undefined && model !== "") return { type: "completed", model };
        return { type: "failed", detail: "the job is complete and names no model" };
      case "error":
      case "user_error":
        return {
          type: "failed",
          detail: this.#http.redact(excerptOf(events?.at(-1)?.message ?? "it gives no reason")),
        };
      case "cancelled":
        return { type: "cancelled" };
      default: {
        const steps = (events ?? []).map(({ step }) => step ?? 0);
        const total = total_steps ?? Math.max(0, ...(events ?? []).map((event) => event.total_steps ?? 0));
        const phase = /^[a-z_]{1,32}$/.test(status) ? status : "running";
        return { type: "running", phase, step: Math.max(0, ...steps), totalSteps: total === 0 ? null : total };
      }
    }
  }
}

/** A job names itself by its suffix, or by its model's name alone, which holds the suffix. */
function isNamed({ suffix, model_output_name: model }: Job, name: string): boolean {
  return suffix === name || (model ?? "").split(/[/:]/).some((part) => part === name || part.includes(`-${name}-`));
}

function requestOf(order: FineTuneOrder, file: string): object {
  return {
    training_file: file,
    model: order.base,
    suffix: order.name,
    n_epochs: order.epochs,
    n_checkpoints: 1,
    batch_size: order.batchSize,
    learning_rate: order.learningRate,
    lr_scheduler: { lr_scheduler_type: "cosine", lr_scheduler_args: { min_lr_ratio: 0, num_cycles: 0.5 } },
    warmup_ratio: order.warmupShare,
    weight_decay: order.weightDecay,
    max_grad_norm: order.maxGradientNorm,
    training_method: { method: "sft", train_on_inputs: false },
    training_type: order.method === "full" ? { type: "Full" } : { type: "Lora", lora_r: 64, lora_alpha: 128 },
  };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  return parseAnswer(schema, value, what, API);
}
