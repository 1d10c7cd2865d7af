/**
 * @file A byte-level BPE tokenizer as GGUF has it. llama.cpp knows pre-tokenizers by name alone, so one that it would cut
 * otherwise than ours is refused: wrong ids spoil a student without a word.
 */
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { readTokenizerParts } from "../../tokenize/tokenizer-files.ts";
import type { TokenizerParts } from "../../tokenize/tokenizer-parts.ts";
import type { FamilyConfig } from "./family-config.ts";
import type { GgufValue } from "./gguf-file.ts";

/** A tokenizer's files, parsed. */
export interface TokenizerFiles {
  readonly tokenizer: unknown;
  readonly config: unknown;
  /** Jinja; null where the model has none. */
  readonly chatTemplate: string | null;
}

const NORMAL = 1;
const CONTROL = 3;
/** Matched as a whole, and printed as text. */
const USER_DEFINED = 4;
/** A row of the embedding that no token has. */
const UNUSED = 5;

/** What llama.cpp calls the ways of cutting text that we recognise, and whether it lets whole pieces pass the merges there. */
const PRE_TOKENIZERS = {
  qwen2: { name: "qwen2", ignoresMerges: false },
  llama3: { name: "llama-bpe", ignoresMerges: true },
} as const;

const Added = z.looseObject({
  added_tokens: z.array(z.looseObject({ id: z.int().min(0), special: z.boolean().default(false) })).default([]),
  post_processor: z.unknown(),
});
const TokenName = z
  .union([z.string(), z.looseObject({ content: z.string() })])
  .nullish()
  .transform((token) => (typeof token === "string" ? token : (token?.content ?? null)));
const Config = z.looseObject({
  add_bos_token: z.boolean().nullish(),
  bos_token: TokenName,
  eos_token: TokenName,
  pad_token: TokenName,
});

/**
 * The tokenizer's fields.
 *
 * @throws AppError "tokenizer-corrupt" for a tokenizer that llama.cpp would use otherwise than its own model does.
 */
export function tokenizerMetadata(files: TokenizerFiles, model: FamilyConfig): [string, GgufValue][] {
  const parts = readTokenizerParts(files);
  const pre = preTokenizer(parts);
  const { added_tokens: added, post_processor } = Added.parse(files.tokenizer);
  const config = Config.parse(files.config);
  const { tokens, types } = tokenList(parts, new Set(added.flatMap((one) => (one.special ? [one.id] : []))), model);
  const ids = controlIds(parts, config, model);
  const fields: [string, GgufValue][] = [
    ["tokenizer.ggml.model", { type: "text", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "text", value: pre }],
    ["tokenizer.ggml.tokens", { type: "texts", value: tokens }],
    ["tokenizer.ggml.token_type", { type: "i32s", value: types }],
    ["tokenizer.ggml.merges", { type: "texts", value: parts.merges.map((pair) => pair.join(" ")) }],
  ];
  for (const [name, id] of Object.entries(ids))
    if (id !== null) fields.push([`tokenizer.ggml.${name}_token_id`, { type: "u32", value: id }]);
  const addsBos = config.add_bos_token ?? (ids.bos !== null && addsFirst(post_processor, config.bos_token));
  fields.push(["tokenizer.ggml.add_bos_token", { type: "bool", value: addsBos }]);
  if (files.chatTemplate !== null)
    fields.push(["tokenizer.chat_template", { type: "text", value: files.chatTemplate }]);
  return fields;
}

function preTokenizer({ layout, ignoresMerges, merges }: TokenizerParts): string {
  if (layout === "gemma")
    throw refused(
      "SentencePiece's layout (Gemma) is not exported",
      "export to hf, and convert with llama.cpp's script",
    );
  const known = PRE_TOKENIZERS[layout];
  if (ignoresMerges !== known.ignoresMerges)
    throw refused(
      `llama.cpp's pre-tokenizer "${known.name}" ${known.ignoresMerges ? "takes" : "does not take"} pieces of the vocabulary past the merges, this tokenizer does the opposite`,
      "export to hf; GGUF has no field for it",
    );
  const strange = merges.find((pair) => pair.some((part) => part.includes(" ")));
  if (strange !== undefined) throw refused(`a merge holds a space: ${strange.join(" ").slice(0, 80)}`);
  return known.name;
}

function tokenList(parts: TokenizerParts, special: ReadonlySet<number>, { vocabularySize }: FamilyConfig) {
  const tokens = Array.from({ length: vocabularySize }, (_, id) => `[PAD${id}]`);
  const types = new Array<number>(vocabularySize).fill(UNUSED);
  const put = (token: string, id: number, type: number): void => {
    if (id >= vocabularySize)
      throw refused(`token ${id} is beyond the embedding's ${vocabularySize} rows`, "take both from one model");
    tokens[id] = token;
    types[id] = type;
  };
  for (const [token, id] of parts.vocabulary) put(token, id, NORMAL);
  for (const [token, id] of parts.added) put(token, id, special.has(id) ? CONTROL : USER_DEFINED);
  const seen = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const other = seen.get(token);
    if (other !== undefined) throw refused(`ids ${other} and ${id} are both "${token.slice(0, 80)}"`);
    seen.set(token, id);
  }
  return { tokens, types };
}

/** As tokenizer_config.json names them, else as config.json numbers them. */
function controlIds(parts: TokenizerParts, named: z.infer<typeof Config>, model: FamilyConfig) {
  const idOf = (name: string | null, other: number | null): number | null => {
    const id = name === null ? other : (parts.added.get(name) ?? parts.vocabulary.get(name) ?? other);
    return id !== null && id < model.vocabularySize ? id : null;
  };
  return {
    bos: idOf(named.bos_token, model.bosId),
    eos: idOf(named.eos_token, model.eosId),
    padding: idOf(named.pad_token, model.padId),
  };
}

/** Whether the post-processor puts the token in front of every text. */
function addsFirst(processor: unknown, token: string | null): boolean {
  const Special = z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }) });
  const Template = z.looseObject({ type: z.literal("TemplateProcessing"), single: z.array(z.unknown()) });
  const Sequence = z.looseObject({ type: z.literal("Sequence"), processors: z.array(z.unknown()).max(16) });
  const sequence = Sequence.safeParse(processor);
  if (sequence.success)
    return sequence.data.processors.some((one) => !Sequence.safeParse(one).success && addsFirst(one, token));
  const template = Template.safeParse(processor);
  const first = Special.safeParse(template.data?.single[0]);
  return first.success && first.data.SpecialToken.id === token;
}

function refused(detail: string, hint = "copy the tokenizer files again from where the model came from"): AppError {
  return new AppError("tokenizer-corrupt", `tokenizer for GGUF: ${detail}`, { hint });
}
