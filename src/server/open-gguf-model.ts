/** @file Opens a GGUF for serving: llama.cpp in this process, one continuous batch, the same state machine. */
import { importLlama } from "../adapters/runtimes/llama-module.ts";
import { type GgufPlace, openGguf } from "../adapters/runtimes/open-gguf.ts";
import { batchedRuntime } from "../decode/thinking-runtime.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { defaultsOf, openServedModel, type ServedModelOptions } from "./open-served-model.ts";
import type { ServedModel } from "./served-model.ts";

/** Opens a student's folder, or a GGUF where a place for one is given. Throws as `openServedModel` and {@link openGgufModel} do. */
export async function openAnyModel({
  gguf,
  ...options
}: ServedModelOptions & { readonly gguf?: GgufPlace | undefined }): Promise<ServedModel> {
  return gguf === undefined ? await openServedModel(options) : await openGgufModel({ ...options, ...gguf });
}

/** Opens it; `folder` is the file. Throws as `importLlama` and `openGguf` do. */
export async function openGgufModel(options: ServedModelOptions & GgufPlace): Promise<ServedModel> {
  const { folder: path, id, threads, slots, llamaFolder, contextTokens, tokenizerFolder } = options;
  const llama = await importLlama(llamaFolder);
  const opened = await openGguf({ path, llama, threads, slots, contextTokens, tokenizerFolder });
  const { source, tokenizer, chatTemplate, style, limits, close } = opened;
  try {
    const delimiters = thinkingDelimiters(tokenizer, options.waitText, style);
    const runtime = batchedRuntime(source, { delimiters, limits, close });
    return { id, tokenizer, chatTemplate, style, runtime, defaults: defaultsOf(options, source.contextTokens) };
  } catch (error) {
    await close();
    throw error;
  }
}
