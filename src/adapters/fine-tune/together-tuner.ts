/**
 * @file Together's fine-tuning API: `POST /files/upload` of the examples, `POST /fine-tunes`, `GET /fine-tunes` and
 * `/fine-tunes/{id}`, `POST /fine-tunes/{id}/cancel` (docs.together.ai/reference, read 2026-11-25; the statuses and the
 * unit of `total_price`, nano-dollars, by its Python client); `POST /fine-tunes/estimate-price`, in dollars, and
 * `GET /finetune/download` (its Python client, read 2026-11-29). It counts the tokens of a job, and so its price, after the start.
 */
import { z } from "zod";
import { invariant } from "../../core/errors.ts";
import { type BatchCall, BatchHttp, type BatchHttpOptions } from "../teacher/batch/batch-http.ts";
import { multipart } from "../teacher/batch/multipart.ts";
import { excerptOf } from "../teacher/excerpt.ts";
import { parseAnswer } from "../teacher/batch/result-lines.ts";
import { downloadWeights } from "./download-weights.ts";
import type {
  FineTuneJob,
  FineTuneOrder,
  FineTuneQuote,
  FineTuner,
  FineTuneState,
  WeightsRequest,
} from "./fine-tuner.ts";

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
const dollars = z.number().min(0).max(1e9).nullish().catch(null);
const Quote = z.object({
  estimation_available: z.boolean().nullish().catch(null),
  estimated_total_price: dollars,
  estimated_train_token_count: z.number().min(0).max(Number.MAX_SAFE_INTEGER).nullish().catch(null),
  allowed_to_proceed: z.boolean().nullish().catch(null),
  user_limit: dollars,
});
const Listed = z.object({ data: z.array(z.unknown()) });

/** What errors call it. */
const API = "fine-tuning API";
const NANO_PER_MICRO = 1000;
const MICRO = 1_000_000;
/** The suffix of a model's name holds no more. */
const MAX_NAME_CHARACTERS = 40;

/** See the file's head. Nothing is sent until it is asked. */
export class TogetherTuner implements FineTuner {
  readonly #http: BatchHttp;
  readonly #options: Omit<BatchHttpOptions, "api">;
  /** Ids of examples that were uploaded for a quote, by the order's name. */
  readonly #uploaded = new Map<string, string>();

  constructor(options: Omit<BatchHttpOptions, "api">) {
    this.#options = options;
    this.#http = new BatchHttp({ ...options, api: API });
  }

  async find(name: string, signal: AbortSignal): Promise<readonly FineTuneJob[]> {
    const { data } = parse(Listed, await this.#http.json({ path: this.#at("") }, signal), "a list of jobs");
    // What tells our name must be readable: a job that we overlooked would be ordered again.
    const jobs = data.filter((one) => JSON.stringify(one).includes(name)).map((one) => parse(Job, one, "a job"));
    return jobs.filter((job) => isNamed(job, name)).map((job) => this.#jobOf(job));
  }

  async quote(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneQuote | undefined> {
    const file = await this.#upload(order, signal);
    const call = jsonCall(this.#at("/estimate-price"), { ...whatIsTrained(order, file), n_evals: 0 });
    const answer = parse(Quote, await this.#http.json(call, signal), "an estimate of the price");
    const { estimation_available: isAvailable, estimated_total_price: usd } = answer;
    if (isAvailable === false || usd === null || usd === undefined) return undefined;
    const tokens = answer.estimated_train_token_count ?? null;
    return {
      microUsd: Math.ceil(usd * MICRO),
      trainedTokens: tokens === null ? null : Math.round(tokens),
      isAllowed: answer.allowed_to_proceed !== false,
      limitMicroUsd: typeof answer.user_limit === "number" ? Math.floor(answer.user_limit * MICRO) : null,
    };
  }

  async submit(order: FineTuneOrder, signal: AbortSignal): Promise<FineTuneJob> {
    const file = this.#uploaded.get(order.name) ?? (await this.#upload(order, signal));
    const answer = await this.#http.json(jsonCall(this.#at(""), requestOf(order, file)), signal);
    return this.#jobOf(parse(Job, answer, "a job"));
  }

  async #upload({ name, examples }: FineTuneOrder, signal: AbortSignal): Promise<string> {
    invariant(name.length <= MAX_NAME_CHARACTERS, `${name} is too long for the name of a job`);
    const fileName = `${name}.jsonl`;
    const form = multipart({ purpose: "fine-tune", file_name: fileName, file_type: "jsonl" }, fileName, examples);
    const upload = { method: "POST", path: `${this.#http.root}/files/upload`, ...form } as const;
    const { id: file } = parse(Uploaded, await this.#http.json(upload, signal), "an upload");
    this.#uploaded.set(name, file);
    return file;
  }

  async download({ job, method, ...weights }: WeightsRequest, signal: AbortSignal): Promise<void> {
    const checkpoint = method === "full" ? "model_output_path" : "merged";
    const query = new URLSearchParams({ ft_id: job, checkpoint });
    const url = new URL(`${this.#http.root}/finetune/download?${query.toString()}`, this.#http.origin);
    const { headers, called } = this.#options;
    await downloadWeights({ ...weights, url, headers, called, redact: this.#http.redact }, signal);
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
    ...whatIsTrained(order, file),
    suffix: order.name,
    n_checkpoints: 1,
    batch_size: order.batchSize,
    learning_rate: order.learningRate,
    lr_scheduler: { lr_scheduler_type: "cosine", lr_scheduler_args: { min_lr_ratio: 0, num_cycles: 0.5 } },
    warmup_ratio: order.warmupShare,
    weight_decay: order.weightDecay,
    max_grad_norm: order.maxGradientNorm,
    packing: true, // without it every row is billed at the longest that the model takes
  };
}

/** What decides the price. */
function whatIsTrained({ base, epochs, method }: FineTuneOrder, file: string): object {
  return {
    training_file: file,
    model: base,
    n_epochs: epochs,
    training_method: { method: "sft", train_on_inputs: false },
    training_type: method === "full" ? { type: "Full" } : { type: "Lora", lora_r: 64, lora_alpha: 128 },
  };
}

function jsonCall(path: string, value: object): BatchCall {
  return { method: "POST", path, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  return parseAnswer(schema, value, what, API);
}
