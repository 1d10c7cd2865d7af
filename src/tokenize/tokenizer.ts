import { buildTokenizer, type Tokenizer } from "./build-tokenizer.ts";
import { readTokenizerParts } from "./tokenizer-files.ts";

export type { ControlIds, Tokenizer } from "./build-tokenizer.ts";

/**
 * Builds a tokenizer from parsed `tokenizer.json` and `tokenizer_config.json`.
 *
 * @throws {AppError} tokenizer-corrupt, naming the part that is missing or not Qwen2's.
 */
export function loadTokenizer(files: { readonly tokenizer: unknown; readonly config: unknown }): Tokenizer {
  return buildTokenizer(readTokenizerParts(files));
}
