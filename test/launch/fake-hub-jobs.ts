/**
 * @file A hub with Jobs on loopback: private data sets to push to, buckets, hardware with prices, jobs and their logs. It does
 * what the real one is documented to do (hub docs "jobs-configuration", "jobs-pricing", "jobs-manage"; @huggingface/hub
 * 2.17.5, read 2026-11-29), traps included: a job without `timeoutSeconds` is killed after 30 minutes, secrets are told by
 * their names alone, data sets are mounted read-only, a bucket's files come from another origin, logs break.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";
import { startWritableHub, WRITE_TOKEN, type WritableHub } from "../hub/fake-hub-writes.ts";

/** A job's container as the fake runs it. */
export interface FakeContainer {
  readonly name: string;
  /** Files of the mounted data set, by path below the mount. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Folder in place of the mounted bucket. */
  readonly bucket: string;
  /** Variables, secrets among them. */
  readonly environment: Readonly<Record<string, string>>;
  print(line: string): void;
  /** Aborted when the job is stopped or its machine lost. */
  readonly signal: AbortSignal;
}

/** Runs a container to its exit status; rejects where it was stopped. */
export type RunContainer = (container: FakeContainer) => Promise<number>;

/** How the fake behaves. */
export interface FakeHubJobsOptions {
  readonly run: RunContainer;
  /** Milliseconds of a job's second. */
  readonly secondMs?: number;
  /** So many connections to logs break after their second entry, the first ones. */
  readonly logBreaks?: number;
}

/** A running fake. */
export interface FakeHubJobs extends WritableHub {
  /** Jobs as they were ordered, secrets and all. */
  readonly orders: readonly Order[];
  /** Takes the machine from under the newest job of a name; another is given where attempts are left. */
  loseMachine(name: string): void;
  /** Folder with the buckets. */
  readonly buckets: string;
}

/** Repository and bucket of the token's owner. */
export const FAKE_OWNER = "acme";
const REPO = `${FAKE_OWNER}/grappa-jobs`;
/** The hub's default, seconds. */
const DEFAULT_TIMEOUT = 1800;

/** Hardware and prices as hub docs "jobs-configuration" lists them (read 2026-11-29); a neuron row, as the API may have. */
export const FAKE_HARDWARE = [
  hardware("cpu-basic", "CPU Basic", 0.000167, null),
  hardware("a100-large", "Nvidia A100 - large", 0.041667, { model: "A100", quantity: "1", vram: "80 GB" }),
  hardware("h200", "Nvidia H200", 0.083333, { model: "H200", quantity: "1", vram: "141 GB" }),
  hardware("h200x8", "Nvidia H200", 0.666667, { model: "H200", quantity: "8", vram: "1128 GB" }),
  {
    ...hardware("inf2x6", "AWS Inferentia2", 0.2, null),
    accelerator: { type: "neuron", model: "Inf2", quantity: "6", vram: "192 GB", manufacturer: "AWS" },
  },
] as const;

function hardware(name: string, prettyName: string, unitCostUSD: number, gpu: object | null) {
  return {
    name,
    prettyName,
    cpu: "2 vCPU",
    ram: "16 GB",
    ephemeralStorage: "50 GB",
    accelerator: gpu === null ? null : { type: "gpu", manufacturer: "Nvidia", ...gpu },
    unitCostMicroUSD: Math.round(unitCostUSD * 1e6),
    unitCostUSD,
    unitLabel: "minute",
  };
}

const label = z.string().regex(/^[\w-]{1,100}$/);
const Order = z.strictObject({
  dockerImage: z.string().min(1),
  flavor: z.string(),
  command: z.array(z.string()).min(1),
  environment: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.string()).optional(),
  timeoutSeconds: z.int().min(1).optional(),
  attempts: z.int().min(1).max(10).default(1),
  labels: z.record(label, label).default({}),
  volumes: z
    .array(
      z.strictObject({
        type: z.enum(["dataset", "bucket", "model"]),
        source: z.string(),
        mountPath: z.string().startsWith("/"),
        revision: z.string().optional(),
        readOnly: z.boolean().optional(),
        path: z.string().optional(),
      }),
    )
    .default([]),
});
/** A job as it was ordered. */
export type Order = z.infer<typeof Order>;

