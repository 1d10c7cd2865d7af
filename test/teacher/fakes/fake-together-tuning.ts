/**
 * @file Together's fine-tuning API as its reference tells it: files, jobs that go on with every look at them, and its own
 * books. It refuses what the real one refuses. Shapes: docs.together.ai/reference "upload-file", "post-fine-tunes",
 * "get-fine-tunes", "get-fine-tunes-id", docs "fine-tuning/data-preparation" and "fine-tuning/pricing" (read 2026-11-25);
 * "post-fine-tunes-estimate-price", "get-finetune-download" and the Python client's download (read 2026-11-29). Its traps: without
 * `packing` every row is billed at the longest length, a job has a least price, weights come from another origin.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import {
  type FakeAnswer,
  type FakeRequest,
  type FaultServer,
  type FaultServerOptions,
  startFaultServer,
} from "./fault-server.ts";

/** How the fake behaves. */
export interface FakeTuningOptions extends Pick<FaultServerOptions, "fault"> {
  readonly apiKey: string;
  /** Micro-dollars for a million trained tokens. */
  readonly perMillion: number;
  /** Looks at a job until it is complete; the tokens are counted at the second. */
  readonly looks?: number;
  /** A token is so many characters of the examples. */
  readonly charactersPerToken?: number;
  /** Jobs end in this error; half of their tokens are trained, and billed, by then. */
  readonly failsWith?: string;
  /** So many jobs fail, the first ones; all unless told. */
  readonly failing?: number;
  /** A job that fails is begun anew by the provider itself, as another. */
  readonly isRestarted?: boolean;
  /** What a job that failed says of its price: what is billed, that all of it was paid back, or nothing. Billed unless told. */
  readonly failedPrice?: "billed" | "refunded" | "untold";
  /** Lists of jobs in which a new one does not stand yet. */
  readonly listLag?: number;
  /** What it says of a price beforehand: what will be billed, that it cannot say, that the account may not; told unless given. */
  readonly quote?: "told" | "unavailable" | "refused";
  /** The least that a job costs, micro-dollars. */
  readonly minimumMicroUsd?: number;
  /** The storage breaks off after so many bytes, once for each number. */
  readonly storageBreaks?: readonly number[];
  /** Answers chat completions, as the same host does: `http://127.0.0.1:PORT`. */
  readonly chatOrigin?: string;
}

/** A fake that runs, and its own books. */
export interface FakeTuning extends FaultServer {
  /** Up to and including `/v1`. */
  readonly baseUrl: string;
  readonly billed: { jobs: number; trainedTokens: number; microUsd: number };
  /** Contents of uploaded files, by id. */
  readonly files: ReadonlyMap<string, string>;
  /** What was ordered. */
  readonly orders: readonly TuningOrder[];
  /** Weights of every job that is complete. */
  readonly weights: Buffer;
  /** Ranges that the storage was asked for. */
  readonly ranges: readonly (string | undefined)[];
}

/** Longest row that the models take, tokens: what each counts as without packing. */
const MAX_SEQUENCE = 32_768;

const Order = z.strictObject({
  training_file: z.string(),
  model: z.string().min(1),
  suffix: z
    .string()
    .max(40)
    .regex(/^[\w-]+$/),
  n_epochs: z.int().min(1).max(20),
  n_checkpoints: z.int().min(1),
  batch_size: z.int().min(1),
  learning_rate: z.number().positive(),
  lr_scheduler: z.strictObject({
    lr_scheduler_type: z.literal("cosine"),
    lr_scheduler_args: z.strictObject({ min_lr_ratio: z.number().min(0).max(1), num_cycles: z.number().positive() }),
  }),
  warmup_ratio: z.number().min(0).max(1),
  weight_decay: z.number().min(0),
  max_grad_norm: z.number().min(0),
  packing: z.boolean().default(false),
  training_method: z.strictObject({ method: z.literal("sft"), train_on_inputs: z.literal(false) }),
  training_type: z.union([
    z.strictObject({ type: z.literal("Full") }),
    z.strictObject({ type: z.literal("Lora"), lora_r: z.int(), lora_alpha: z.int() }),
  ]),
});
/** A job as it was ordered. */
export type TuningOrder = z.infer<typeof Order>;

