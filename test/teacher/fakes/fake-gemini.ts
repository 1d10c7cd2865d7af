/**
 * @file Gemini's `generateContent` and `streamGenerateContent?alt=sse`. It refuses what Google refuses: a key in the URL
 * counts as none, unknown fields are an error. Shapes: ai.google.dev/api/generate-content and /gemini-api/docs/thinking;
 * errors as google.rpc.Status (google.aip.dev/193), as found in stored copies, November 2026. That thoughts cannot be asked
 * for where none are made is said by the API's own error (github.com/lobehub/lobehub/issues/7985), not by its reference.
 */
import { z } from "zod";
import { type FakeAnswer, type FakeRequest, inPieces, sse, startFaultServer } from "./fault-server.ts";
import { events, json, type NativeFake, type NativeFakeOptions, parse, type Said, say } from "./native-fake.ts";

const Parts = z.array(z.strictObject({ text: z.string() })).min(1);
const Body = z.strictObject({
  contents: z.array(z.strictObject({ role: z.enum(["user", "model"]), parts: Parts })).min(1),
  systemInstruction: z.strictObject({ parts: Parts }).optional(),
  generationConfig: z
    .strictObject({
      maxOutputTokens: z.int().min(1),
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().optional(),
      seed: z.int().optional(),
      thinkingConfig: z
        .strictObject({
          includeThoughts: z.boolean().optional(),
          thinkingBudget: z.int().min(-1).optional(),
          thinkingLevel: z.enum(["minimal", "low", "medium", "high"]).optional(),
        })
        .optional(),
    })
    .optional(),
});

const STATUS: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
};

/** An error in Google's shape. */
export function geminiError(code: number, status: string, message: string, details: unknown[] = []): string {
  return JSON.stringify({ error: { code, message, status, ...(details.length === 0 ? {} : { details }) } });
}

/** Starts the fake. A reply's `finish` is a `finishReason`; `BLOCKED:REASON` blocks the prompt. */
export async function startFakeGemini(options: NativeFakeOptions): Promise<NativeFake> {
  const billed = { requests: 0, promptTokens: 0, completionTokens: 0 };
  const server = await startFaultServer({ ...options, answer: (request) => answer(request, options, billed) });
  return { ...server, baseUrl: `${server.origin}/v1beta`, billed };
}

function refuse(code: number, message: string, details: unknown[] = []): FakeAnswer {
  return json(JSON.parse(geminiError(code, STATUS[code] ?? "UNKNOWN", message, details)), code);
}

function answer(request: FakeRequest, options: NativeFakeOptions, billed: NativeFake["billed"]): FakeAnswer {
  const url = new URL(request.path, "http://fake");
  const route = /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(url.pathname);
  if (request.method !== "POST" || route === null) return refuse(404, "no such method");
  if (request.headers["x-goog-api-key"] === undefined)
    return refuse(403, "Method doesn't allow unregistered callers. Please use API Key.");
  if (request.headers["x-goog-api-key"] !== options.apiKey)
    return refuse(400, "API key not valid. Please pass a valid API key.", [
      { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" },
    ]);
  if (route[1] !== options.model) return refuse(404, `models/${route[1]} is not found for API version v1beta`);
  const isStream = route[2] === "streamGenerateContent";
  if (isStream && options.refusesStreams) return refuse(400, "Streaming is not supported for this model.");
  if (isStream && url.searchParams.get("alt") !== "sse") return refuse(400, "this fake streams events alone");
  const body = Body.safeParse(parse(request.body));
  if (!body.success) return refuse(400, `Invalid JSON payload received. ${body.error.issues[0]?.message}`);
  const { contents, systemInstruction, generationConfig } = body.data;
  const config = generationConfig?.thinkingConfig ?? {};
  if (config.thinkingBudget !== undefined && config.thinkingLevel !== undefined)
    return refuse(400, "You can only set one of thinking budget and thinking level.");
  if (config.includeThoughts === true && config.thinkingBudget === 0)
    return refuse(400, "Thinking_config.include_thoughts is only enabled when thinking is enabled.");
  const parts = [...(systemInstruction?.parts ?? []), ...contents.flatMap(({ parts: own }) => own)];
  const prompt = parts.map(({ text }) => text).join("\n");
  const said = say(
    options.reply(prompt, request),
    { prompt, maxTokens: generationConfig?.maxOutputTokens ?? 8192 },
    billed,
  );
  const shows = config.includeThoughts === true;
  return isStream ? events(streamed(said, shows), options.headers) : json(whole(said, shows), 200, options.headers);
}

function usage({ hasUsage, promptTokens, thinkingTokens, answerTokens }: Said): object {
  if (!hasUsage) return {};
  const totalTokenCount = promptTokens + thinkingTokens + answerTokens;
  const thoughts = thinkingTokens === 0 ? {} : { thoughtsTokenCount: thinkingTokens };
  return {
    usageMetadata: { promptTokenCount: promptTokens, candidatesTokenCount: answerTokens, totalTokenCount, ...thoughts },
  };
}

const finishOf = ({ finish, isCut }: Said): string => finish ?? (isCut ? "MAX_TOKENS" : "STOP");

const blockOf = ({ finish }: Said): string | undefined => /^BLOCKED:(.+)$/.exec(finish ?? "")?.[1];

function whole(said: Said, shows: boolean): object {
  const block = blockOf(said);
  if (block !== undefined) return { promptFeedback: { blockReason: block }, ...usage(said) };
  const parts = [
    ...(shows && said.thinking !== "" ? [{ text: said.thinking, thought: true }] : []),
    ...(said.answer === "" ? [] : [{ text: said.answer }]),
  ];
  const content = parts.length === 0 ? { role: "model" } : { role: "model", parts };
  return { candidates: [{ index: 0, content, finishReason: finishOf(said) }], ...usage(said), modelVersion: "fake" };
}

const PIECE_CHARACTERS = 24;

function streamed(said: Said, shows: boolean): string[] {
  if (blockOf(said) !== undefined) return [sse(whole(said, shows))];
  const chunk = (parts: object[], rest: object = {}): string =>
    sse({ candidates: [{ index: 0, content: { role: "model", parts }, ...rest }], ...usage(said) });
  return [
    ...(shows ? inPieces(said.thinking, PIECE_CHARACTERS).map((text) => chunk([{ text, thought: true }])) : []),
    ...inPieces(said.answer, PIECE_CHARACTERS).map((text) => chunk([{ text }])),
    chunk([{ text: "" }], { finishReason: finishOf(said) }),
  ];
}