interface Job {
  readonly id: string;
  readonly order: Order;
  readonly createdAt: Date;
  stage: string;
  message: string | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  readonly entries: { readonly data: string; readonly timestamp: string }[];
  readonly readers: Set<() => void>;
  stop: AbortController;
}

/** Starts the fake. */
export async function startFakeHubJobs(options: FakeHubJobsOptions): Promise<FakeHubJobs> {
  const buckets = mkdtempSync(join(tmpdir(), "grappa-fake-buckets-"));
  const world: World = { options, buckets, jobs: [], orders: [], known: new Set(), breaks: options.logBreaks ?? 0 };
  const hub: WritableHub = await startWritableHub({
    repo: REPO,
    serveMore: (request, exchange) =>
      request.origin === "store" ? serveContent(request, exchange, buckets) : serve(world, hub, { request, exchange }),
  });
  const close = hub.close.bind(hub);
  return Object.assign(hub, {
    buckets,
    orders: world.orders,
    loseMachine: (name: string) => {
      world.jobs
        .filter(({ order }) => order.labels["name"] === name)
        .at(-1)
        ?.stop.abort("lost");
    },
    close: async () => {
      for (const { stop } of world.jobs) stop.abort("closed");
      await close();
      rmSync(buckets, { recursive: true, force: true, maxRetries: 5 });
    },
  });
}

interface World {
  readonly options: FakeHubJobsOptions;
  readonly buckets: string;
  readonly jobs: Job[];
  readonly orders: Order[];
  /** Buckets that were made. */
  readonly known: Set<string>;
  breaks: number;
}

interface Asked {
  readonly request: { readonly method: string; readonly path: string; readonly authorization: string | undefined };
  readonly exchange: { readonly body: Buffer; readonly response: ServerResponse; readonly storeOrigin: string };
}

function serve(world: World, hub: WritableHub, asked: Asked): boolean {
  const { method, path, authorization } = asked.request;
  const { response } = asked.exchange;
  if (path === "/api/jobs/hardware") return json(response, FAKE_HARDWARE);
  if (!/^\/(api\/(jobs|buckets|whoami-v2)|buckets)(\/|$)/.test(path)) return false;
  if (authorization !== `Bearer ${WRITE_TOKEN}`) return refuse(response, 401, "Invalid username or password.");
  if (path === "/api/whoami-v2") return json(response, { type: "user", name: FAKE_OWNER, auth: {} });
  if (method === "POST" && path.startsWith("/api/buckets/")) return makeBucket(world, path.slice(13), response);
  if (path.startsWith("/buckets/")) return serveBucket(world, path.slice(9), asked.exchange);
  return serveJobs(world, hub, asked);
}

function serveJobs(world: World, hub: WritableHub, { request, exchange }: Asked): boolean {
  const { response, body } = exchange;
  const [, , , owner, id, action] = request.path.split("/");
  if (owner !== FAKE_OWNER) return refuse(response, 403, "You may not start jobs there.");
  if (id === undefined && request.method === "POST") return startJob(world, hub, { body, response });
  if (id === undefined) return json(response, world.jobs.map(viewOf));
  const job = world.jobs.find((one) => one.id === id);
  if (job === undefined) return refuse(response, 404, "Job not found");
  if (action === "logs") return sendLogs(world, job, response);
  if (action !== "cancel") return json(response, viewOf(job));
  if (job.finishedAt !== null) return refuse(response, 400, "The job has ended");
  finish(job, "CANCELED", null);
  return json(response, viewOf(job));
}