const Estimate = Order.pick({
  training_file: true,
  model: true,
  n_epochs: true,
  training_method: true,
  training_type: true,
})
  .extend({ n_evals: z.literal(0) })
  .strict();

const Example = z.strictObject({
  messages: z.tuple([
    z.strictObject({ role: z.literal("user"), content: z.string().min(1) }),
    z.strictObject({
      role: z.literal("assistant"),
      content: z.string().min(1),
      reasoning_content: z.string().optional(),
      reasoning: z.string().optional(),
    }),
  ]),
});

interface Job {
  readonly id: string;
  readonly order: TuningOrder;
  /** Of all epochs. */
  readonly tokens: number;
  looks: number;
  /** Lists that it is still left out of. */
  lag: number;
  status: string;
}

/** Starts the fake. */
export async function startFakeTuning(options: FakeTuningOptions): Promise<FakeTuning> {
  const world = {
    files: new Map<string, string>(),
    jobs: [] as Job[],
    billed: { jobs: 0, trainedTokens: 0, microUsd: 0 },
  };
  const weights = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), Buffer.alloc(200_000, "w")]);
  const ranges: (string | undefined)[] = [];
  const storage = await startStorage(weights, ranges, [...(options.storageBreaks ?? [])]);
  const storageOrigin = `http://127.0.0.1:${(storage.address() as AddressInfo).port}`;
  const server = await startFaultServer({
    ...options,
    answer: (request) => answer(request, world, { ...options, storageOrigin }),
  });
  const { files, jobs, billed } = world;
  return {
    ...server,
    weights,
    ranges,
    close: async () => {
      storage.closeAllConnections();
      storage.close();
      await server.close();
    },
    baseUrl: `${server.origin}/v1`,
    billed,
    files,
    get orders() {
      return jobs.map(({ order }) => order);
    },
  };
}

interface World {
  readonly files: Map<string, string>;
  readonly jobs: Job[];
  readonly billed: FakeTuning["billed"];
}

/** Another origin, whose addresses are good without the key, and refuse it. */
async function startStorage(weights: Buffer, ranges: (string | undefined)[], breaks: number[]): Promise<Server> {
  const etag = '"weights-1"';
  const storage = createServer(({ headers }, response) => {
    ranges.push(headers.range);
    if (headers.authorization !== undefined) return void response.writeHead(400).end("signed twice");
    const from = headers["if-range"] === etag ? Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0) : 0;
    const rest = weights.subarray(from);
    const range = { "content-range": `bytes ${from}-${weights.length - 1}/${weights.length}` };
    response.writeHead(from > 0 ? 206 : 200, { etag, "content-length": rest.length, ...(from > 0 ? range : {}) });
    const most = breaks.shift();
    if (most === undefined) response.end(rest);
    // What its client has not read when it breaks is lost: time enough, on a busy machine too.
    else response.write(rest.subarray(0, most), () => setTimeout(() => response.destroy(), 400));
  });
  await new Promise<void>((resolve) => storage.listen(0, "127.0.0.1", resolve));
  return storage;
}

type Options = FakeTuningOptions & { readonly storageOrigin: string };

async function answer(request: FakeRequest, world: World, options: Options): Promise<FakeAnswer> {
  const { method, path, headers, body } = request;
  if (options.chatOrigin !== undefined && path === "/v1/chat/completions")
    return await forward(request, options.chatOrigin);
  if (headers.authorization !== `Bearer ${options.apiKey}`) return refuse(401, "Invalid API key provided");
  const job = world.jobs.find(({ id }) => path === `/v1/fine-tunes/${id}` || path === `/v1/fine-tunes/${id}/cancel`);
  if (method === "POST" && path === "/v1/files/upload") return upload(request, world);
  if (method === "POST" && path === "/v1/fine-tunes/estimate-price") return estimate(body, world, options);
  if (method === "GET" && path.startsWith("/v1/finetune/download?")) return download(path, world, options);
  if (method === "POST" && path === "/v1/fine-tunes") return order(body, world, options);
  if (method === "GET" && path === "/v1/fine-tunes") return list(world.jobs, options);
  if (job !== undefined && method === "GET") return json(look(job, world, options));
  if (job !== undefined && method === "POST") {
    if (ENDED.has(job.status)) return refuse(400, `the job is ${job.status}`);
    book(job, "cancelled", job.tokens / 2, { world, options });
    return json(view(job, options));
  }
  return refuse(404, `no such route: ${method} ${path}`);
}

