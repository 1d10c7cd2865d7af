/** @file A GGUF as a model to evaluate: llama.cpp in this process, asked as a student is. */
import { nodeFileSystem } from "../../adapters/file-system.ts";
import { importLlama } from "../../adapters/runtimes/llama-module.ts";
import { type GgufPlace, type OpenGguf, openGguf } from "../../adapters/runtimes/open-gguf.ts";
import { canonicalJson, sha256Hex } from "../../core/hash.ts";
import type { EvaluatedModel } from "../../evaluate/evaluated-model.ts";
import { decodedModel, type OpenSource, SLOTS, type StudentOptions } from "./student-model.ts";

/**
 * Opens it. Throws as `importLlama`, `openGguf` and `studentModel` do.
 *
 * @param options `path`: the file
 */
export async function ggufModel(
  options: StudentOptions & GgufPlace & { readonly path: string },
): Promise<EvaluatedModel> {
  const { path, threads, llamaFolder, contextTokens, tokenizerFolder } = options;
  const llama = await importLlama(llamaFolder);
  const openOne = (): Promise<OpenGguf> =>
    openGguf({ path, llama, threads, slots: SLOTS, contextTokens, tokenizerFolder });
  // Its context and tokenizer are known only once it is open: the first to ask is given this one.
  let unused: OpenGguf | undefined = await openOne();
  const { tokenizer, chatTemplate, style, tokenizerHash, source } = unused;
  const close = async (): Promise<void> => {
    await unused?.close();
    unused = undefined;
  };
  const open = async (): Promise<OpenSource> => {
    const mine = unused ?? (await openOne());
    unused = undefined;
    return mine;
  };
  try {
    const { sha256 } = await nodeFileSystem().digest(path);
    const digest = sha256Hex(canonicalJson([sha256, tokenizerHash, style, source.contextTokens]));
    const text = { tokenizer, chatTemplate, style };
    return decodedModel({ ...text, contextTokens: source.contextTokens, digest, open, close }, options);
  } catch (error) {
    await close();
    throw error;
  }
}
