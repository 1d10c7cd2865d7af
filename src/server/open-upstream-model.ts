/** @file Opens a model that another server decodes: its `/v1/completions`, with the thinking budget kept here in front of it. */
import { readTokenizerFolder, type TokenizerFolder } from "../adapters/model-folder.ts";
import { type CompletionsRuntime, openCompletionsRuntime } from "../adapters/runtimes/completions-runtime.ts";
import { readUpstreamModel } from "../adapters/runtimes/read-upstream-model.ts";
import { AppError } from "../core/errors.ts";
import { segmentedRuntime } from "../decode/segmented-runtime.ts";
import type { SpellingRule } from "./control-spellings.ts";
import { defaultsOf, type ServedModelOptions } from "./open-served-model.ts";
import type { ServedModel } from "./served-model.ts";

/** Which server, what it serves, and how it thinks unless a request says. */
export interface UpstreamModelOptions extends Omit<ServedModelOptions, "folder" | "threads"> {
  /** Up to and with `/v1`; an address without a path gets it. */
  readonly upstream: string;
  readonly apiKey?: string | undefined;
  /** The model's name at the server. */
  readonly model: string;
  /** Folder of its tokenizer and chat template. */
  readonly tokenizerFolder: string;
  /** Most ids in one sequence; what the server says unless given. */
  readonly contextTokens?: number | undefined;
  /** What is done with control tokens that users spell, should the server read text alone. */
  readonly spellings: SpellingRule;
}

/** A client can come again sooner than a server comes up: a reply that fails is given up after some seconds. */
const MAX_TRIES = 4;
/** Without a stream this is how long a client waits for the next text. */
const UNSTREAMED_TOKENS = 256;
const DRAWS =
  "with a temperature the server draws, not Grappa: a seed gives the same reply again only as far as the server keeps to seeds";

/**
 * Opens it.
 * @throws {AppError} network (it cannot be reached), model-missing (it serves others), usage (no address, no context), provider,
 *   provider-permanent (it refuses, or is of no use), tokenizer-corrupt
 */
export async function openUpstreamModel(options: UpstreamModelOptions): Promise<ServedModel> {
  const { id, model, apiKey, slots, spellings } = options;
  const baseUrl = withVersion(options.upstream);
  const folder = await readTokenizerFolder(options.tokenizerFolder);
  const contextTokens = contextOf(options, await readUpstreamModel({ baseUrl, apiKey, model }));
  const address = { baseUrl, apiKey, model, maxTries: MAX_TRIES };
  const { tokenizer, chatTemplate, style } = folder;
  const probeIds = chatTemplate.encodePrompt([{ role: "user", content: "1" }]);
  const size = { contextTokens, maxSegmentTokens: contextTokens, choosableIds: tokenizer.vocabularySize };
  const source = await openCompletionsRuntime({ ...address, ...size, probeIds, codec: tokenizer });
  try {
    const isStreamed = await doesStream(source, folder, probeIds);
    const { stream, ...unstreamed } = { ...source, maxSegmentTokens: Math.min(UNSTREAMED_TOKENS, contextTokens) };
    const limits = [...source.lacks, DRAWS, ...(isStreamed ? [] : [NO_STREAM])];
    const close = (): Promise<void> => source.close();
    const runtime = segmentedRuntime(isStreamed ? source : unstreamed, { concurrency: slots, limits, close });
    const rule = source.abilities.dialect === "text" ? spellings : undefined;
    const defaults = defaultsOf(options, contextTokens);
    return { id, tokenizer, chatTemplate, style, runtime, defaults, spellings: rule };
  } catch (error) {
    await source.close();
    throw error;
  }
}

const NO_STREAM = `it does not stream the ids that it writes: text comes in pieces of up to ${UNSTREAMED_TOKENS} tokens`;

/** Whether ids come with a stream; of text they are made here. */
async function doesStream(
  source: CompletionsRuntime,
  { tokenizer }: TokenizerFolder,
  ids: readonly number[],
): Promise<boolean> {
  const plain = { mayNotStopFirst: false, forbidden: [], sampling: { temperature: 0, key: "" } };
  const request = { ...plain, ids, maxTokens: 2, stopIds: [tokenizer.controlIds.imEnd] };
  let count = 0;
  try {
    const end = await source.stream(request, (some) => (count += some.length) >= 0, undefined);
    return count > 0 || end === "stop";
  } catch (error) {
    if (error instanceof AppError && error.code === "provider-permanent") return false;
    throw error;
  }
}

function withVersion(upstream: string): string {
  const url = URL.canParse(upstream) ? new URL(upstream) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:")
    throw new AppError("usage", `"${upstream}" is no address of a server`, {
      hint: "give one that begins with http:// or https:// and ends in /v1",
    });
  return `${url.origin}${url.pathname === "/" ? "/v1" : url.pathname.replace(/\/+$/, "")}`;
}

function contextOf(
  { contextTokens: given, upstream }: UpstreamModelOptions,
  { contextTokens: told }: { readonly contextTokens: number | undefined },
): number {
  if (given !== undefined && told !== undefined && given > told)
    throw new AppError("usage", `--context ${given} is more than the ${told} tokens that the server takes`, {
      data: { given, told },
    });
  const contextTokens = given ?? told;
  if (contextTokens !== undefined) return contextTokens;
  throw new AppError("usage", `the server ${upstream} does not tell how long its context is`, {
    hint: "give --context N, the tokens of a prompt and its reply together",
  });
}
