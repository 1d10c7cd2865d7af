/** @file What a `/v1/completions` server can do, found by asking: a field that is taken and ignored counts as not there. */
import { AppError } from "../../core/errors.ts";
import type { SegmentRequest } from "../../decode/segments.ts";
import { completionBody, type ServerAbilities, type TextCodec } from "./completions-dialect.ts";
import type { CompletionReply, CompletionsExchange } from "./completions-exchange.ts";

/** What is needed to ask. */
export interface ProbeOptions {
  readonly model: string;
  /** Any few ids that the model can go on from. */
  readonly probeIds: readonly number[];
  readonly codec?: TextCodec | undefined;
  readonly signal?: AbortSignal | undefined;
}

const NOTHING: ServerAbilities = {
  dialect: "ids",
  takesExtras: true,
  stops: false,
  holdsBackStops: false,
  forbidsIds: false,
  readsGenerationConfig: false,
};

/**
 * Ordinary texts, from which a model goes on with more of the kind: after a chat's header a student may open its thinking with a
 * token that a server hides.
 */
const PLAIN_TEXTS = ["abcabcabc", "abcabcab", "abcabca"] as const;

/**
 * Asks for a handful of single tokens.
 * @throws {AppError} provider-permanent: the server takes neither ids nor (with a codec) text; provider: it does not answer
 */
export async function probeCompletions(exchange: CompletionsExchange, options: ProbeOptions): Promise<ServerAbilities> {
  const prober = new Prober(exchange, options);
  for (const takesExtras of [true, false]) {
    const ids = await prober.ask({ ...NOTHING, takesExtras });
    const first = ids?.tokenIds?.[0];
    if (first !== undefined) return await prober.fill({ ...NOTHING, takesExtras }, first);
  }
  const { codec } = options;
  if (codec === undefined) throw prober.refusal("takes no token ids, or returns none");
  for (const takesExtras of [true, false]) {
    const abilities: ServerAbilities = { ...NOTHING, dialect: "text", takesExtras };
    const reply = await prober.ask(abilities);
    if (reply === undefined) continue;
    const first = firstId(reply.text, codec) ?? (await prober.firstAfterText(codec, abilities));
    const stops = (await prober.ask({ ...abilities, stops: true })) !== undefined;
    return first === undefined ? { ...abilities, stops } : await prober.fill({ ...abilities, stops }, first);
  }
  throw prober.refusal("takes neither token ids nor text");
}

class Prober {
  readonly #exchange: CompletionsExchange;
  readonly #options: ProbeOptions;
  #probeIds: readonly number[];
  #refusal: AppError | undefined;

  constructor(exchange: CompletionsExchange, options: ProbeOptions) {
    this.#exchange = exchange;
    this.#options = options;
    this.#probeIds = options.probeIds;
  }

