/** @file The addresses and shapes of four batch APIs, for the fake. Whatever else comes is refused. */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type BatchApi,
  type BatchHost,
  type FakeBatch,
  type FakeItem,
  PROMPT_TOKENS,
  Refused,
  type RowFault,
  tokensOf,
} from "./fake-batch.ts";

/** A call as it came. */
interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

type Route = (fake: BatchHost, call: Call) => object | undefined;

/** The key that every API here asks for. */
export const KEY = "sk-test-0123456789abcdef";
/** Longer than any reply that is taken. */
const HUGE = "x".repeat(3_000_000);

function check(condition: unknown, message: string, status = 400): asserts condition {
  if (!condition) throw new Refused(status, message);
}

function json(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    throw new Refused(400, "the body is not JSON");
  }
}

/** The requests of a JSONL file. */
function jsonl(text: string): Record<string, unknown>[] {
  check(text.endsWith("\n"), "the last line has no end");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => json(Buffer.from(line)));
}

function checkIds(items: readonly FakeItem[]): void {
  check(items.length > 0, "no requests");
  check(
    items.every(({ id }) => /^[a-zA-Z0-9_-]{1,64}$/.test(id)),
    "an id of an impossible form",
  );
  check(new Set(items.map(({ id }) => id)).size === items.length, "an id is used twice");
}

/** A request of a batch, and what becomes of it. */
interface FakeRow {
  readonly item: FakeItem;
  readonly fault: RowFault;
  readonly wasRun: boolean;
}

interface Chat {
  readonly model?: string;
  readonly max_tokens?: number;
  readonly thinking?: { readonly type: string };
  readonly messages?: { role: string; content: string }[];
  /** OpenAI's Responses have this instead. */
  readonly input?: { role: string; content: string }[];
}

function contentOf({ model, messages, input }: Chat, isResponse = false): string {
  const turns = isResponse ? input : messages;
  check(typeof model === "string" && Array.isArray(turns), "no model or messages");
  return turns.at(-1)?.content ?? "";
}

function text(item: FakeItem, fault: RowFault): string {
  if (fault === "huge") return HUGE;
  return `about ${item.content}${fault === "echo" ? ` with ${KEY}` : ""}`;
}

function chatCompletion(item: FakeItem, fault: RowFault): object {
  if (fault === "empty")
    return { choices: [], usage: { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokensOf(item.content) } };
  const message = { role: "assistant", reasoning_content: text(item, fault), content: "42" };
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokensOf(item.content) };
  return { object: "chat.completion", choices: [{ index: 0, finish_reason: "stop", message }], usage };
}

function response(item: FakeItem, fault: RowFault): object {
  const message = {
    type: "message",
    role: "assistant",
    content: [{ type: "output_text", text: text(item, fault), annotations: [] }],
  };
  const output = fault === "empty" ? [] : [{ type: "reasoning", summary: [] }, message];
  const usage = {
    input_tokens: PROMPT_TOKENS,
    output_tokens: tokensOf(item.content),
    total_tokens: PROMPT_TOKENS + tokensOf(item.content),
  };
  const isWithheld = fault === "withheld";
  const status = isWithheld ? "incomplete" : "completed";
  const incomplete_details = isWithheld ? { reason: "content_filter" } : null;
  return { object: "response", status, incomplete_details, model: "m", output: isWithheld ? [] : output, usage };
}

const FAULT_STATUS: Partial<Record<RowFault, number>> = { refused: 400, unavailable: 500, unauthorised: 401 };

// OpenAI, and Together in its shape

