/**
 * @file OpenAI's Responses API, streamed and whole. It refuses what OpenAI refuses: a wrong bearer token, unknown
 * parameters (chat's `max_tokens` and `messages` among them). Shapes: developers.openai.com/api/reference/resources/responses
 * and its streaming events, as found in stored copies, November 2026.
 */
import { z } from "zod";
import { type FakeAnswer, type FakeRequest, inPieces, sse, startFaultServer } from "./fault-server.ts";
import { events, json, type NativeFake, type NativeFakeOptions, parse, type Said, say } from "./native-fake.ts";

const Body = z.strictObject({
  model: z.string(),
  input: z
    .array(z.strictObject({ role: z.enum(["system", "developer", "user", "assistant"]), content: z.string() }))
    .min(1),
  max_output_tokens: z.int().min(16),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  reasoning: z.strictObject({ effort: z.enum(["minimal", "low", "medium", "high"]) }).optional(),
  store: z.boolean().optional(),
  stream: z.boolean().optional(),
});

/** An error in OpenAI's shape. */
export function responsesError(type: string, message: string, code: string | null = null): string {
  return JSON.stringify({ error: { message, type, param: null, code } });
}

/** Starts the fake. A reply's `finish` is `refusal`, `failed`, or the reason of an incomplete response. */
export async function startFakeResponses(options: NativeFakeOptions): Promise<NativeFake> {
  const billed = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const server = await startFaultServer({ ...options, answer: (request) => answer(request, options, billed) });
  return { ...server, baseUrl: `${server.origin}/v1`, billed };
}

function refuse(status: number, message: string, code: string | null = null): FakeAnswer {
  return json(JSON.parse(responsesError("invalid_request_error", message, code)), status);
}

function answer(request: FakeRequest, options: NativeFakeOptions, billed: NativeFake["billed"]): FakeAnswer {
  const { method, path, headers } = request;
  if (method !== "POST" || path !== "/v1/responses") return refuse(404, `Invalid URL (${method} ${path})`);
  if (headers.authorization !== `Bearer ${options.apiKey}`)
    return refuse(401, "Incorrect API key provided.", "invalid_api_key");
  const body = Body.safeParse(parse(request.body));
  if (!body.success) {
    const [issue] = body.error.issues;
    if (issue?.code === "unrecognized_keys")
      return refuse(400, `Unknown parameter: '${issue.keys[0]}'.`, "unknown_parameter");
    return refuse(400, `Invalid value: '${issue?.path.join(".")}'.`, "invalid_value");
  }
  const { model, input, max_output_tokens: maxTokens, stream } = body.data;
  if (model !== options.model) return refuse(400, `The requested model '${model}' does not exist.`, "model_not_found");
  if (stream === true && options.refusesStreams)
    return refuse(400, "Your organization must be verified to stream this model.", "unsupported_value");
  const prompt = input.map(({ content }) => content).join("\n");
  const said = say(options.reply(prompt, request), { prompt, maxTokens }, billed);
  return stream === true ? events(streamed(said), options.headers) : json(response(said), 200, options.headers);
}

function usage({ hasUsage, promptTokens, thinkingTokens, answerTokens }: Said): object {
  if (!hasUsage) return { usage: null };
  const output = thinkingTokens + answerTokens;
  return {
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: thinkingTokens },
      total_tokens: promptTokens + output,
    },
  };
}

function statusOf({ finish, isCut }: Said): object {
  if (finish === "failed") return { status: "failed", error: { code: "server_error", message: "it broke" } };
  const reason = finish === "refusal" ? undefined : (finish ?? (isCut ? "max_output_tokens" : undefined));
  if (reason === undefined) return { status: "completed", error: null, incomplete_details: null };
  return { status: "incomplete", error: null, incomplete_details: { reason } };
}

function response(said: Said): object {
  const { thinking, answer: text, finish } = said;
  const content =
    finish === "refusal" ? { type: "refusal", refusal: text } : { type: "output_text", text, annotations: [] };
  const output = [
    ...(thinking === "" ? [] : [{ id: "rs_fake", type: "reasoning", summary: [] }]),
    ...(text === ""
      ? []
      : [{ id: "msg_fake", type: "message", role: "assistant", status: "completed", content: [content] }]),
  ];
  return { id: "resp_fake", object: "response", model: "fake", ...statusOf(said), output, ...usage(said) };
}

const PIECE_CHARACTERS = 20;

function streamed(said: Said): string[] {
  let sequence = 0;
  const event = (type: string, rest: object): string => sse({ type, sequence_number: sequence++, ...rest }, type);
  const final = response(said) as { readonly status: string };
  const isRefusal = said.finish === "refusal";
  const delta = isRefusal ? "response.refusal.delta" : "response.output_text.delta";
  return [
    event("response.created", { response: { id: "resp_fake", status: "in_progress", output: [] } }),
    event("response.output_item.added", { output_index: 0, item: { type: "reasoning", summary: [] } }),
    ...inPieces(said.answer, PIECE_CHARACTERS).map((text) => event(delta, { output_index: 1, delta: text })),
    event(`response.${final.status}`, { response: final }),
  ];
}
