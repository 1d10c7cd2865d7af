/** @file A `/v1/completions` server over a model that is a hash of all it has read, with the manners and faults that tests ask for. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { shortHash } from "../../src/core/hash.ts";
import type { TextCodec } from "../../src/adapters/runtimes/completions-dialect.ts";

/** Ids that the tokenizer has; the model has a few more. */
export const VOCABULARY = 24;
const PADDED = 28;

/** What the server does as vLLM does it; all true is vLLM. */
export interface Manners {
  readonly takesIds: boolean;
  readonly returnsIds: boolean;
  readonly stops: boolean;
  readonly holdsBackStops: boolean;
  readonly forbids: boolean;
  /** Fields that OpenAI's own servers lack are taken; false refuses them. */
  readonly takesExtras: boolean;
  /** The stop id stands at the end of what is returned. */
  readonly tellsStops: boolean;
  /** Does as `transformers serve`: forbids and stops by the GenerationConfig of a request, ignores `logit_bias`, and hides control tokens. */
  readonly readsGenerationConfig?: boolean;
  /** Another model for each. */
  readonly seed?: number;
  /** How a stream goes, where one is asked for; unless told as vLLM's, an id a piece. */
  readonly stream?: StreamManners;
}

/** How the fake streams. */
export interface StreamManners {
  /** Tokens of a piece; 1 unless told. */
  readonly pieceTokens?: number;
  /** `none`: one reply as JSON, though a stream was asked for. */
  readonly form?: "events" | "none";
  /** Pieces lack their ids. */
  readonly lacksIds?: boolean;
  /** The connection breaks after so many pieces, each time. */
  readonly breaksAfter?: number;
  /** Where it breaks, an event tells of a failure instead. */
  readonly failsWith?: string;
  /** Before each piece. */
  readonly pauseMs?: number;
}

/** vLLM's manners. */
export const VLLM: Manners = {
  takesIds: true,
  returnsIds: true,
  stops: true,
  holdsBackStops: true,
  forbids: true,
  takesExtras: true,
  tellsStops: true,
};

/** The manners of `transformers serve` (5.18). */
export const TRANSFORMERS_SERVE: Manners = {
  takesIds: false,
  returnsIds: false,
  stops: true,
  holdsBackStops: false,
  forbids: false,
  takesExtras: false,
  tellsStops: false,
  readsGenerationConfig: true,
};

/** A body as the server saw it. */
export type SeenBody = Readonly<Record<string, unknown>>;

/** A running server. */
export interface FakeCompletions {
  readonly baseUrl: string;
  readonly bodies: SeenBody[];
  /** Pieces that were sent, and streams whose reader left before their end. */
  readonly streamed: { pieces: number; left: number };
  close(): Promise<void>;
}

/** One letter an id, and words for control tokens: text and ids are the same thing. */
export const letters: TextCodec = {
  decode: (ids) => Array.from(ids, (id) => (id < 4 ? `<|${id}|>` : String.fromCharCode(93 + id))).join(""),
  encodeUser: (text) => Array.from(text, (letter) => letter.charCodeAt(0) - 93),
  encodeControl: (text) =>
    text.split(/(<\|\d\|>)/).flatMap((part, i) => (i % 2 === 1 ? [Number(part[2])] : letters.encodeUser(part))),
};

/** The model's choice after a sequence. */
export function hashedToken(
  sequence: readonly number[],
  forbidden: readonly number[],
  vocabulary = VOCABULARY,
): number {
  for (let attempt = 0; ; attempt++) {
    const draw = Number.parseInt(shortHash(`${sequence.join()};${attempt}`).slice(0, 8), 16);
    const token = draw % 5 === 0 ? 1 + (draw % 3) : 4 + (draw % (PADDED - 4));
    if (token < vocabulary && !forbidden.includes(token)) return token;
  }
}

const PLAIN = new Set([
  "model",
  "prompt",
  "max_tokens",
  "temperature",
  "stream",
  "seed",
  "top_p",
  "stop",
  "logit_bias",
]);

/** Starts a server. `fault` may answer a request in its own way, and then returns true. */
export async function startFakeCompletions(
  manners: Manners = VLLM,
  fault: (index: number, response: ServerResponse) => boolean = () => false,
): Promise<FakeCompletions> {
  const bodies: SeenBody[] = [];
  const streamed = { pieces: 0, left: 0 };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url?.endsWith("/health")) return void response.writeHead(200).end();
    const body = JSON.parse(Buffer.concat(chunks).toString()) as SeenBody;
    bodies.push(body);
    if (fault(bodies.length - 1, response)) return;
    const refused = refusal(body, manners);
    const isStream = body["stream"] === true && manners.stream?.form !== "none";
    if (refused === undefined && isStream) return await sendEvents(response, { body, manners, streamed });
    const reply = refused === undefined ? complete(body, manners) : { error: { message: refused } };
    response.writeHead(refused === undefined ? 200 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify(reply));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    bodies,
    streamed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refusal(
  body: SeenBody,
  { takesIds, takesExtras, forbids, readsGenerationConfig = false }: Manners,
): string | undefined {
  if (!takesIds && Array.isArray(body["prompt"])) return "prompt must be a string";
  if (readsGenerationConfig)
    return Object.keys(body).find((name) => !PLAIN.has(name) && name !== "generation_config") && "unknown field";
  const unknown = Object.keys(body).find((name) => !PLAIN.has(name) && name !== "return_token_ids");
  if (!takesExtras && unknown !== undefined && unknown !== "stop_token_ids" && unknown !== "ignore_eos")
    if (unknown !== "min_tokens") return `unknown field ${unknown}`;
  if (!forbids && !takesExtras && body["logit_bias"] !== undefined) return "logit_bias is not supported";
  return undefined;
}

