/** @file The routes of `grappa ui`: the page's files, and its API over the folders of runs. */
import type { IncomingMessage } from "node:http";
import { type Context, Hono } from "hono";
import { AppError } from "../../core/errors.ts";
import { OTHER_ROUTES, type PageReader, RUN_ROUTES } from "../../pipeline/page/page-reader.ts";
import { searchThinking } from "../../pipeline/page/read-traces.ts";
import { changeTriage } from "../../pipeline/page/write-triage.ts";
import type { PageFault } from "../../report/page/page-api.ts";
import type { ServeApp } from "../serve-app.ts";
import { readQuestion, streamReply } from "./chat-stream.ts";
import { askForToken, Refusal, refuseStrangers, sayHeaders } from "./page-guard.ts";
import type { PageFile } from "./page-files.ts";
import { ApiError } from "../openai/api-error.ts";
import { readBody } from "../read-body.ts";
import { streamParts } from "./page-parts.ts";
import { streamValues } from "./page-stream.ts";
import type { StudentChats } from "./student-chats.ts";

/** What the app is made of. */
export interface PageOptions {
  readonly reader: PageReader;
  readonly files: ReadonlyMap<string, PageFile>;
  /** Whoever closes the server closes them after it. */
  readonly chats: StudentChats;
  /** Whoever knows it may ask. */
  readonly token: string;
  /** The port it listens on, known once it does. */
  readonly port: () => number;
  /** Told of failures that are the server's own, for its log. */
  readonly onFailure: (error: unknown) => void;
}

/** A note of 2,000 characters, each escaped, fits. */
const MOST_BODY_BYTES = 64 * 1024;
/** Streams open at once; a browser opens one for each page it shows. */
const MOST_STREAMS = 32;
/** Events are written every two seconds at most. */
const LOOK_EVERY_MS = 1000;

interface Streams {
  readonly ending: AbortController;
  open: number;
}

/** Builds the app. Nothing listens yet. */
export function pageApp(options: PageOptions): ServeApp {
  const streams: Streams = { ending: new AbortController(), open: 0 };
  const app = new Hono();
  app.use(async (context, next) => {
    sayHeaders(context);
    await next();
  });
  app.use(refuseStrangers(options.port));
  app.use("/api/*", askForToken(options.token));
  // Hono answers a HEAD by its GET and drops the body: of a stream that nobody would then end.
  app.use("/api/*", async (context, next) => {
    if (context.req.method === "HEAD") throw new Refusal(405, "ask with GET");
    await next();
  });
  addApi(app, options);
  addStreams(app, options, streams);
  addWrites(app, options);
  addChat(app, options, streams);
  addFiles(app, options.files);
  app.onError((error, context) => answerFault(context, error, options.onFailure));
  app.notFound((context) => answerFault(context, new Refusal(404, "there is nothing at this address")));
  return {
    fetch: (request, env) => app.fetch(request, env as object),
    // A stream has no end of its own, and all else is over at once.
    drain: () => streams.ending.abort(),
    abort: () => streams.ending.abort(),
    get underWay() {
      return streams.open;
    },
  };
}

function addApi(app: Hono, { reader }: PageOptions): void {
  for (const route of OTHER_ROUTES)
    app.get(`/api${route}`, async (context) => answer(context, await reader.readOther(route, context.req.query())));
  for (const route of RUN_ROUTES)
    app.get(`/api${route}`, async (context) =>
      answer(context, await reader.read(route, runOf(context), context.req.query())),
    );
}

function addStreams(app: Hono, { reader, onFailure }: PageOptions, streams: Streams): void {
  app.get("/api/runs/:run/live", async (context) => {
    const run = runOf(context);
    await reader.runs.folderOf(run);
    const stream = beginStream(context, streams, onFailure);
    const read = (): Promise<unknown> => reader.read("/runs/:run", run);
    return sendEvents(context, streamValues({ ...stream, read, everyMs: LOOK_EVERY_MS }));
  });
  app.get("/api/runs/:run/thinking-search", async (context) => {
    const parts = await searchThinking(await reader.facts(runOf(context)), reader, context.req.query());
    return sendEvents(context, streamParts({ ...beginStream(context, streams, onFailure), parts }));
  });
}

