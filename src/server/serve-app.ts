/** @file The routes of `grappa serve`: OpenAI's shapes over one served model. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError } from "../core/errors.ts";
import type { BearerKeys } from "./bearer-keys.ts";
import { Metrics } from "./metrics.ts";
import { ApiError, apiErrorOf, isOwnFailure } from "./openai/api-error.ts";
import { readChatRequest, readCompletionRequest, type WantedReply } from "./openai/chat-request.ts";
import { chatChunks, chatReply, completionChunks, completionReply, type ReplyHead } from "./openai/replies.ts";
import { collectReply, type ReplyForm, streamReply } from "./answer-request.ts";
import { dropBody, readBody } from "./read-body.ts";
import type { ReplyMaker } from "./served-model.ts";

/** What keeps a server from being overrun. */
export interface ServeLimits {
  readonly maxBodyBytes: number;
  /** Replies that may wait for a slot, or to be read by their client; more are refused with 429. */
  readonly maxWaiting: number;
  /** A reply that takes longer is given up, seconds; waiting counts. */
  readonly maxSeconds: number;
}

/** What an app is made of. */
export interface ServeOptions {
  readonly maker: ReplyMaker;
  readonly keys: BearerKeys;
  readonly limits: ServeLimits;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A new id, different each time. */
  readonly newId: () => string;
  /** Told of failures that are the server's own, for its log. */
  readonly onFailure: (error: unknown) => void;
  /** Names by which this server may be called, without port; empty: any. */
  readonly hostNames: readonly string[];
}

/** A running app: what it answers with, and how it is brought to its end. */
export interface ServeApp {
  /** `env` holds Node's own request and response: `incoming` and `outgoing`. */
  fetch(request: Request, env: unknown): Response | Promise<Response>;
  /** Refuses new requests from now on; those under way go on. */
  drain(): void;
  /** Gives up whatever is still under way. */
  abort(): void;
  /** Requests under way. */
  readonly underWay: number;
}

