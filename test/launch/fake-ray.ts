/**
 * @file A Ray dashboard for tests: the Jobs API on loopback, with everything that Ray 2.58 refuses or does badly. It forbids
 * what a browser sends, wants the slash after `/api/jobs`, closes a socket that agreed on compression without a word,
 * takes no package of more than 100 MiB and no id twice, and can want a token, be slow, fail now and then, or die.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { unzipSync } from "fflate";
import { type WebSocket, WebSocketServer } from "ws";
import { FakeRayJob, type Submission } from "./fake-ray-job.ts";

export interface FakeRayOptions {
  readonly token?: string;
  readonly maxPackageBytes?: number;
  readonly delayMs?: number;
  /** GPUs of each node. */
  readonly gpus?: readonly number[];
}

/** A request as it came. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly bytes: number;
}

type Answer = readonly [status: number, body: string | object];

const BROWSER_HEADERS = /^(sec-fetch-(mode|dest|site|user)|origin|referer|access-control-request-(method|headers))$/;
const MIB = 1024 * 1024;
const TICK_MS = 10;

export class FakeRay {
  readonly jobs = new Map<string, FakeRayJob>();
  readonly packages = new Map<string, Uint8Array>();
  readonly seen: SeenRequest[] = [];
  /** Each spoils one request that matches: it is answered so, or, with null, by a broken connection; `isDone`: yet done. */
  readonly faults: { readonly match: RegExp; readonly answer: Answer | null; readonly isDone?: boolean }[] = [];
  /** Whether a proxy stands before it that lets no websocket through. */
  refusesSockets = false;
  /** How long a job takes to stop, ms. */
  stopMs = 50;
  /** Each socket is closed, with 1000, after so many lines. */
  linesOfSocket = Number.POSITIVE_INFINITY;
  /** What each websocket agreed on. */
  readonly handshakes: { readonly extensions: string; readonly authorization: string }[] = [];
  sockets = 0;
  readonly #options: FakeRayOptions;
  readonly #open = new Set<Socket>();
  readonly #websockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  #server: Server | undefined;
  #port = 0;

  constructor(options: FakeRayOptions = {}) {
    this.#options = options;
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.on("connection", (socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** The head dies, with every connection. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  }

  /** The head is started again, and remembers nothing. */
  async restart(): Promise<void> {
    await this.stop();
    this.jobs.clear();
    this.packages.clear();
    await this.start();
  }

  /** The files of the package that a job runs in. */
  filesOf(id: string): Record<string, Uint8Array> {
    const uri = String(this.jobs.get(id)?.submission.runtime_env.working_dir);
    return unzipSync(this.packages.get(uri.replace("gcs://", "")) ?? new Uint8Array());
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url: path = "" } = request;
    const body = await bodyOf(request);
    this.seen.push({ method, path, bytes: body.length });
    if (this.#options.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, this.#options.delayMs));
    const place = this.faults.findIndex(({ match }) => match.test(`${method} ${path}`));
    const [fault] = place < 0 ? [] : this.faults.splice(place, 1);
    // A fault may come after the work was done: the answer alone is lost.
    const answer = fault === undefined || fault.isDone === true ? this.#answer(request, body) : undefined;
    const told = fault === undefined ? answer : fault.answer;
    if (told === null || told === undefined) return void request.socket.destroy();
    const [status, text] = told;
    response.writeHead(status, { "content-type": typeof text === "string" ? "text/plain" : "application/json" });
    response.end(typeof text === "string" ? text : JSON.stringify(text));
  }

  #answer(request: IncomingMessage, body: Buffer): Answer {
    const { method = "", url = "", headers } = request;
    const isBrowser =
      Object.keys(headers).some((name) => BROWSER_HEADERS.test(name)) ||
      String(headers["user-agent"]).startsWith("Mozilla");
    if (isBrowser && method !== "GET") return [405, `'${method}' method not allowed for browser traffic.`];
    const refused = this.#unauthorized(request);
    if (refused !== undefined) return refused;
    const [, job = "", call = ""] = /^\/api\/jobs\/([^/]+)(\/[a-z]+)?$/.exec(url) ?? [];
    const [, name = ""] = /^\/api\/packages\/gcs\/(_ray_pkg_[0-9a-f]+\.zip)$/.exec(url) ?? [];
    if (name !== "") return this.#package(method, name, body);
    if (method === "POST" && url === "/api/jobs/") return this.#submit(body);
    if (url === "/api/v0/nodes") return this.#nodes();
    if (job !== "") return this.#job(`${method} ${call}`, decodeURIComponent(job));
    return [404, "404: Not Found"];
  }

  #unauthorized({ headers: { authorization } }: IncomingMessage): Answer | undefined {
    const { token } = this.#options;
    if (token === undefined) return undefined;
    if (authorization === undefined) return [401, "Unauthorized: Missing authentication token"];
    return authorization === `Bearer ${token}` ? undefined : [403, "Forbidden: Invalid authentication token"];
  }

  #package(method: string, name: string, body: Buffer): Answer {
    if (method === "GET") return this.packages.has(name) ? [200, ""] : [404, `Package gcs://${name} does not exist`];
    const { maxPackageBytes = 100 * MIB } = this.#options;
    if (body.length > maxPackageBytes) return [413, `Maximum request body size ${maxPackageBytes} exceeded`];
    unzipSync(body); // throws, as Ray's node would
    this.packages.set(name, body);
    return [200, ""];
  }

  #submit(body: Buffer): Answer {
    const submission = JSON.parse(body.toString("utf8")) as Submission;
    const { submission_id: id, runtime_env } = submission;
    if (!this.packages.has(runtime_env.working_dir.replace("gcs://", "")))
      return [500, `Traceback (most recent call last):\nRuntimeError: ${runtime_env.working_dir} does not exist`];
    if (this.jobs.has(id))
      return [
        400,
        `Traceback (most recent call last):\n  File "job_head.py", line 404, in submit_job\nValueError: Job with submission_id ${id} already exists. Please use a different submission_id.`,
      ];
    this.jobs.set(id, new FakeRayJob(submission));
    return [200, { job_id: id, submission_id: id }];
  }

  #nodes(): Answer {
    const result = (this.#options.gpus ?? [0]).map((GPU) => ({ state: "ALIVE", resources_total: { CPU: 8, GPU } }));
    return [200, { result: true, msg: "", data: { result: { total: result.length, result } } }];
  }

  #job(call: string, id: string): Answer {
    const job = this.jobs.get(id);
    if (job === undefined) return [404, `Job ${id} does not exist`];
    if (call === "GET /logs") return [200, { logs: job.log }];
    if (call === "POST /stop") {
      const stopped = !job.isOver;
      setTimeout(() => job.end("STOPPED", -15), this.stopMs);
      return [200, { stopped }];
    }
    const { status, message, startTime: start_time, endTime: end_time, exitCode: driver_exit_code } = job;
    const facts = {
      type: "SUBMISSION",
      job_id: null,
      submission_id: id,
      entrypoint: job.submission.entrypoint,
      metadata: job.submission.metadata,
    };
    return [200, { ...facts, status, message, start_time, end_time, driver_exit_code, error_type: null }];
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const [, id = ""] = /^\/api\/jobs\/([^/]+)\/logs\/tail$/.exec(request.url ?? "") ?? [];
    const job = this.jobs.get(id);
    const refused = this.#unauthorized(request);
    if (refused !== undefined || job === undefined || this.refusesSockets)
      return void socket.end(`HTTP/1.1 ${refused?.[0] ?? 404} No\r\nconnection: close\r\n\r\n`);
    this.#websockets.handleUpgrade(request, socket, head, (client) => {
      this.sockets += 1;
      const extensions = client.extensions;
      this.handshakes.push({ extensions, authorization: String(request.headers.authorization) });
      if (extensions.includes("permessage-deflate")) client.close(1000);
      else this.#follow(client, job);
    });
  }

  /** Ten lines at most in a frame; the end of the job ends the socket, and so do `linesOfSocket`. */
  #follow(client: WebSocket, job: FakeRayJob): void {
    let sent = 0;
    let lines = 0;
    const timer = setInterval(() => {
      const batch = (job.log.slice(sent).match(/[^\n]*\n/g) ?? []).slice(0, Math.min(10, this.linesOfSocket - lines));
      sent += batch.join("").length;
      lines += batch.length;
      if (batch.length > 0) client.send(batch.join(""));
      if ((job.isOver && sent >= job.log.length) || lines >= this.linesOfSocket) client.close(1000);
    }, TICK_MS);
    client.on("close", () => clearInterval(timer));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