/** Takes one of the places for streams; how it ends, and what it tells of errors. Throws "limit-exceeded". */
function beginStream(context: Context, streams: Streams, onFailure: PageOptions["onFailure"]) {
  if (streams.open >= MOST_STREAMS)
    throw new AppError("limit-exceeded", `${MOST_STREAMS} live views are open, and no more may`, {
      hint: "close one of them",
    });
  streams.open += 1;
  return {
    signal: AbortSignal.any([context.req.raw.signal, streams.ending.signal]),
    faultOf: (error: unknown): PageFault => faultOf(error, onFailure).fault,
    onEnd: (): void => void (streams.open -= 1),
  };
}

function sendEvents(context: Context, body: ReadableStream<Uint8Array>): Response {
  return context.body(body, 200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store" });
}

function addWrites(app: Hono, { reader }: PageOptions): void {
  app.post("/api/runs/:run/triage", async (context) =>
    answer(context, await changeTriage(reader, runOf(context), await jsonOf(context))),
  );
  app.post("/api/runs/:run/pause", async (context) => answer(context, await reader.switches.pause(runOf(context))));
  app.post("/api/runs/:run/resume", async (context) => answer(context, await reader.switches.resume(runOf(context))));
}

/** The body of a request. Throws {@link Refusal} for what is no JSON, or too much of it. */
async function jsonOf(context: Context): Promise<unknown> {
  const { incoming } = context.env as { readonly incoming: IncomingMessage };
  try {
    return JSON.parse(await readBody(incoming, MOST_BODY_BYTES)) as unknown;
  } catch (error) {
    if (error instanceof ApiError) throw new Refusal(413, error.message);
    throw new Refusal(400, "the body is not JSON");
  }
}

function addChat(app: Hono, { reader, chats, onFailure }: PageOptions, streams: Streams): void {
  app.post("/api/runs/:run/chat", async (context) => {
    const run = runOf(context);
    await reader.runs.folderOf(run);
    const question = await readQuestion((context.env as { readonly incoming: IncomingMessage }).incoming);
    return sendEvents(context, streamReply({ ...beginStream(context, streams, onFailure), chats, run, question }));
  });
}

function addFiles(app: Hono, files: ReadonlyMap<string, PageFile>): void {
  app.get("*", async (context, next) => {
    const file = files.get(context.req.path);
    if (file === undefined) return await next();
    context.header("etag", file.tag);
    context.header("cache-control", file.isNamedByContent ? "private, max-age=31536000, immutable" : "no-cache");
    if (context.req.header("if-none-match") === file.tag) return context.body(null, 304);
    return context.body(file.bytes, 200, { "content-type": file.type });
  });
}

function runOf(context: Context): string {
  return context.req.param("run") ?? "";
}

function answer(context: Context, value: unknown): Response {
  return context.json(value as object, 200, { "cache-control": "no-store" });
}

type FaultStatus = 400 | 401 | 403 | 404 | 405 | 413 | 422 | 429 | 500;

const STATUS: Partial<Record<AppError["code"], FaultStatus>> = {
  usage: 400,
  "file-missing": 404,
  "limit-exceeded": 429,
};

/** What is said of an error: operational ones with their hint, and of ours nothing but that the log tells. */
function faultOf(
  error: unknown,
  onFailure?: (error: unknown) => void,
): { readonly status: FaultStatus; readonly fault: PageFault } {
  if (error instanceof AppError) {
    const status = error instanceof Refusal ? error.status : (STATUS[error.code] ?? 422);
    return { status, fault: { code: error.code, message: error.message, hint: error.hint ?? null } };
  }
  onFailure?.(error);
  return { status: 500, fault: { code: "bug", message: "the server failed; its log says how", hint: null } };
}

function answerFault(context: Context, error: unknown, onFailure?: (error: unknown) => void): Response {
  const { status, fault } = faultOf(error, onFailure);
  return context.json({ error: fault }, status, { "cache-control": "no-store" });
}