const ENDED: ReadonlySet<string> = new Set(["cancelled", "completed", "error"]);

/** Jobs without their events, tokens and prices: the reference promises none of them here. */
function list(jobs: readonly Job[], options: FakeTuningOptions): FakeAnswer {
  const listed = jobs.filter((job) => job.lag-- <= 0);
  return json({
    data: listed.map((job) => ({ ...view(job, options), events: [], token_count: undefined, total_price: undefined })),
  });
}

function upload({ headers, body }: FakeRequest, { files }: World): FakeAnswer {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(headers["content-type"] ?? "")?.[1];
  if (boundary === undefined) return refuse(415, "not a form");
  const parts = new Map(
    body.split(`--${boundary}`).flatMap((part): [string, string][] => {
      const found =
        /^\r\nContent-Disposition: form-data; name="(\w+)"[^\n]*\r\n(?:Content-Type: [^\n]+\r\n)?\r\n([\s\S]*)\r\n$/.exec(
          part,
        );
      return found === null ? [] : [[found[1] ?? "", found[2] ?? ""]];
    }),
  );
  if (parts.get("purpose") !== "fine-tune" || !parts.has("file_name"))
    return refuse(400, "purpose and file_name are required");
  const lines = (parts.get("file") ?? "").trimEnd().split("\n");
  for (const [i, line] of lines.entries())
    if (!Example.safeParse(JSON.parse(line)).success) return refuse(400, `line ${i + 1} is no conversation`);
  const id = `file-${files.size}`;
  files.set(id, parts.get("file") ?? "");
  return json({ id, object: "file", purpose: "fine-tune", filename: parts.get("file_name"), LineCount: lines.length });
}

function order(body: string, world: World, options: FakeTuningOptions): FakeAnswer {
  const parsed = Order.safeParse(JSON.parse(body));
  if (!parsed.success)
    return refuse(400, `${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message}`);
  const file = world.files.get(parsed.data.training_file);
  if (file === undefined) return refuse(404, "no such file");
  return json(view(newJob(parsed.data, tokensOf(file, parsed.data, options), { world, options }), options));
}

/** As they are billed, epochs counted. */
function tokensOf(file: string, asked: Pick<TuningOrder, "n_epochs" | "packing">, options: FakeTuningOptions): number {
  const lines = file.split("\n").filter((line) => line !== "");
  if (!asked.packing) return lines.length * MAX_SEQUENCE * asked.n_epochs;
  const characters = lines.reduce((sum, line) => sum + textOf(line).length, 0);
  return Math.ceil(characters / (options.charactersPerToken ?? 4)) * asked.n_epochs;
}

/** In dollars, where jobs tell nano-dollars. */
function estimate(body: string, world: World, options: FakeTuningOptions): FakeAnswer {
  const parsed = Estimate.safeParse(JSON.parse(body));
  if (!parsed.success) return refuse(400, `${parsed.error.issues[0]?.path.join(".")}: not taken by an estimate`);
  const file = world.files.get(parsed.data.training_file);
  if (file === undefined) return refuse(404, "no such file");
  if (options.quote === "unavailable") return json({ estimation_available: false, unavailable_reason: "no price yet" });
  const tokens = tokensOf(file, { ...parsed.data, packing: true }, options);
  const usd = Math.max(priceOf(tokens, options) / 1e9, (options.minimumMicroUsd ?? 0) / 1e6);
  return json({
    estimation_available: true,
    estimated_total_price: usd,
    estimated_train_token_count: tokens,
    estimated_eval_token_count: 0,
    allowed_to_proceed: options.quote !== "refused",
    user_limit: 100,
  });
}

