/**
 * @file node-llama-cpp, an optional peer: the parts of it that are used, and how it is found. It is imported when a GGUF is
 * opened and never before, so that Grappa works without it.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "../../core/errors.ts";

/** What is wanted to know of the place behind an id. */
export interface WantedLogits {
  readonly generateNext: {
    readonly logits:
      | true
      | {
          readonly filter: {
            readonly tokens: readonly number[];
            /** The id that greedy sampling selects. */
            readonly includeSelected?: true;
            readonly includeTop?: number;
          };
        };
  };
}

/** One sequence with its cache. */
export interface LlamaSequence {
  /** Ids that the cache holds. */
  readonly nextTokenIndex: number;
  /** Appends ids; the answer holds logits at the places where they were wanted. */
  controlledEvaluate(
    input: readonly (number | readonly [number, WantedLogits])[],
  ): Promise<readonly ({ readonly next: { readonly logits?: ReadonlyMap<number, number> } } | undefined)[]>;
  eraseContextTokenRanges(ranges: readonly { readonly start: number; readonly end: number }[]): Promise<void>;
}

/** Sequences that are decoded together. */
export interface LlamaContext {
  readonly contextSize: number;
  getSequence(options: object): LlamaSequence;
  dispose(): Promise<void>;
}

/** A loaded model. */
export interface LlamaModel {
  readonly trainContextSize: number;
  /** Ids of text; control tokens' spellings are read as such only when asked. */
  tokenize(text: string, withControl: boolean): readonly number[];
  createContext(options: object): Promise<LlamaContext>;
  dispose(): Promise<void>;
}

/** llama.cpp, running. */
export interface Llama {
  loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>;
  dispose(): Promise<void>;
}

/** The module's exports. */
export interface LlamaModule {
  getLlama(options: object): Promise<Llama>;
  readGgufFileInfo(path: string, options: object): Promise<{ readonly metadata: unknown }>;
}

const NAME = "node-llama-cpp";
/** The version that the tests run with. */
const VERSION = "3.22.1";

/**
 * Imports it: from a `node_modules` folder where one is given, else as this package resolves it.
 *
 * @throws {AppError} usage: it is not installed, with how to; or it is of another kind
 */
export async function importLlama(folder: string | undefined): Promise<LlamaModule> {
  const entry = folder === undefined ? NAME : pathToFileURL(join(folder, NAME, "dist", "index.js")).href;
  let found: Partial<LlamaModule>;
  try {
    found = (await import(/* @vite-ignore */ entry)) as Partial<LlamaModule>;
  } catch (cause) {
    throw notInstalled(folder, cause);
  }
  const { getLlama, readGgufFileInfo } = found;
  if (typeof getLlama === "function" && typeof readGgufFileInfo === "function") return { getLlama, readGgufFileInfo };
  throw notInstalled(folder, new Error(`${NAME} is of another version than ${VERSION}`));
}

/** How to install it, and what of: without optional packages no CUDA and no Vulkan come along. */
export function installHint(): string {
  const own = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const platform = { "darwin-arm64": "mac-arm64-metal", "darwin-x64": "mac-x64" }[own] ?? own;
  return (
    `install it beside grappa: for the processor alone (85 MB) npm i --omit=optional ${NAME}@${VERSION} @node-llama-cpp/${platform}@${VERSION}, ` +
    `with GPUs (760 MB) npm i ${NAME}@${VERSION}; or name the node_modules folder that has it in GRAPPA_LLAMA`
  );
}

function notInstalled(folder: string | undefined, cause: unknown): AppError {
  const where = folder === undefined ? "is not installed" : `cannot be loaded from ${folder}`;
  const words = cause instanceof Error ? cause.message.split("\n", 1)[0]?.slice(0, 300) : String(cause);
  const isMissing = (cause as { code?: unknown } | null)?.code === "ERR_MODULE_NOT_FOUND";
  return new AppError("usage", `a GGUF needs ${NAME}, which ${where}${isMissing ? "" : `: ${words}`}`, {
    hint: installHint(),
    cause,
  });
}
