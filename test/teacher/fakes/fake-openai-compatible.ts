/**
 * @file OpenAI's chat completions and completions as compatible servers speak them, streamed and whole. It refuses what
 * they refuse. Shapes: OpenAI API reference, "Chat" and "Completions"; DeepSeek API docs, "Create Chat Completion" and
 * "Chat Prefix Completion (Beta)"; vLLM docs, "OpenAI-Compatible Server" (all as found in stored copies, November 2026).
 */
import { z } from "zod";
import {
  type FakeAnswer,
  type FakeRequest,
  type FaultServer,
  type FaultServerOptions,
  inPieces,
  sse,
  startFaultServer,
} from "./fault-server.ts";

/** What the model says to a prompt. */
export interface FakeReply {
  readonly thinking: string;
  readonly answer: string;
  /** `stop` unless told, or `length` where the limit cuts. */
  readonly finishReason?: string;
  /** Where the reasoning stands; `reasoning_content` unless told. */
  readonly place?: "reasoning_content" | "reasoning" | "inline" | "inline-unopened";
  readonly hasUsage?: boolean;
  /** Choices beside the first, which nobody asked for. */
  readonly otherChoices?: readonly string[];
}

/** How the fake behaves. */
export interface FakeOpenAIOptions extends Pick<FaultServerOptions, "fault" | "pieceMs"> {
  readonly reply: (prompt: string, request: FakeRequest) => FakeReply;
  /** The one key that it takes; any where absent. */
  readonly apiKey?: string;
  readonly model?: string;
  /** Answers whole and refuses `stream: true` with 400. */
  readonly refusesStreams?: boolean;
  /** Refuses `stream_options` with 400. */
  readonly refusesStreamOptions?: boolean;
  /** Headers of good answers, for example rate limits. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A token is so many characters. */
  readonly charactersPerToken?: number;
  readonly latencyMs?: number;
}

/** A fake that runs, and its own books. */
export interface FakeOpenAI extends FaultServer {
  /** Up to and including `/v1`. */
  readonly baseUrl: string;
  /** What it would bill: every reply that it began to send. */
  readonly billed: { requests: number; promptTokens: number; completionTokens: number };
}

const Message = z.strictObject({
  role: z.enum(["system", "user", "assistant"]),
  content: z.string(),
  prefix: z.literal(true).optional(),
  reasoning_content: z.string().optional(),
});
const sampling = {
  model: z.string(),
  max_tokens: z.int().min(1),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().gt(0).max(1).optional(),
  seed: z.int().optional(),
  reasoning_effort: z.enum(["low", "medium", "high"]).optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
};
const ChatRequest = z.strictObject({
  ...sampling,
  messages: z.array(Message).min(1),
  continue_final_message: z.boolean().optional(),
  add_generation_prompt: z.boolean().optional(),
});
const TextRequest = z.strictObject({
  ...sampling,
  prompt: z.string(),
  stop: z.array(z.string()).max(4).optional(),
  skip_special_tokens: z.boolean().optional(),
});

type Asked = { readonly kind: "chat" | "text"; readonly prompt: string } & z.infer<z.ZodObject<typeof sampling>>;