function makeBucket({ known }: World, name: string, response: ServerResponse): boolean {
  if (known.has(name)) return refuse(response, 409, "You already created this bucket");
  known.add(name);
  return json(response, { url: `/buckets/${name}`, id: name });
}

/** Private contents come from another origin, by an address that is good without the token. */
function serveBucket({ known, buckets }: World, path: string, { response, storeOrigin }: Asked["exchange"]): boolean {
  const [owner, name, , ...file] = path.split("/").map(decodeURIComponent);
  if (!known.has(`${owner}/${name}`)) return refuse(response, 404, "RepoNotFound", "RepoNotFound");
  const place = join(owner ?? "", name ?? "", ...file);
  if (read(join(buckets, place)) === undefined) return refuse(response, 404, "EntryNotFound", "EntryNotFound");
  response.writeHead(302, { location: `${storeOrigin}/bucket/${place}` }).end();
  return true;
}

function serveContent(
  { path, authorization }: Asked["request"],
  { response }: Asked["exchange"],
  buckets: string,
): boolean {
  if (!path.startsWith("/bucket/")) return false;
  const content = read(join(buckets, path.slice(8)));
  if (authorization !== undefined || content === undefined) response.writeHead(400).end();
  else response.writeHead(200, { "content-length": content.length }).end(content);
  return true;
}

function startJob(
  world: World,
  hub: WritableHub,
  { body, response }: { body: Buffer; response: ServerResponse },
): boolean {
  const parsed = Order.safeParse(JSON.parse(body.toString()));
  if (!parsed.success) return refuse(response, 400, `${parsed.error.issues[0]?.path.join(".")}: not valid`);
  const order = parsed.data;
  if (!FAKE_HARDWARE.some(({ name }) => name === order.flavor)) return refuse(response, 400, "no such flavor");
  for (const { type, source, readOnly, revision } of order.volumes) {
    if (type === "bucket" && !world.known.has(source)) return refuse(response, 404, "no such bucket");
    if (type === "dataset" && readOnly === false) return refuse(response, 400, "repositories are read-only");
    const newest = String(hub.commits.length).padStart(40, "0");
    if (type === "dataset" && (source !== REPO || (revision ?? newest) > newest))
      return refuse(response, 404, "no such revision");
  }
  const job: Job = {
    id: `6a2bd1f1871c005b5352${String(world.jobs.length).padStart(4, "0")}`,
    order,
    createdAt: new Date(),
    stage: "SCHEDULING",
    message: null,
    startedAt: null,
    finishedAt: null,
    entries: [],
    readers: new Set(),
    stop: new AbortController(),
  };
  world.jobs.push(job);
  world.orders.push(order);
  // The mount shows the commit that was asked for, whatever is pushed later.
  const files = new Map([...hub.files].map(([path, { bytes }]) => [path, bytes] as const));
  setTimeout(() => void runJob(world, job, files), 20);
  return json(response, viewOf(job));
}

async function runJob({ options, buckets }: World, job: Job, all: ReadonlyMap<string, Buffer>): Promise<void> {
  const { order } = job;
  if (job.finishedAt !== null) return;
  job.stage = "RUNNING";
  job.startedAt = new Date();
  const seconds = order.timeoutSeconds ?? DEFAULT_TIMEOUT;
  const timer = setTimeout(() => finish(job, "ERROR", "Job timeout"), seconds * (options.secondMs ?? 1000));
  const source = order.volumes.find(({ type }) => type === "dataset");
  const bucket = order.volumes.find(({ type }) => type === "bucket");
  const prefix = `${source?.path ?? ""}/`;
  const files = new Map(
    [...all].flatMap(([path, bytes]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), bytes] as const] : [])),
  );
  const place = join(buckets, bucket?.source ?? "none");
  mkdirSync(place, { recursive: true });
  for (let attempt = 1; job.finishedAt === null; attempt++) {
    job.stop = new AbortController();
    const code = await options
      .run({
        name: order.labels["name"] ?? "",
        files,
        bucket: place,
        environment: { ...order.environment, ...order.secrets },
        print: (line) => print(job, line),
        signal: job.stop.signal,
      })
      .catch(() => -1);
    if (job.finishedAt !== null) break;
    if (code === 0) finish(job, "COMPLETED", null);
    else if (attempt >= order.attempts) finish(job, "ERROR", `Job failed with exit code: ${code}`);
  }
  clearTimeout(timer);
}