function download(path: string, { jobs }: World, { storageOrigin }: Options): FakeAnswer {
  const query = new URL(path, storageOrigin).searchParams;
  const job = jobs.find(({ id }) => id === query.get("ft_id"));
  if (job?.status !== "completed") return refuse(400, "the job is not complete");
  const isFull = job.order.training_type.type === "Full";
  const taken = isFull ? ["model_output_path"] : ["merged", "adapter"];
  if (!taken.includes(query.get("checkpoint") ?? "")) return refuse(400, "no such checkpoint of this job");
  const headers = { location: `${storageOrigin}/weights.tar.zst?signature=1` };
  return { status: 302, contentType: "text/plain", headers, pieces: [""] };
}

function newJob(asked: TuningOrder, tokens: number, { world, options }: Books): Job {
  const id = `ft-${world.jobs.length}`;
  const job: Job = { id, order: asked, tokens, looks: 0, lag: options.listLag ?? 0, status: "pending" };
  world.jobs.push(job);
  world.billed.jobs += 1;
  return job;
}

function textOf(line: string): string {
  const [user, assistant] = Example.parse(JSON.parse(line)).messages;
  return user.content + (assistant.reasoning_content ?? "") + assistant.content;
}

interface Books {
  readonly world: World;
  readonly options: FakeTuningOptions;
}

function look(job: Job, world: World, options: FakeTuningOptions): object {
  job.looks += 1;
  if (ENDED.has(job.status)) return view(job, options);
  if (job.looks < (options.looks ?? 3)) job.status = job.looks === 1 ? "queued" : "running";
  else if (!isToFail(job, world, options)) book(job, "completed", job.tokens, { world, options });
  else {
    book(job, "error", options.failedPrice === "refunded" ? 0 : job.tokens / 2, { world, options });
    if (options.isRestarted === true) newJob(job.order, job.tokens, { world, options });
  }
  return view(job, options);
}

function isToFail(job: Job, { jobs }: World, { failsWith, failing = Number.POSITIVE_INFINITY }: FakeTuningOptions) {
  return failsWith !== undefined && jobs.indexOf(job) < failing;
}

function book(job: Job, status: string, tokens: number, { world, options }: Books): void {
  job.status = status;
  world.billed.trainedTokens += Math.ceil(tokens);
  world.billed.microUsd += Math.ceil(priceOf(tokens, options) / 1000);
}

/** Nano-dollars, the least price apart. */
const priceOf = (tokens: number, { perMillion }: FakeTuningOptions): number => Math.round((tokens * perMillion) / 1000);

function view({ id, order: asked, tokens, looks, status }: Job, options: FakeTuningOptions): object {
  const isCounted = looks > 1 || status === "cancelled";
  const isUntold = status === "error" && options.failedPrice === "untold";
  const isRefunded = status === "error" && options.failedPrice === "refunded";
  const paid = status === "cancelled" || status === "error" ? tokens / 2 : tokens;
  return {
    id,
    status,
    model: asked.model,
    model_output_name: `acme/${asked.model.split("/").at(-1)}-${asked.suffix}-0a1b2c3d`,
    n_epochs: asked.n_epochs,
    training_file: asked.training_file,
    token_count: isUntold ? undefined : isCounted ? tokens : 0,
    total_price: isUntold ? undefined : isCounted && !isRefunded ? priceOf(paid, options) : 0,
    total_steps: 10,
    events: [
      { object: "fine-tune-event", type: "training_start", message: "started", step: Math.min(looks, 10) },
      ...(status === "error"
        ? [{ object: "fine-tune-event", type: "job_error", message: options.failsWith, step: 0 }]
        : []),
    ],
  };
}

async function forward({ body, headers }: FakeRequest, origin: string): Promise<FakeAnswer> {
  const sent = { "content-type": headers["content-type"] ?? "", authorization: headers.authorization ?? "" };
  const response = await fetch(`${origin}/v1/chat/completions`, { method: "POST", headers: sent, body });
  const contentType = response.headers.get("content-type") ?? "";
  return { status: response.status, contentType, pieces: [await response.text()] };
}

const json = (value: unknown): FakeAnswer => ({
  status: 200,
  contentType: "application/json",
  pieces: [JSON.stringify(value)],
});

function refuse(status: number, message: string): FakeAnswer {
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code: null } });
  return { status, contentType: "application/json", pieces: [body] };
}