function openAIObject(fake: BatchHost, batch: FakeBatch, isTogether: boolean): object {
  const hasResults = ["completed", "cancelled", "expired"].includes(batch.state);
  const state = batch.state === "running" ? "in_progress" : batch.state;
  const files = {
    input_file_id: batch.inputFile,
    output_file_id: hasResults && batch.done > 0 ? `${batch.id}-output` : null,
    error_file_id: hasResults ? `${batch.id}-errors` : null,
  };
  if (isTogether) return { id: batch.id, status: state.toUpperCase(), progress: 0, ...files, error: batch.failure };
  const [code = "", message = ""] = batch.failure.split(": ");
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    completion_window: "24h",
    status: state,
    created_at: 1,
    ...files,
    errors: batch.failure === "" ? null : { object: "list", data: [{ code, message }] },
    request_counts: { total: batch.items.length, completed: fake.succeeded(batch), failed: 0 },
    metadata: { grappa_batch: batch.name },
  };
}

function openAILine({ item, fault, wasRun }: FakeRow, endpoint: string, file: "output" | "errors"): string | undefined {
  const head = { id: `batch_req_${item.id}`, custom_id: item.id };
  const status = FAULT_STATUS[fault];
  if (file === "output") {
    if (!wasRun || status !== undefined) return undefined;
    const reply = endpoint === "/v1/responses" ? response(item, fault) : chatCompletion(item, fault);
    return JSON.stringify({
      ...head,
      response: { status_code: 200, request_id: "r", body: reply },
      error: null,
    });
  }
  if (!wasRun) {
    const error = {
      code: "batch_expired",
      message: "This request could not be executed before the completion window expired.",
    };
    return JSON.stringify({ ...head, response: null, error });
  }
  if (status === undefined) return undefined;
  return JSON.stringify({
    ...head,
    response: { status_code: status, request_id: "r", body: { error: { message: fault } } },
    error: null,
  });
}

function parts(request: IncomingMessage, body: Buffer): Map<string, string> {
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(request.headers["content-type"] ?? "")?.[1];
  check(boundary !== undefined, "not a form");
  const found = new Map<string, string>();
  for (const part of body.toString("utf8").split(`--${boundary}`).slice(1, -1)) {
    const [head = "", ...rest] = part.slice(2, -2).split("\r\n\r\n");
    found.set(/name="([^"]+)"/.exec(head)?.[1] ?? "", rest.join("\r\n\r\n"));
  }
  return found;
}

const openAIShape =
  (isTogether: boolean): Route =>
  (fake, { request, response, body }) => {
    check(request.headers.authorization === `Bearer ${KEY}`, "bad key", 401);
    const url = new URL(request.url ?? "", "http://x");
    const path = `${request.method} ${url.pathname}`;
    if (path === (isTogether ? "POST /v1/files/upload" : "POST /v1/files")) {
      const form = parts(request, body);
      check(form.get("purpose") === (isTogether ? "batch-api" : "batch"), "wrong purpose");
      if (isTogether) check(form.get("file_name")?.endsWith(".jsonl"), "no file name");
      const id = fake.newId("file-");
      fake.files.set(id, form.get("file") ?? "");
      return { id, object: "file", purpose: form.get("purpose") };
    }
    if (path === "POST /v1/batches") {
      const { input_file_id, endpoint, completion_window, metadata } = json(body);
      const file = fake.files.get(String(input_file_id));
      check(file !== undefined, "no such file", 404);
      check(completion_window === "24h", "wrong window");
      check(endpoint === "/v1/chat/completions" || (!isTogether && endpoint === "/v1/responses"), "wrong endpoint");
      if (isTogether) check(metadata === undefined, "no metadata is taken");
      const items = jsonl(file).map((line): FakeItem => {
        check(
          isTogether || (line["method"] === "POST" && line["url"] === endpoint),
          "a line has the wrong method or url",
        );
        return {
          id: String(line["custom_id"]),
          content: contentOf(line["body"] as Chat, endpoint === "/v1/responses"),
        };
      });
      checkIds(items);
      const name = (metadata as { grappa_batch?: string } | undefined)?.grappa_batch ?? "";
      const id = fake.newId("batch_");
      const made = fake.create({ id, name, inputFile: String(input_file_id), endpoint, items }, response);
      return isTogether ? { job: openAIObject(fake, made, true) } : openAIObject(fake, made, false);
    }
    if (path === "GET /v1/batches") {
      const all = fake.batches.map((batch) => openAIObject(fake, batch, isTogether));
      if (isTogether) return all;
      const from = fake.batches.findIndex(({ id }) => id === url.searchParams.get("after")) + 1;
      if (fake.faults.repeatsLists === true) return { object: "list", data: all.slice(0, 2), has_more: true };
      return { object: "list", data: all.slice(from, from + 2), has_more: from + 2 < all.length }; // short pages
    }
    const [, id = "", verb] = /^(?:GET|POST) \/v1\/batches\/([\w-]+)(\/cancel)?$/.exec(path) ?? [];
    if (id !== "" && request.method === "POST" && verb === "/cancel")
      return openAIObject(fake, fake.cancel(id), isTogether);
    if (id !== "" && request.method === "GET" && verb === undefined)
      return openAIObject(fake, fake.look(id), isTogether);
    const [, batchId, file] = /^GET \/v1\/files\/(batch_\d+)-(output|errors)\/content$/.exec(path) ?? [];
    const batch = fake.batches.find((one) => one.id === batchId);
    check(batch !== undefined, `no such address: ${path}`, 404);
    const which = file as "output" | "errors";
    fake.sendFile(
      response,
      fake.lines(batch, (item, fault, wasRun) => openAILine({ item, fault, wasRun }, batch.endpoint, which)),
    );
    return undefined;
  };