  /** A token that is chosen after plain text, which is asked about from now on; undefined where all are hidden. */
  async firstAfterText(codec: TextCodec, abilities: ServerAbilities): Promise<number | undefined> {
    for (const text of PLAIN_TEXTS) {
      this.#probeIds = codec.encodeUser(text);
      const reply = await this.ask(abilities);
      const first = reply === undefined ? undefined : this.#firstOf(reply, abilities);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** The reply to one greedy request; undefined where it was refused. */
  async ask(abilities: ServerAbilities, asked: Partial<SegmentRequest> = {}): Promise<CompletionReply | undefined> {
    const { model, codec, signal, probeIds } = this.#options;
    const stopIds = probeIds.slice(0, 1);
    const plain = { ids: this.#probeIds, maxTokens: 1, mayNotStopFirst: false, forbidden: [], stopIds };
    const request: SegmentRequest = { ...plain, sampling: { temperature: 0, key: "" }, ...asked };
    try {
      return await this.#exchange.post(completionBody(request, { model, abilities, codec }), signal);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "provider-permanent") throw error;
      if (error.data["status"] === 401 || error.data["status"] === 403 || error.data["status"] === 404) throw error;
      this.#refusal = error;
      return undefined;
    }
  }

  /** The abilities that show in what a server makes of the token that it would choose. */
  async fill(abilities: ServerAbilities, first: number): Promise<ServerAbilities> {
    const isIds = abilities.dialect === "ids";
    const isOther = (reply: CompletionReply | undefined): boolean =>
      reply !== undefined && this.#firstOf(reply, abilities) !== first;
    const stopping = { stopIds: [first], maxTokens: 2 };
    const stopped = isIds ? await this.ask({ ...abilities, stops: true }, stopping) : undefined;
    const stops = isIds ? stopped?.finishReason === "stop" && (stopped.tokenIds?.length ?? 0) < 2 : abilities.stops;
    const held = { ...abilities, stops, holdsBackStops: true };
    const holdsBackStops =
      isIds && stops && isOther(await this.ask(held, { ...stopping, maxTokens: 1, mayNotStopFirst: true }));
    // A stop that the token is would end the text before it, as if another had been chosen.
    const forbidding = { forbidden: [first], stopIds: [this.#besides(first)] };
    const forbidsIds = isOther(await this.ask({ ...abilities, forbidsIds: true }, forbidding));
    const filled = { ...abilities, stops, holdsBackStops, forbidsIds };
    return isIds || forbidsIds ? filled : await this.#withGenerationConfig(filled, { first, forbidding, isOther });
  }

  /** What a server can do by a GenerationConfig, should it read one. */
  async #withGenerationConfig(
    abilities: ServerAbilities,
    {
      first,
      forbidding,
      isOther,
    }: {
      first: number;
      forbidding: Partial<SegmentRequest>;
      isOther: (reply: CompletionReply | undefined) => boolean;
    },
  ): Promise<ServerAbilities> {
    const configured = { ...abilities, readsGenerationConfig: true, stops: true, forbidsIds: true };
    const isRead = isOther(await this.ask(configured, forbidding));
    if (!isRead) return abilities;
    const stopped = await this.ask(configured, { stopIds: [first], maxTokens: 2 });
    if (stopped?.finishReason !== "stop") return abilities;
    const held = { ...configured, holdsBackStops: true };
    const holdsBackStops = isOther(await this.ask(held, { stopIds: [first], mayNotStopFirst: true }));
    return { ...configured, holdsBackStops };
  }

  /** An id that is another one. */
  #besides(id: number): number {
    return this.#options.probeIds.find((each) => each !== id) ?? id + 1;
  }

  refusal(what: string): AppError {
    return new AppError("provider-permanent", `the server ${what}`, {
      hint: "use vLLM, SGLang or another server with token ids in /v1/completions",
      cause: this.#refusal,
      ...(this.#refusal === undefined ? {} : { data: { said: this.#refusal.message } }),
    });
  }

  #firstOf(reply: CompletionReply, { dialect }: ServerAbilities): number | undefined {
    return dialect === "ids" ? reply.tokenIds?.[0] : firstId(reply.text, this.#options.codec);
  }
}

/** The id that a text begins with; a control token that is spelled out, too, since it is only to be forbidden. */
function firstId(text: string, codec: TextCodec | undefined): number | undefined {
  return codec?.encodeControl(text)[0];
}

/** What follows from a server's lacks, in sentences for people; empty for one that can do everything. */
export function describeLacks(abilities: ServerAbilities): string[] {
  const { dialect, stops, holdsBackStops, forbidsIds, takesExtras, readsGenerationConfig } = abilities;
  const lacks: string[] = [];
  if (dialect === "text") {
    lacks.push(
      "it takes or returns text alone: every seam is encoded again, and thinking cannot end at a special token that it hides",
    );
  }
  if (!takesExtras && !readsGenerationConfig)
    lacks.push("penalties and cuts that its model is configured with cannot be turned off");
  if (!stops) lacks.push("it does not end at the tokens that end thinking: what it writes past them is thrown away");
  if (!holdsBackStops && !forbidsIds) {
    lacks.push(
      'it cannot forbid tokens: thinking that ends again directly after "Wait" ends, and an answer may be cut short',
    );
  } else if (!forbidsIds) {
    lacks.push("it cannot forbid single ids: an answer that opens another turn ends there");
  }
  return lacks;
}
