/** @file From what a page carries to models that answer: kernels, weights, tokenizer. One thread, memory of its own. */
import { AppError } from "../core/errors.ts";
import { extendSession } from "../decode/extend-session.ts";
import type { TokenSource } from "../decode/token-source.ts";
import { heapBaseOf, scratchOf } from "../engine/kernels/wasm/memory-layout.ts";
import { WasmBackend } from "../engine/kernels/wasm/wasm-backend.ts";
import { instantiateKernels } from "../engine/kernels/wasm/wasm-kernels.ts";
import { LIVE_MODELS, type LiveBlocks, type LiveModelName, type LivePayload } from "../report/live-student.ts";
import type { NamedTensors } from "../student/checkpoint/safetensors.ts";
import { decodeMemoryBytes } from "../student/decode-memory.ts";
import { DecodeSession } from "../student/decode-session.ts";
import { buildTokenizer, type Tokenizer } from "../tokenize/build-tokenizer.ts";
import { type ChatTemplate, loadChatTemplate } from "../tokenize/chat.ts";
import { type ThinkingDelimiters, thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { decodeBase64 } from "./base64.ts";

/** Everything that answers a question in a page. */
export interface LiveModels {
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: ChatTemplate;
  readonly delimiters: ThinkingDelimiters;
  readonly answerTokens: number;
  readonly sources: ReadonlyMap<LiveModelName, TokenSource>;
}

const PAGE_BYTES = 65_536;

/**
 * Opens the models of a page.
 *
 * @throws {AppError} engine: this browser cannot run the kernels, or has no memory for the models
 */
export async function openLiveModels(payload: LivePayload, blocks: LiveBlocks): Promise<LiveModels> {
  const { vocabulary, added } = payload.tokenizer;
  const tokenizer = buildTokenizer({ ...payload.tokenizer, vocabulary: new Map(vocabulary), added: new Map(added) });
  const kernels = await compileKernels(decodeBase64(blocks.kernels));
  const sources = new Map<LiveModelName, TokenSource>();
  for (const name of LIVE_MODELS) {
    const block = blocks[name];
    if (block === undefined) continue;
    const tensors = readTensors(payload, decodeBase64(block));
    sources.set(name, openSource(kernels, { config: payload.config, tensors }, tokenizer.vocabularySize));
  }
  const chatTemplate = loadChatTemplate(payload.chatTemplate, tokenizer);
  const { answerTokens } = payload;
  return {
    tokenizer,
    chatTemplate,
    delimiters: thinkingDelimiters(tokenizer, "Wait", payload.style),
    answerTokens,
    sources,
  };
}

async function compileKernels(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new AppError("engine", "this browser does not run WebAssembly with SIMD", { cause });
  }
}

function readTensors({ tensors }: LivePayload, bytes: Uint8Array<ArrayBuffer>): NamedTensors {
  let at = 0;
  return new Map(
    tensors.map(({ name, shape }) => {
      const values = shape.reduce((product, extent) => product * extent, 1);
      const data = new Float32Array(bytes.buffer, at, values);
      at += values * 4;
      return [name, { shape, data }];
    }),
  );
}

function openSource(
  module: WebAssembly.Module,
  model: ConstructorParameters<typeof DecodeSession>[1],
  choosableIds: number,
): TokenSource {
  const size = { slots: 1, contextTokens: model.config.maxPositions };
  const memory = allocate(heapBaseOf(1) + decodeMemoryBytes(model.config, size));
  const kernels = instantiateKernels(module, memory, scratchOf(0));
  const session = new DecodeSession(new WasmBackend({ kernelBuild: "wasm-simd", memory, kernels }), model, size);
  return {
    slots: session.slots,
    contextTokens: session.contextTokens,
    extend: (rows) => Promise.resolve(extendSession(session, rows, choosableIds)),
    truncate: (slot, length) => session.truncate(slot, length),
  };
}

function allocate(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new AppError("engine", `this browser has no ${Math.ceil(bytes / 1e6)} MB for the student`, { cause });
  }
}
