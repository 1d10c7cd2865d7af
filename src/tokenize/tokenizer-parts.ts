/** @file A tokenizer as plain data, once its files have been checked. */
import { AppError } from "../core/errors.ts";

/**
 * Qwen2's pre-tokenizer pattern, that of Qwen2.5 and Qwen3 too. transformers 5 puts it into every qwen2 folder it opens,
 * whatever tokenizer.json says, so a folder with another one would be read differently in the two worlds and is refused here.
 */
export const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Llama-3's: the same, but for up to three digits at a time. */
export const LLAMA3_PATTERN = QWEN2_PATTERN.replace("|\\p{N}|", "|\\p{N}{1,3}|");

/** The character that stands for a space in a SentencePiece vocabulary. */
export const SPACE_MARK = "\u2581";

/**
 * The families of files that are read. `qwen2` and `llama3` cut text by their pattern and spell bytes in GPT-2's alphabet;
 * `gemma` is SentencePiece's way: spaces as {@link SPACE_MARK}, what the vocabulary lacks as `<0xHH>` bytes.
 */
export const TOKENIZER_LAYOUTS = ["qwen2", "llama3", "gemma"] as const;
export type TokenizerLayout = (typeof TOKENIZER_LAYOUTS)[number];

/** The parsed and checked parts of a tokenizer. */
export interface TokenizerParts {
  readonly layout: TokenizerLayout;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  /** Spelling and id of every token that is matched as a whole before byte-pair encoding. */
  readonly added: ReadonlyMap<string, number>;
  /** Those of them that are ordinary text, as Gemma's runs of newlines; the others are control tokens. */
  readonly plainAdded: readonly string[];
  /** Whether text is composed first (NFC). */
  readonly isNormalised: boolean;
  /** A piece that is itself in the vocabulary is one token, whatever the merges say (Llama-3). */
  readonly ignoresMerges: boolean;
  readonly padToken: string | null;
  readonly bosToken: string | null;
}

/** A tokenizer-corrupt error that names the part at fault. */
export function corruptTokenizer(part: string, detail: string, cause?: unknown): AppError {
  return new AppError("tokenizer-corrupt", `tokenizer: ${part}: ${detail}`, {
    hint: "copy the tokenizer files again from where the model came from",
    data: { part },
    cause,
  });
}
