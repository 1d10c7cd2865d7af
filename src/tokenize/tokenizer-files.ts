/** @file What Grappa accepts as a tokenizer: Qwen2's layout, checked part by part, because a silent mismatch ruins training. */
import { z } from "zod";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { corruptTokenizer, QWEN2_PATTERN, type TokenizerParts } from "./tokenizer-parts.ts";

/** The most ids a tokenizer may have; Qwen's has 151,665. */
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
});
const ByteLevelStep = z.looseObject({
  type: z.literal("ByteLevel"),
  add_prefix_space: off,
  use_regex: z.literal(false),
});
const SplitStep = z.looseObject({
  type: z.literal("Split"),
  pattern: z.object({ Regex: z.literal(QWEN2_PATTERN, "is not Qwen2's pattern") }),
  behavior: z.literal("Isolated"),
  invert: off,
});
const empty = z.union([z.literal(""), z.null()]).optional();
const BpeModel = z.looseObject({
  type: z.literal("BPE"),
  vocab: z.record(z.string(), id),
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  dropout: z.null().optional(),
  unk_token: z.null().optional(),
  continuing_subword_prefix: empty,
  end_of_word_suffix: empty,
  byte_fallback: off,
  ignore_merges: off,
});
const TokenizerJson = z.looseObject({
  added_tokens: z.array(AddedToken),
  normalizer: z.union([z.null(), z.looseObject({ type: z.literal("NFC") })]),
  pre_tokenizer: z.looseObject({ type: z.literal("Sequence"), pretokenizers: z.tuple([SplitStep, ByteLevelStep]) }),
  decoder: z.looseObject({ type: z.literal("ByteLevel") }),
  model: BpeModel,
});
const TokenName = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const TokenizerConfig = z.looseObject({
  pad_token: TokenName,
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
function checkConsistency(parts: TokenizerParts): void {
  const missing = BYTE_CHARACTERS.findIndex((character) => !parts.vocabulary.has(character));
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
  const spellings = new Map<number, string>();
  for (const [token, tokenId] of [...parts.vocabulary, ...parts.added]) {
    const other = spellings.get(tokenId);
    if (other !== undefined && other !== token)
      throw corruptTokenizer("tokenizer.json", `id ${tokenId} belongs to both "${other}" and "${token}"`);
    spellings.set(tokenId, token);
  }
}

/**
 * Checks parsed `tokenizer.json` and `tokenizer_config.json`.
 *
 * @throws {AppError} tokenizer-corrupt, naming the part: wrong layout, missing bytes, broken merges, doubled ids.
 */
export function readTokenizerParts(files: { readonly tokenizer: unknown; readonly config: unknown }): TokenizerParts {
  const json = check("tokenizer.json", TokenizerJson, files.tokenizer);
  const config = check("tokenizer_config.json", TokenizerConfig, files.config);
  const pad = config.pad_token;
  const parts: TokenizerParts = {
    vocabulary: new Map(Object.entries(json.model.vocab)),
    merges: json.model.merges.map(splitMerge),
    added: new Map(json.added_tokens.map((token) => [token.content, token.id])),
    isNormalised: json.normalizer !== null,
    padToken: typeof pad === "string" ? pad : (pad?.content ?? null),
  };
  checkConsistency(parts);
  return parts;
}
