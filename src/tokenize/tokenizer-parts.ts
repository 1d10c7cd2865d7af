/** @file A tokenizer as plain data, once its files have been checked. */
import { AppError } from "../core/errors.ts";

/**
 * Qwen2's pre-tokenizer pattern. transformers 5 puts it into every qwen2 folder it opens, whatever tokenizer.json says,
 * so a folder with another one would be read differently in the two worlds and is refused here.
 */
export const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The parsed and checked parts of a tokenizer. */
export interface TokenizerParts {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  /** Spelling and id of every token that is matched as a whole before byte-pair encoding. */
  readonly added: ReadonlyMap<string, number>;
  readonly isNormalised: boolean;
  readonly padToken: string | null;
}

/** A tokenizer-corrupt error that names the part at fault. */
export function corruptTokenizer(part: string, detail: string, cause?: unknown): AppError {
  return new AppError("tokenizer-corrupt", `tokenizer: ${part}: ${detail}`, {
    hint: "copy the tokenizer files again from where the model came from",
    data: { part },
    cause,
  });
}
