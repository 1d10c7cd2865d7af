/**
 * @file What Grappa accepts as a tokenizer: the layouts of Qwen2 (2.5, 3), Llama-3 and Gemma, checked part by part, because
 * a silent mismatch ruins training.
 */
import { z } from "zod";
import { BYTE_CHARACTERS, byteFallback } from "./byte-alphabet.ts";
import {
  corruptTokenizer,
  LLAMA3_PATTERN,
  QWEN2_PATTERN,
  SPACE_MARK,
  type TokenizerLayout,
  type TokenizerParts,
} from "./tokenizer-parts.ts";

/** The most ids a tokenizer may have; Qwen's has 151,665, Gemma's 262,145. */
const MAX_IDS = 1 << 20;

const id = z
  .int()
  .min(0)
  .max(MAX_IDS - 1);
const off = z.literal(false).optional();
const AddedToken = z.looseObject({
  id,
  content: z.string().min(1).max(256),
  single_word: off,
  lstrip: off,
  rstrip: off,
  normalized: off,
  special: z.boolean().optional(),
});
const ByteLevelStep = z.looseObject({
  type: z.literal("ByteLevel"),
  add_prefix_space: off,
  use_regex: z.literal(false),
});
const SplitStep = z.looseObject({
  type: z.literal("Split"),
  pattern: z.object({ Regex: z.enum([QWEN2_PATTERN, LLAMA3_PATTERN], "is neither Qwen2's pattern nor Llama-3's") }),
  behavior: z.literal("Isolated"),
  invert: off,
});
const empty = z.union([z.literal(""), z.null()]).optional();
const bpeModel = {
  type: z.literal("BPE"),
  vocab: z.record(z.string(), id),
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  dropout: z.null().optional(),
  continuing_subword_prefix: empty,
  end_of_word_suffix: empty,
};
/** Byte-level BPE: Qwen2 and Llama-3. */
const ByteLevelJson = z.looseObject({
  added_tokens: z.array(AddedToken),
  normalizer: z.union([z.null(), z.looseObject({ type: z.literal("NFC") })]),
  pre_tokenizer: z.looseObject({ type: z.literal("Sequence"), pretokenizers: z.tuple([SplitStep, ByteLevelStep]) }),
  decoder: z.looseObject({ type: z.literal("ByteLevel") }),
  model: z.looseObject({
    ...bpeModel,
    unk_token: z.null().optional(),
    byte_fallback: off,
    ignore_merges: z.boolean().optional(),
  }),
});
const SpaceText = z.object({ String: z.literal(" ") });
/** SentencePiece's BPE with bytes to fall back on: Gemma. */
const ByteFallbackJson = z.looseObject({
  added_tokens: z.array(AddedToken),
  normalizer: z.looseObject({ type: z.literal("Replace"), pattern: SpaceText, content: z.literal(SPACE_MARK) }),
  // After the normaliser no space is left to split at.
  pre_tokenizer: z.union([z.null(), z.looseObject({ type: z.literal("Split"), pattern: SpaceText })]),
  decoder: z.looseObject({ type: z.literal("Sequence") }),
  model: z.looseObject({
    ...bpeModel,
    unk_token: z.string().nullish(),
    byte_fallback: z.literal(true),
    ignore_merges: off,
  }),
});
const TokenName = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const TokenizerConfig = z.looseObject({
  pad_token: TokenName,
  bos_token: TokenName,
  model_max_length: z.number().positive().optional(),
  chat_template: z.unknown().optional(),
});

function check<T>(file: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [first] = result.error.issues;
  const path = first === undefined || first.path.length === 0 ? file : `${file}: ${first.path.join(".")}`;
  throw corruptTokenizer(path, (first?.message ?? "not valid").slice(0, 300));
}

function splitMerge(merge: string | [string, string], index: number): readonly [string, string] {
  const parts = typeof merge === "string" ? merge.split(" ") : merge;
  const [left, right] = parts;
  if (parts.length !== 2 || !left || !right)
    throw corruptTokenizer(`tokenizer.json: model.merges.${index}`, `not a pair: ${String(merge).slice(0, 80)}`);
  return [left, right];
}

/** Every byte has a token, every merge's parts and result are tokens, and no two tokens share an id. */
export function checkConsistency(parts: TokenizerParts): void {
  const spellings = parts.layout === "gemma" ? BYTE_CHARACTERS.map((_, byte) => byteFallback(byte)) : BYTE_CHARACTERS;
  const missing = spellings.findIndex((spelling) => !parts.vocabulary.has(spelling));
  if (missing !== -1) throw corruptTokenizer("tokenizer.json: model.vocab", `byte ${missing} has no token`);
  for (const [left, right] of parts.merges) {
    for (const token of [left, right, left + right]) {
      if (!parts.vocabulary.has(token))
        throw corruptTokenizer(
          "tokenizer.json: model.merges",
          `"${left} ${right}" needs token "${token}", which is not in the vocabulary`,
        );
    }
  }
  const owners = new Map<number, string>();
  for (const [token, tokenId] of [...parts.vocabulary, ...parts.added]) {
    const other = owners.get(tokenId);
    if (other !== undefined && other !== token)
      throw corruptTokenizer("tokenizer.json", `id ${tokenId} belongs to both "${other}" and "${token}"`);
    owners.set(tokenId, token);
  }
}

/** Added tokens that are no control tokens: not special, and nothing but white space, as Gemma's runs of newlines. */
function isPlain({ content, special }: z.infer<typeof AddedToken>): boolean {
  return special === false && /^[\s\u2581]+$/u.test(content);
}

function layoutOf(pattern: string): TokenizerLayout {
  return pattern === QWEN2_PATTERN ? "qwen2" : "llama3";
}

/**
 * Checks parsed `tokenizer.json` and `tokenizer_config.json`.
 *
 * @throws {AppError} tokenizer-corrupt, naming the part: wrong layout, missing bytes, broken merges, doubled ids.
 */
export function readTokenizerParts(files: { readonly tokenizer: unknown; readonly config: unknown }): TokenizerParts {
  const config = check("tokenizer_config.json", TokenizerConfig, files.config);
  const nameOf = (token: z.infer<typeof TokenName>): string | null =>
    typeof token === "string" ? token : (token?.content ?? null);
  const { added_tokens: added, model, ...rest } = readJson(files.tokenizer);
  const parts: TokenizerParts = {
    ...rest,
    vocabulary: new Map(Object.entries(model.vocab)),
    merges: model.merges.map(splitMerge),
    added: new Map(added.map((token) => [token.content, token.id])),
    plainAdded: added.filter(isPlain).map(({ content }) => content),
    ignoresMerges: model.ignore_merges ?? false,
    padToken: nameOf(config.pad_token),
    bosToken: nameOf(config.bos_token),
  };
  checkConsistency(parts);
  return parts;
}

/** The decoder's type tells which of the two ways of spelling bytes a file takes; the rest must then fit it. */
function readJson(value: unknown) {
  const isSequence = (value as { decoder?: { type?: unknown } | null } | null)?.decoder?.type === "Sequence";
  if (isSequence) {
    const { added_tokens, model } = check("tokenizer.json", ByteFallbackJson, value);
    return { layout: "gemma", isNormalised: false, added_tokens, model } as const;
  }
  const { added_tokens, model, normalizer, pre_tokenizer } = check("tokenizer.json", ByteLevelJson, value);
  const layout = layoutOf(pre_tokenizer.pretokenizers[0].pattern.Regex);
  return { layout, isNormalised: normalizer !== null, added_tokens, model };
}