function finish(job: Job, stage: string, message: string | null): void {
  if (job.finishedAt !== null) return;
  Object.assign(job, { stage, message, finishedAt: new Date() });
  job.stop.abort(stage);
  for (const wake of job.readers) wake();
}

function print(job: Job, data: string): void {
  // Entries of a burst have one time: it does not tell them apart.
  const timestamp = new Date(Math.floor(Date.now() / 50) * 50).toISOString();
  job.entries.push({ data, timestamp });
  for (const wake of job.readers) wake();
}

/** From the start each time, as events, until the job has ended or the connection breaks. */
function sendLogs(world: World, job: Job, response: ServerResponse): boolean {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(": keep-alive\n\n");
  const breaksAfter = world.breaks-- > 0 ? 2 : Number.POSITIVE_INFINITY;
  let sent = 0;
  const wake = (): void => {
    for (; sent < job.entries.length; sent++) {
      if (sent >= breaksAfter) return void response.destroy();
      // In two pieces, as a network may deliver it.
      const text = `id: ${sent}\ndata: ${JSON.stringify(job.entries[sent])}\n\n`;
      response.write(text.slice(0, 12));
      response.write(text.slice(12));
    }
    if (job.finishedAt !== null) response.end();
  };
  job.readers.add(wake);
  response.on("close", () => job.readers.delete(wake));
  wake();
  return true;
}

function viewOf({ id, order, createdAt, stage, message, startedAt, finishedAt }: Job): object {
  return {
    type: "job",
    id,
    status: { stage, message, failureCount: 0 },
    createdAt: createdAt.toISOString(),
    startedAt: startedAt?.toISOString() ?? null,
    finishedAt: finishedAt?.toISOString() ?? null,
    dockerImage: order.dockerImage,
    command: order.command,
    environment: order.environment,
    secrets: Object.keys(order.secrets ?? {}),
    flavor: order.flavor,
    labels: order.labels,
    owner: { id: "1", name: FAKE_OWNER, type: "user" },
  };
}

function json(response: ServerResponse, value: unknown): true {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  return true;
}

function refuse(response: ServerResponse, status: number, error: string, code?: string): true {
  const headers = { "content-type": "application/json", ...(code === undefined ? {} : { "x-error-code": code }) };
  response.writeHead(status, headers).end(JSON.stringify({ error }));
  return true;
}

function read(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Runs the real runner by a Python of this machine, its mounts in folders: each container has a disk of its own. */
export function pythonContainer(python: string): RunContainer {
  return async ({ files, bucket, environment, print: say, signal }) => {
    const disk = mkdtempSync(join(tmpdir(), "grappa-fake-disk-"));
    const source = join(disk, "in");
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      writeFileSync(join(source, path), bytes);
    }
    const { PATH } = process.env;
    const places = { GRAPPA_IN: source, GRAPPA_BUCKET: bucket, GRAPPA_WORK: join(disk, "work") };
    const child = spawn(python, [join(source, "hf_job.py")], {
      env: { PATH, ...environment, ...places },
      detached: true, // a machine that is lost takes all of its processes along
    });
    signal.addEventListener("abort", () => {
      if (signal.reason !== "lost") child.kill("SIGTERM");
      else if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    });
    let rest = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) say(line);
      });
    const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? 137)));
    rmSync(disk, { recursive: true, force: true });
    return code;
  };
}