/** Starts the fake. */
export async function startFakeOpenAI(options: FakeOpenAIOptions): Promise<FakeOpenAI> {
  const billed = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const server = await startFaultServer({
    ...options,
    answer: async (request) => {
      const asked = readRequest(request, options);
      if ("status" in asked) return asked;
      if (options.latencyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
      return answer(asked, options.reply(asked.prompt, request), { options, billed });
    },
  });
  return { ...server, baseUrl: `${server.origin}/v1`, billed };
}

function refuse(status: number, message: string, code: string | null = null): FakeAnswer {
  const type = status === 401 ? "authentication_error" : "invalid_request_error";
  const body = JSON.stringify({ error: { message, type, param: null, code } });
  return { status, contentType: "application/json", pieces: [body] };
}

function readRequest({ method, path, headers, body }: FakeRequest, options: FakeOpenAIOptions): Asked | FakeAnswer {
  if (method !== "POST" || !/^\/v1\/(chat\/)?completions$/.test(path))
    return refuse(404, `Invalid URL (${method} ${path})`);
  if (options.apiKey !== undefined && headers.authorization !== `Bearer ${options.apiKey}`)
    return refuse(401, "Incorrect API key provided", "invalid_api_key");
  if (!(headers["content-type"] ?? "").startsWith("application/json")) return refuse(415, "unsupported media type");
  const kind = path.endsWith("/chat/completions") ? "chat" : "text";
  const parsed = (kind === "chat" ? ChatRequest : TextRequest).safeParse(parse(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(400, `${issue?.path.join(".")}: ${issue?.message}`);
  }
  const asked = parsed.data;
  if (options.model !== undefined && asked.model !== options.model)
    return refuse(404, `The model \`${asked.model}\` does not exist`, "model_not_found");
  if (asked.stream_options !== undefined && (asked.stream !== true || options.refusesStreamOptions))
    return refuse(400, "stream_options: only allowed when stream is set");
  if (asked.stream === true && options.refusesStreams) return refuse(400, "stream: this server does not stream");
  const prompt = "messages" in asked ? asked.messages.map(({ content }) => content).join("\n") : asked.prompt;
  return { ...asked, kind, prompt };
}

interface Answering {
  readonly options: FakeOpenAIOptions;
  readonly billed: FakeOpenAI["billed"];
}

function answer(asked: Asked, reply: FakeReply, { options, billed }: Answering): FakeAnswer {
  const perToken = options.charactersPerToken ?? 4;
  const tokens = (text: string): number => Math.ceil(text.length / perToken);
  const cut = cutAt(reply, asked.max_tokens * perToken);
  const usage = {
    prompt_tokens: tokens(asked.prompt),
    completion_tokens: Math.min(asked.max_tokens, tokens(cut.thinking + cut.answer)),
    total_tokens: 0,
    completion_tokens_details: { reasoning_tokens: tokens(cut.thinking) },
  };
  usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
  billed.requests += 1;
  billed.promptTokens += usage.prompt_tokens;
  billed.completionTokens += usage.completion_tokens;
  const shown = reply.hasUsage === false ? {} : { usage };
  const headers = options.headers === undefined ? {} : { headers: options.headers };
  if (asked.stream !== true)
    return { status: 200, contentType: "application/json", pieces: [wholeBody(asked, cut, shown)], ...headers };
  const withUsage = asked.stream_options?.include_usage === true ? shown : {};
  return { status: 200, contentType: "text/event-stream", pieces: stream(asked, cut, withUsage), ...headers };
}

type Cut = FakeReply & { readonly finishReason: string };

function cutAt(reply: FakeReply, characters: number): Cut {
  const { thinking, answer: text } = reply;
  if (thinking.length + text.length <= characters) return { ...reply, finishReason: reply.finishReason ?? "stop" };
  const kept = {
    thinking: thinking.slice(0, characters),
    answer: text.slice(0, Math.max(0, characters - thinking.length)),
  };
  return { ...reply, ...kept, finishReason: reply.finishReason ?? "length" };
}

/** The reply's fields in the order in which they are streamed. */
function fields({ thinking, answer: text, place = "reasoning_content" }: Cut): [string, string][] {
  if (place === "inline") return [["content", thinking === "" ? text : `<think>\n${thinking}\n</think>\n\n${text}`]];
  if (place === "inline-unopened") return [["content", `${thinking}\n</think>\n\n${text}`]];
  return [
    [place, thinking],
    ["content", text],
  ];
}

function wholeBody(asked: Asked, cut: Cut, usage: object): string {
  const others = (cut.otherChoices ?? []).map((content, n) => ({
    index: n + 1,
    message: { role: "assistant", content },
    finish_reason: "stop",
  }));
  const own =
    asked.kind === "text"
      ? { index: 0, text: cut.thinking + cut.answer, finish_reason: cut.finishReason }
      : {
          index: 0,
          message: { role: "assistant", ...Object.fromEntries(fields(cut)) },
          finish_reason: cut.finishReason,
        };
  const object = asked.kind === "text" ? "text_completion" : "chat.completion";
  return JSON.stringify({ id: "fake", object, created: 0, model: asked.model, choices: [...others, own], ...usage });
}

const PIECE_CHARACTERS = 16;

function stream(asked: Asked, cut: Cut, usage: object): string[] {
  const object = asked.kind === "text" ? "text_completion" : "chat.completion.chunk";
  const chunk = (choices: unknown[], rest: object = {}): string =>
    sse({ id: "fake", object, created: 0, model: asked.model, choices, ...rest });
  const deltas =
    asked.kind === "text"
      ? inPieces(cut.thinking + cut.answer, PIECE_CHARACTERS).map((text) => ({ index: 0, text, finish_reason: null }))
      : fields(cut).flatMap(([name, text]) =>
          inPieces(text, PIECE_CHARACTERS).map((piece) => ({
            index: 0,
            delta: { [name]: piece },
            finish_reason: null,
          })),
        );
  const others = (cut.otherChoices ?? []).map((content, n) => ({
    index: n + 1,
    delta: { content },
    finish_reason: null,
  }));
  const end =
    asked.kind === "text"
      ? { index: 0, text: "", finish_reason: cut.finishReason }
      : { index: 0, delta: {}, finish_reason: cut.finishReason };
  return [
    ...(asked.kind === "chat"
      ? [chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }])]
      : []),
    ...others.map((choice) => chunk([choice])),
    ...deltas.map((choice) => chunk([choice])),
    chunk([end]),
    ...("usage" in usage ? [chunk([], usage)] : []),
    sse("[DONE]"),
  ];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
