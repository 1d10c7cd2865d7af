/**
 * @file Grappa's own teacher behind a local HTTP endpoint in OpenAI's shape with `reasoning_content`. It is a program,
 * not a language model, and its model name says so. It is served over a socket so that the demo goes through the very
 * client that calls paid teachers, faults included. Loopback only, behind a token made at every start.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { shortHash } from "../../core/hash.ts";
import { BUILTIN_MODEL } from "../../ledger/price-book.ts";
import { RETRY_COUNT_HEADER } from "./openai-compatible.ts";
import { type FaultPlan, type FaultRates, planFaults, spoilAnswer } from "./teacher-faults.ts";

/** A reasoner: what it thinks about a question and answers; null for a question that it does not understand. */
export type Reasoner = (
  question: string,
  seed: number,
) => { readonly thinking: string; readonly answer: string } | null;

/** How the built-in teacher is served. */
export interface BuiltinTeacherOptions {
  readonly reason: Reasoner;
  readonly faults: FaultRates;
  /** Seeds the faults, and the reasoner where a request brings no seed of its own. */
  readonly seed: number;
  /** 0, the default, takes any free one. */
  readonly port?: number;
}

/** A running built-in teacher. */
export interface BuiltinTeacherServer {
  /** Up to and including `/v1`. */
  readonly baseUrl: string;
  /** The bearer token that it wants; made anew at every start. */
  readonly apiKey: string;
  /** Ends all connections at once. */
  close(): Promise<void>;
}

const HOST = "127.0.0.1";
const MAX_BODY_BYTES = 1024 * 1024;
const MAX_PORT = 65_535;

const ChatRequest = z.object({
  messages: z
    .array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() }))
    .min(1)
    .max(100),
  max_tokens: z.int().min(1).default(4096),
  seed: z.int().optional(),
});
type ChatRequest = z.infer<typeof ChatRequest>;

/**
 * Starts the teacher on 127.0.0.1.
 * @throws {AppError} `port-taken`, with the port.
 */
export async function startBuiltinTeacher(options: BuiltinTeacherOptions): Promise<BuiltinTeacherServer> {
  const apiKey = `grappa-local-${randomBytes(24).toString("hex")}`;
  const server = createAdaptorServer({ fetch: teacherApp(options, apiKey).fetch });
  const port = options.port ?? 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(listenError(port, cause)));
    server.listen(port, HOST, resolve);
  });
  const { port: actual } = server.address() as AddressInfo;
  return {
    baseUrl: `http://${HOST}:${actual}/v1`,
    apiKey,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

function listenError(port: number, cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : "";
  if (code !== "EADDRINUSE" && code !== "EACCES" && port <= MAX_PORT) return cause;
  return new AppError("port-taken", `port ${port} on ${HOST} cannot be had (${String(code) || "no such port"})`, {
    hint: "stop what holds it and run again, or take any free one: trace.teacher.port = 0",
    data: { host: HOST, port },
    cause,
  });
}

function teacherApp(options: BuiltinTeacherOptions, apiKey: string): Hono {
  const app = new Hono();
  const expected = digestOf(`Bearer ${apiKey}`);
  app.post("/v1/chat/completions", async (context) => {
    const size = context.req.header("content-length");
    if (size === undefined) return refuse(context, 411, "a content-length is needed");
    if (Number(size) > MAX_BODY_BYTES) return refuse(context, 413, `the request exceeds ${MAX_BODY_BYTES} bytes`);
    // Digests are compared, so that neither length nor content of the token shows in the time it takes.
    const isAuthorised = timingSafeEqual(digestOf(context.req.header("authorization") ?? ""), expected);
    if (!isAuthorised) return refuse(context, 401, "wrong bearer token");
    const request = ChatRequest.safeParse(await context.req.json().catch(() => undefined));
    if (!request.success) return refuse(context, 400, `not a chat request: ${request.error.issues[0]?.message}`);
    return await complete(context, request.data, options);
  });
  app.notFound((context) => refuse(context, 404, `this server knows POST /v1/chat/completions alone`));
  return app;
}

const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();

async function complete(context: Context, request: ChatRequest, options: BuiltinTeacherOptions): Promise<Response> {
  const plan = planFaults(request, options.faults, options.seed);
  if (plan.isRateLimited && retryCount(context) === 0) {
    context.header("retry-after", "1"); // whole seconds; clients that know the finer header need not wait so long
    context.header("retry-after-ms", "20");
    return refuse(context, 429, "too many requests, on purpose");
  }
  if (plan.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, plan.latencyMs));
  const question = [...request.messages].reverse().find(({ role }) => role === "user")?.content ?? "";
  const reasoning = options.reason(question, request.seed ?? options.seed);
  if (reasoning === null) return refuse(context, 400, "this teacher knows the families arithmetic and program alone");
  return respond(context, plan, spoil(reasoning, plan, request));
}

