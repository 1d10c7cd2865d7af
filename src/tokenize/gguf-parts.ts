/**
 * @file A tokenizer from a GGUF's own metadata. What GGUF does not hold is taken as the layout's models have it: Qwen's compose
 * their text (NFC), Llama-3's do not; Grappa's exports say it.
 */
import { z } from "zod";
import type { ThinkingStyle } from "./thinking-style.ts";
import { checkConsistency } from "./tokenizer-files.ts";
import { corruptTokenizer, type TokenizerParts } from "./tokenizer-parts.ts";

/** What a GGUF says of text. */
export interface GgufTokenizer {
  readonly parts: TokenizerParts;
  /** Jinja. */
  readonly template: string;
  /** As Grappa's exports say it. */
  readonly style: ThinkingStyle | undefined;
}

const MAX_IDS = 1 << 20;
const MAX_MERGES = 1 << 21;
/** Kinds of tokens in GGUF. */
const [CONTROL, USER_DEFINED, UNUSED] = [3, 4, 5];
/** llama.cpp's names of the ways of cutting text that we know. */
const LAYOUTS = { qwen2: "qwen2", "llama-bpe": "llama3" } as const;

const id = z.int().min(0).max(MAX_IDS).optional();
const Metadata = z.looseObject({
  tokenizer: z.looseObject({
    ggml: z.looseObject({
      model: z.literal("gpt2", "is not byte-level BPE (gpt2)"),
      pre: z.enum(["qwen2", "llama-bpe"], "is neither qwen2 nor llama-bpe"),
      tokens: z.array(z.string()).min(1).max(MAX_IDS),
      token_type: z.array(z.number()).max(MAX_IDS),
      merges: z.array(z.string()).max(MAX_MERGES),
      bos_token_id: id,
      padding_token_id: id,
    }),
    chat_template: z.string("is missing"),
  }),
  grappa: z.looseObject({ thinking_style: z.enum(["s1", "think"]).optional(), nfc: z.boolean().optional() }).optional(),
});

/**
 * Checks a GGUF's metadata, nested as node-llama-cpp reads it.
 *
 * @throws {AppError} tokenizer-corrupt, naming the field
 */
export function readGgufTokenizer(metadata: unknown): GgufTokenizer {
  const read = Metadata.safeParse(metadata);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw corruptTokenizer(issue?.path.join(".") ?? "metadata", (issue?.message ?? "not valid").slice(0, 300));
  }
  const { ggml, chat_template: template } = read.data.tokenizer;
  const { vocabulary, added } = splitTokens(ggml.tokens, ggml.token_type);
  const layout = LAYOUTS[ggml.pre];
  const spelled = (tokenId: number | undefined): string | null => {
    const token = tokenId === undefined ? undefined : ggml.tokens[tokenId];
    return token !== undefined && added.has(token) ? token : null;
  };
  const parts: TokenizerParts = {
    layout,
    vocabulary,
    merges: ggml.merges.map(splitMerge),
    added,
    plainAdded: [],
    isNormalised: read.data.grappa?.nfc ?? layout === "qwen2",
    ignoresMerges: layout === "llama3",
    padToken: spelled(ggml.padding_token_id),
    bosToken: spelled(ggml.bos_token_id),
  };
  checkConsistency(parts);
  return { parts, template, style: read.data.grappa?.thinking_style };
}

function splitTokens(tokens: readonly string[], types: readonly number[]) {
  const part = "tokenizer.ggml.tokens";
  if (tokens.length !== types.length)
    throw corruptTokenizer(part, `${tokens.length} tokens, ${types.length} types of tokens`);
  const vocabulary = new Map<string, number>();
  const added = new Map<string, number>();
  for (const [tokenId, token] of tokens.entries()) {
    const type = types[tokenId];
    // Rows of the embedding without a token; older converters call them user-defined.
    if (type === UNUSED || token === `[PAD${tokenId}]`) continue;
    const isAdded = type === CONTROL || type === USER_DEFINED;
    if (isAdded && (token === "" || token.length > 256))
      throw corruptTokenizer(`${part}.${tokenId}`, "empty or too long");
    if (added.has(token) || vocabulary.has(token))
      throw corruptTokenizer(`${part}.${tokenId}`, `"${token.slice(0, 80)}" is there twice`);
    (isAdded ? added : vocabulary).set(token, tokenId);
  }
  return { vocabulary, added };
}

function splitMerge(merge: string, index: number): readonly [string, string] {
  const [left, right, ...more] = merge.split(" ");
  if (left && right && more.length === 0) return [left, right];
  throw corruptTokenizer(`tokenizer.ggml.merges.${index}`, `not a pair: ${merge.slice(0, 80)}`);
}