// Gemini

function geminiOperation(fake: BatchHost, batch: FakeBatch): object {
  const state = { running: "RUNNING", cancelling: "RUNNING", completed: "SUCCEEDED" }[batch.state as string];
  const hasResults =
    batch.state === "completed" || ((batch.state === "cancelled" || batch.state === "expired") && batch.done > 0);
  const output = hasResults ? { responsesFile: `files/${batch.id}-out` } : undefined;
  return {
    name: `batches/${batch.id}`,
    metadata: {
      "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
      state: `BATCH_STATE_${state ?? batch.state.toUpperCase()}`,
      displayName: batch.name,
      batchStats: { requestCount: String(batch.items.length), successfulRequestCount: String(fake.succeeded(batch)) },
      output,
    },
    done: !["running", "cancelling"].includes(batch.state),
    ...(hasResults ? { response: output } : {}),
    ...(batch.failure === ""
      ? {}
      : { error: { code: batch.failure.startsWith("token") ? 8 : 5, message: batch.failure } }),
  };
}

function geminiLine(item: FakeItem, fault: RowFault, wasRun: boolean): string | undefined {
  if (!wasRun) return undefined;
  const code = { refused: 3, unavailable: 13, unauthorised: 16 }[fault as string];
  if (code !== undefined) return JSON.stringify({ key: item.id, error: { code, message: fault } });
  const parts = [{ text: text(item, fault), thought: true }, { text: "42" }];
  const content = { role: "model", parts };
  const others: Partial<Record<RowFault, object[]>> = { empty: [], withheld: [{ index: 0, finishReason: "SAFETY" }] };
  const candidates = others[fault] ?? [{ index: 0, finishReason: "STOP", content }];

  const tokens = tokensOf(item.content);
  const usageMetadata = {
    promptTokenCount: PROMPT_TOKENS,
    candidatesTokenCount: tokens,
    totalTokenCount: PROMPT_TOKENS + tokens,
  };
  return JSON.stringify({ key: item.id, response: { candidates, usageMetadata, modelVersion: "m" } });
}