/** The `openai` clients' own header counts as well, so that they too get past a rate limit. */
function retryCount({ req }: Context): number {
  return Number(req.header(RETRY_COUNT_HEADER) ?? req.header("x-stainless-retry-count") ?? 0) || 0;
}

interface Completion {
  readonly id: string;
  readonly thinking: string;
  readonly answer: string;
  readonly isTruncated: boolean;
  readonly promptTokens: number;
}

const byteLength = (text: string): number => Buffer.byteLength(text);

/** The reply as the request's fault leaves it. A token is a byte here, as for the demo's student. */
function spoil(
  reasoning: { readonly thinking: string; readonly answer: string },
  { fault, random }: FaultPlan,
  { messages, max_tokens: maxTokens, seed }: ChatRequest,
): Completion {
  const promptTokens = messages.reduce((sum, { content }) => sum + byteLength(content), 0);
  const id = `chatcmpl-${shortHash(JSON.stringify([messages, seed]))}`;
  const { thinking } = reasoning;
  const answer = fault === "wrong" ? spoilAnswer(reasoning.answer, random) : reasoning.answer;
  const isTooLong = byteLength(thinking) + byteLength(answer) > maxTokens;
  if (fault !== "truncated" && !isTooLong) return { id, thinking, answer, isTruncated: false, promptTokens };
  const share = fault === "truncated" ? 0.2 + 0.6 * random.next() : 1;
  const length = Math.min(maxTokens, Math.floor(share * byteLength(thinking)));
  const kept = Buffer.from(thinking).subarray(0, length).toString("utf8");
  return { id, thinking: kept, answer: "", isTruncated: true, promptTokens };
}

function respond(context: Context, { fault }: FaultPlan, completion: Completion): Response {
  const { id, thinking, answer, isTruncated, promptTokens } = completion;
  const text = fault === "empty" ? { content: "" } : { content: answer, reasoning_content: thinking };
  const message = { role: "assistant", ...text };
  const reasoningTokens = byteLength(thinking);
  const completionTokens = reasoningTokens + byteLength(answer);
  const body = {
    id,
    object: "chat.completion",
    created: 0, // no clock: equal requests have equal replies, byte for byte
    model: BUILTIN_MODEL,
    choices: fault === "no-choices" ? [] : [{ index: 0, message, finish_reason: isTruncated ? "length" : "stop" }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    },
  };
  if (fault === "html") return context.html("<html><body><h1>502 Bad Gateway</h1></body></html>");
  if (fault !== "cut-json") return context.json(body);
  const json = JSON.stringify(body);
  return context.body(json.slice(0, Math.floor(json.length / 2)), 200, { "content-type": "application/json" });
}

function refuse(context: Context, status: 400 | 401 | 404 | 411 | 413 | 429, message: string): Response {
  return context.json({ error: { message, type: "grappa-programmatic-teacher" } }, status);
}