/** A request and its response as Node has them. */
interface NodePair {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What the routes share. */
interface Serving {
  readonly options: ServeOptions;
  readonly metrics: Metrics;
  /** Aborts whatever is under way. */
  readonly ending: AbortController;
  readonly state: { isDraining: boolean; underWay: number; choices: number };
  /** Replies under way by caller; `state.choices` of all of them. */
  readonly callers: Map<string, number>;
}

/** Builds the app. Nothing listens yet. */
export function serveApp(options: ServeOptions): ServeApp {
  const serving: Serving = {
    options,
    metrics: new Metrics(),
    ending: new AbortController(),
    state: { isDraining: false, underWay: 0, choices: 0 },
    callers: new Map(),
  };
  const { state, ending } = serving;
  const app = new Hono();
  addGuards(app, serving);
  addAnswers(app, serving);
  addFacts(app, serving);
  return {
    fetch: (request, env) => app.fetch(request, env as object),
    drain: () => void (state.isDraining = true),
    abort: () => ending.abort(new AppError("interrupted", "the server is shutting down")),
    get underWay() {
      return state.underWay;
    },
  };
}

/** Every route and the methods that it takes. */
const ROUTES: ReadonlyMap<string, string> = new Map([
  ["/v1/chat/completions", "POST"],
  ["/v1/completions", "POST"],
  ["/v1/models", "GET, HEAD"],
  ["/health", "GET, HEAD"],
  ["/metrics", "GET, HEAD"],
]);

/** What holds for every route: counting, the host's name, errors in one shape. */
function addGuards(app: Hono, { options: { hostNames, keys, onFailure }, metrics }: Serving): void {
  app.use(async (context, next) => {
    await next();
    await dropBody(nodeOf(context).incoming);
    metrics.request(ROUTES.has(context.req.path) ? context.req.path : "other", context.res.status);
  });
  app.use(async (context, next) => {
    refuseOtherHosts(context, hostNames);
    await next();
  });
  // Before a body is read: who has no key is not listened to.
  app.use("/v1/*", async (context, next) => {
    callerOf(context, keys);
    await next();
  });
  app.onError((error, context) => answerError(context, error, onFailure));
  app.notFound((context) => answerError(context, noSuchRoute(context)));
}

function noSuchRoute(context: Context): ApiError {
  const { method, path } = context.req;
  const methods = ROUTES.get(path);
  if (methods === undefined) return new ApiError(404, `no such route: ${method} ${path.slice(0, 200)}`);
  context.header("allow", methods);
  return new ApiError(405, `${path} is asked by ${methods}, not by ${method}`, { code: "method_not_allowed" });
}

/** The routes that decode. */
function addAnswers(app: Hono, serving: Serving): void {
  app.post("/v1/chat/completions", (context) => answer(context, CHAT, serving));
  app.post("/v1/completions", (context) => answer(context, COMPLETION, serving));
}

/** The routes that tell. */
function addFacts(app: Hono, { options: { maker, keys }, metrics, state }: Serving): void {
  const { runtime } = maker.model;
  app.get("/v1/models", (context) => {
    callerOf(context, keys);
    return context.json({ object: "list", data: [modelOf(maker)] });
  });
  app.get("/v1/models/:id{.+}", (context) => {
    callerOf(context, keys);
    refuseOtherModels(context.req.param("id"), maker);
    return context.json(modelOf(maker));
  });
  app.get("/health", (context) => {
    const status = state.isDraining ? "draining" : "ok";
    return context.json({ status, ...runtime.load }, state.isDraining ? 503 : 200);
  });
  app.get("/metrics", (context) => {
    callerOf(context, keys);
    return context.text(metrics.text(runtime.load), 200, { "content-type": "text/plain; version=0.0.4" });
  });
}

async function answer(context: Context, form: RouteForm, serving: Serving): Promise<Response> {
  const { options, metrics, ending, state } = serving;
  const { maker, keys, limits, now, onFailure } = options;
  const caller = callerOf(context, keys);
  if (state.isDraining) throw new ApiError(503, "the server is shutting down");
  const wanted = form.read(await readJson(context, limits.maxBodyBytes));
  refuseOtherModels(wanted.model, maker);
  const asked = { caller, choices: wanted.choices };
  refuseCrowd(context, asked, serving);
  const prepared = maker.prepare(wanted);
  metrics.prompt(prepared.promptTokens);
  const request = {
    prepared,
    wanted,
    caller,
    head: { id: `${form.prefix}-${options.newId()}`, created: Math.floor(now() / 1000), model: maker.model.id },
    form,
    metrics,
    now,
    maxSeconds: limits.maxSeconds,
    signal: AbortSignal.any([context.req.raw.signal, ending.signal]),
    onFailure,
  };
  const { outgoing } = nodeOf(context);
  const onDone = enter(serving, asked, outgoing);
  if (wanted.isStreamed) {
    void streamReply(request, outgoing).finally(onDone);
    return RESPONSE_ALREADY_SENT;
  }
  try {
    return context.json(await collectReply(request));
  } finally {
    onDone();
  }
}

/** Counts a request in; returns what counts it out, once its client has all of it: until then it stands here. */
function enter({ state, callers }: Serving, { caller, choices }: Choices, response: ServerResponse): () => void {
  state.underWay += 1;
  state.choices += choices;
  callers.set(caller, (callers.get(caller) ?? 0) + choices);
  const leave = (): void => {
    state.underWay -= 1;
    state.choices -= choices;
    const left = (callers.get(caller) ?? 0) - choices;
    if (left > 0) callers.set(caller, left);
    else callers.delete(caller);
  };
  return () => void (response.closed || response.destroyed ? leave() : response.once("close", leave));
}

/** Replies that one request asks for. */
interface Choices {
  readonly caller: string;
  readonly choices: number;
}

/** Of the places to wait, one of several callers may fill so much. */
const OWN_SHARE = 1 / 2;

/** Refuses what would wait where no place is left, or the caller has used up its share. */
function refuseCrowd(context: Context, { caller, choices }: Choices, serving: Serving): void {
  const { maker, limits, keys } = serving.options;
  const { active, slots } = maker.model.runtime.load;
  const most = slots + limits.maxWaiting;
  if (choices > most)
    throw new ApiError(400, `n is ${choices}, and ${most} replies may be under way here at once`, { param: "n" });
  const all = serving.state.choices;
  const own = serving.callers.get(caller) ?? 0;
  const ownMost = keys.count > 1 ? active + Math.max(1, Math.floor(limits.maxWaiting * OWN_SHARE)) : Infinity;
  if (all + choices <= most && own + choices <= ownMost) return;
  context.header("retry-after", "1");
  const why = own + choices > ownMost ? `${own} replies of this key are under way` : `${all} replies are under way`;
  throw new ApiError(429, `${why}, and no more may; try again`);
}

/** How one route reads and writes. */
interface RouteForm extends ReplyForm {
  readonly prefix: string;
  read(body: unknown): WantedReply;
}

const CHAT: RouteForm = {
  prefix: "chatcmpl",
  read: readChatRequest,
  whole: chatReply,
  chunks: (head: ReplyHead) => chatChunks(head),
};
const COMPLETION: RouteForm = {
  prefix: "cmpl",
  read: readCompletionRequest,
  whole: completionReply,
  chunks: (head: ReplyHead) => completionChunks(head),
};

function modelOf({ model: { id, runtime } }: ReplyMaker): object {
  return {
    id,
    object: "model",
    created: 0,
    owned_by: "grappa",
    context_length: runtime.contextTokens,
    limits: runtime.limits,
  };
}

function callerOf(context: Context, keys: BearerKeys): string {
  // Without keys everybody on this machine is one caller for each connection's user agent: fair enough on loopback.
  return keys.callerOf(context.req.header("authorization"), context.req.header("user-agent")?.slice(0, 200) ?? "");
}

/** A page of another site that got hold of our address under a name of its own is not answered. */
function refuseOtherHosts(context: Context, hostNames: readonly string[]): void {
  if (hostNames.length === 0) return;
  const name = (context.req.header("host") ?? "").replace(/:\d+$/, "").toLowerCase();
  if (hostNames.includes(name)) return;
  throw new ApiError(400, "this server is not called by that name", { param: "host" });
}

function refuseOtherModels(wanted: string, { model }: ReplyMaker): void {
  if (wanted === model.id || wanted === "" || wanted === "default") return;
  throw new ApiError(404, `the model "${wanted.slice(0, 200)}" is not served here; "${model.id}" is`, {
    param: "model",
    code: "model_not_found",
  });
}

/** Node's own request and response, which `listen` hands over. */
const nodeOf = (context: Context): NodePair => context.env as NodePair;

async function readJson(context: Context, maxBytes: number): Promise<unknown> {
  // A page cannot send this kind without asking first, and is then refused.
  if (!/^application\/json\b/i.test(context.req.header("content-type") ?? ""))
    throw new ApiError(415, "send the body as application/json");
  try {
    return JSON.parse(await readBody(nodeOf(context).incoming, maxBytes)) as unknown;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(400, "the body is not JSON", { code: "invalid_json" });
  }
}

function answerError(context: Context, error: unknown, onFailure?: (error: unknown) => void): Response {
  const answer = apiErrorOf(error);
  if (isOwnFailure(answer)) onFailure?.(error);
  return context.json(answer.body, answer.status as ContentfulStatusCode);
}