/** A reply piece by piece, as vLLM sends it: the last piece carries the end, then usage, then `[DONE]`. */
async function sendEvents(
  response: ServerResponse,
  { body, manners, streamed }: { body: SeenBody; manners: Manners; streamed: FakeCompletions["streamed"] },
): Promise<void> {
  const { pieceTokens = 1, lacksIds = false, breaksAfter = 1e9, failsWith, pauseMs = 0 } = manners.stream ?? {};
  const [choice] = complete(body, manners).choices;
  const { ids, shown } = choice!;
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  let isOver = false;
  response.on("close", () => void (streamed.left += isOver ? 0 : 1));
  const send = (value: unknown): boolean => response.write(`data: ${JSON.stringify(value)}\n\n`);
  for (let at = 0, piece = 0; at < Math.max(1, ids.length); at += pieceTokens, piece++) {
    await new Promise((resolve) => (pauseMs > 0 ? setTimeout(resolve, pauseMs) : setImmediate(resolve)));
    if (response.destroyed) return;
    if (piece >= breaksAfter) {
      isOver = true;
      if (failsWith === undefined) return void response.destroy();
      send({ error: { message: failsWith, code: 500 } });
      return void response.end();
    }
    const isLast = at + pieceTokens >= ids.length;
    const token_ids = "token_ids" in choice! && !lacksIds ? { token_ids: ids.slice(at, at + pieceTokens) } : {};
    const text = textOf(shown.slice(at, at + pieceTokens), manners);
    streamed.pieces++;
    send({ choices: [{ index: 0, text, finish_reason: isLast ? choice!.finish_reason : null, ...token_ids }] });
  }
  isOver = true;
  send({ choices: [], usage: { completion_tokens: ids.length } });
  response.end("data: [DONE]\n\n");
}

interface Completion {
  readonly text: string;
  readonly finish_reason: string;
  readonly token_ids?: readonly number[];
  /** For the stream: all ids, and those whose text is shown. */
  readonly ids: readonly number[];
  readonly shown: readonly number[];
}

/** What is said of ids. */
function textOf(ids: readonly number[], { readsGenerationConfig = false }: Manners): string {
  return letters.decode(readsGenerationConfig ? ids.filter((id) => id >= 4) : ids);
}

interface GenerationConfig {
  readonly eos_token_id?: readonly number[];
  readonly suppress_tokens?: readonly number[];
  readonly min_new_tokens?: number;
}

function configOf(body: SeenBody, { readsGenerationConfig = false }: Manners): GenerationConfig {
  const told = readsGenerationConfig ? body["generation_config"] : undefined;
  return typeof told === "string" ? (JSON.parse(told) as GenerationConfig) : {};
}

function complete(body: SeenBody, manners: Manners): { choices: readonly Completion[] } {
  const config = configOf(body, manners);
  const isText = typeof body["prompt"] === "string";
  const prompt = isText ? letters.encodeControl(body["prompt"] as string) : (body["prompt"] as number[]);
  const spelled = ((body["stop"] ?? []) as string[]).flatMap((text) => letters.encodeControl(text));
  const named = [...((body["stop_token_ids"] ?? []) as number[]), ...spelled, ...(config.eos_token_id ?? [])];
  const stopIds = manners.stops ? named : [];
  const biased = manners.forbids ? Object.keys((body["logit_bias"] ?? {}) as object).map(Number) : [];
  const barred = [...biased, ...(config.suppress_tokens ?? [])];
  const heldFor = config.min_new_tokens ?? (manners.holdsBackStops ? Number(body["min_tokens"] ?? 0) : 0);
  const before = [...(manners.seed === undefined ? [] : [manners.seed]), ...prompt];
  const ids: number[] = [];
  let finish = "length";
  while (ids.length < Number(body["max_tokens"])) {
    const isHeld = ids.length < heldFor;
    // Text has no letters for padding: a server of text decodes it to nothing.
    const vocabulary = isText ? VOCABULARY : PADDED;
    const token = hashedToken([...before, ...ids], [...barred, ...(isHeld ? stopIds : [])], vocabulary);
    if (stopIds.includes(token)) finish = "stop";
    if (finish === "length" || manners.tellsStops) ids.push(token);
    if (finish === "stop") break;
  }
  const tokenIds = manners.returnsIds && body["return_token_ids"] === true ? { token_ids: ids } : {};
  const shown = finish === "stop" && manners.tellsStops ? ids.slice(0, -1) : ids;
  return { choices: [{ text: textOf(shown, manners), finish_reason: finish, ...tokenIds, ids, shown }] };
}