const gemini: Route = (fake, { request, response, body }) => {
  check(request.headers["x-goog-api-key"] === KEY, "bad key", 401);
  const { pathname, searchParams, origin } = new URL(request.url ?? "", fake.baseUrl);
  const path = `${request.method} ${pathname}`;
  if (path === "POST /upload/v1beta/files" && !searchParams.has("upload_id")) {
    check(request.headers["x-goog-upload-command"] === "start", "not the start of an upload");
    const name = (json(body)["file"] as { displayName?: string }).displayName;
    check(typeof name === "string" && name !== "", "no name");
    response
      .writeHead(200, { "x-goog-upload-url": `${origin}/upload/v1beta/files?upload_id=${fake.newId("up")}` })
      .end();
    return undefined;
  }
  if (path === "POST /upload/v1beta/files") {
    check(request.headers["x-goog-upload-command"] === "upload, finalize", "not the end of an upload");
    check(request.headers["x-goog-upload-offset"] === "0", "not from the beginning");
    const name = `files/${fake.newId("f")}`;
    fake.files.set(name, body.toString("utf8"));
    return { file: { name, state: "ACTIVE" } };
  }
  if (/^POST \/v1beta\/models\/[\w.-]+:batchGenerateContent$/.test(path)) {
    const { displayName, inputConfig } = json(body)["batch"] as {
      displayName: string;
      inputConfig: { fileName: string };
    };
    const file = fake.files.get(inputConfig.fileName);
    check(file !== undefined && displayName !== "", "no such file", 404);
    const items = jsonl(file).map((line): FakeItem => {
      const { contents } = line["request"] as { contents: { role: string; parts: { text: string }[] }[] };
      check(Array.isArray(contents), "no contents");
      return { id: String(line["key"]), content: contents.at(-1)?.parts[0]?.text ?? "" };
    });
    checkIds(items);
    const id = fake.newId("b");
    return geminiOperation(
      fake,
      fake.create({ id, name: displayName, inputFile: inputConfig.fileName, endpoint: "", items }, response),
    );
  }
  if (path === "GET /v1beta/batches") {
    const from = Number(searchParams.get("pageToken") ?? 0);
    const operations = fake.batches.slice(from, from + 2).map((batch) => geminiOperation(fake, batch)); // short pages
    if (fake.faults.repeatsLists === true) return { operations, nextPageToken: "0" };
    return { operations, ...(from + 2 < fake.batches.length ? { nextPageToken: String(from + 2) } : {}) };
  }
  const [, id = "", verb] = /^(?:GET|POST) \/v1beta\/batches\/(\w+)(:cancel)?$/.exec(path) ?? [];
  if (id !== "" && request.method === "POST" && verb === ":cancel") {
    fake.cancel(id);
    return {};
  }
  if (id !== "" && request.method === "GET" && verb === undefined) return geminiOperation(fake, fake.look(id));
  const [, batchId] = /^GET \/download\/v1beta\/files\/(\w+)-out:download$/.exec(path) ?? [];
  const batch = fake.batches.find((one) => one.id === batchId);
  check(batch !== undefined && searchParams.get("alt") === "media", `no such address: ${path}`, 404);
  fake.sendFile(response, fake.lines(batch, geminiLine));
  return undefined;
};

// Anthropic

function anthropicBatch(fake: BatchHost, batch: FakeBatch): object {
  const isOpen = batch.state === "running" || batch.state === "cancelling";
  const counts = { processing: 0, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  batch.items.forEach(({ content }, index) => {
    const fault = fake.faults.row?.(content) ?? "none";
    if (isOpen) counts.processing += 1;
    else if (batch.state === "failed") counts.errored += 1;
    else if (index >= batch.done) counts[batch.state === "expired" ? "expired" : "canceled"] += 1;
    else counts[FAULT_STATUS[fault] === undefined ? "succeeded" : "errored"] += 1;
  });
  return {
    id: batch.id,
    type: "message_batch",
    processing_status: batch.state === "running" ? "in_progress" : isOpen ? "canceling" : "ended",
    request_counts: counts,
    cancel_initiated_at: ["cancelling", "cancelled"].includes(batch.state) ? "2026-11-25T00:00:00Z" : null,
    results_url: isOpen ? null : "https://elsewhere.example/results",
  };
}

function anthropicLine(fake: BatchHost, batch: FakeBatch, { item, fault, wasRun }: FakeRow): string {
  const line = (result: object): string => JSON.stringify({ custom_id: item.id, result });
  const errors = {
    refused: "invalid_request_error",
    unavailable: "overloaded_error",
    unauthorised: "authentication_error",
  };
  if (batch.state === "failed")
    return line({
      type: "errored",
      error: { type: "error", error: { type: "not_found_error", message: "no such model" } },
    });
  if (!wasRun) return line({ type: batch.state === "expired" ? "expired" : "canceled" });
  if (fake.faults.refusesBudgets === true && item.thinking === "enabled") {
    const message = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive".';
    return line({ type: "errored", error: { type: "error", error: { type: "invalid_request_error", message } } });
  }
  const type = errors[fault as keyof typeof errors];
  if (type !== undefined) return line({ type: "errored", error: { type: "error", error: { type, message: fault } } });
  const content = ["empty", "withheld"].includes(fault)
    ? []
    : [
        { type: "thinking", thinking: text(item, fault), signature: "s" },
        { type: "text", text: "42" },
      ];
  const usage = { input_tokens: PROMPT_TOKENS, output_tokens: tokensOf(item.content) };
  return line({
    type: "succeeded",
    message: {
      type: "message",
      role: "assistant",
      content,
      stop_reason: fault === "withheld" ? "refusal" : "end_turn",
      usage,
    },
  });
}

const anthropic: Route = (fake, { request, response, body }) => {
  check(request.headers["x-api-key"] === KEY, "bad key", 401);
  check(request.headers["anthropic-version"] === "2023-06-01", "no version");
  const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
  const path = `${request.method} ${pathname}`;
  if (path === "POST /v1/messages/batches") {
    const { requests, ...rest } = json(body);
    check(Object.keys(rest).length === 0, "a batch has requests and nothing else");
    const items = (requests as { custom_id: string; params: Chat }[]).map(({ custom_id, params }): FakeItem => {
      check(typeof params.max_tokens === "number", "max_tokens is required");
      return { id: custom_id, content: contentOf(params), thinking: params.thinking?.type };
    });
    checkIds(items);
    return anthropicBatch(
      fake,
      fake.create({ id: fake.newId("msgbatch_"), name: "", inputFile: "", endpoint: "", items }, response),
    );
  }
  if (path === "GET /v1/messages/batches") {
    const limit = Math.min(2, Number(searchParams.get("limit") ?? 20)); // short pages
    const isRepeated = fake.faults.repeatsLists === true;
    const from = isRepeated ? 0 : fake.batches.findIndex(({ id }) => id === searchParams.get("after_id")) + 1;
    const data = fake.batches.slice(from, from + limit).map((batch) => anthropicBatch(fake, fake.advance(batch)));
    return { data, has_more: isRepeated || from + limit < fake.batches.length };
  }
  const [, id = "", verb] = /^(?:GET|POST) \/v1\/messages\/batches\/(\w+)(\/cancel|\/results)?$/.exec(path) ?? [];
  if (id !== "" && request.method === "POST" && verb === "/cancel") return anthropicBatch(fake, fake.cancel(id));
  if (id !== "" && request.method === "GET" && verb === undefined) return anthropicBatch(fake, fake.look(id));
  const batch = fake.batches.find((one) => one.id === id);
  check(batch !== undefined && verb === "/results", `no such address: ${path}`, 404);
  check(!["running", "cancelling"].includes(batch.state), "no results yet", 404);
  fake.sendFile(
    response,
    fake.lines(batch, (item, fault, wasRun) => anthropicLine(fake, batch, { item, fault, wasRun })),
  );
  return undefined;
};

/** How each API answers. */
export const batchRoutes: Readonly<Record<BatchApi, Route>> = {
  openai: openAIShape(false),
  responses: openAIShape(false),
  together: openAIShape(true),
  gemini,
  anthropic,
};
