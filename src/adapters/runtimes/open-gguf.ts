/** @file Opens a GGUF for decoding: llama.cpp in this process, with tokenizer and template that are ours. */
import { AppError } from "../../core/errors.ts";
import { canonicalJson, sha256Hex } from "../../core/hash.ts";
import type { TokenSource } from "../../decode/token-source.ts";
import { buildTokenizer, type Tokenizer } from "../../tokenize/build-tokenizer.ts";
import { loadChatTemplate } from "../../tokenize/chat.ts";
import { readGgufTokenizer } from "../../tokenize/gguf-parts.ts";
import { readTokenizerFolder, type TokenizerFolder, usualStyle } from "../model-folder.ts";
import { DRAWN_AMONG, ggufTokenSource, llamaError } from "./gguf-source.ts";
import { installHint, type LlamaContext, type LlamaModel, type LlamaModule } from "./llama-module.ts";

/** What a GGUF is opened with beside its path. */
export interface GgufPlace {
  /** A node_modules folder that holds node-llama-cpp; as this package finds it unless given. */
  readonly llamaFolder?: string | undefined;
  /** Tokens of its context; see {@link usualContext} for what it is unless told. */
  readonly contextTokens?: number | undefined;
  /** A folder whose tokenizer, template and style stand for the file's own. */
  readonly tokenizerFolder?: string | undefined;
}

/** What to open, and in what size. */
export interface GgufOptions extends Omit<GgufPlace, "llamaFolder"> {
  readonly path: string;
  readonly llama: LlamaModule;
  readonly threads: number;
  /** Sequences decoded together; fewer where memory is short. */
  readonly slots: number;
}

/** What text needs of a model. */
export type GgufText = Pick<TokenizerFolder, "tokenizer" | "chatTemplate" | "style" | "tokenizerHash">;

/** An open GGUF. */
export interface OpenGguf extends GgufText {
  readonly source: TokenSource;
  /** What it cannot do, for people. */
  readonly limits: readonly string[];
  close(): Promise<void>;
}

/** Longer contexts are had by asking: their caches take gigabytes. */
const MOST_CONTEXT = 8192;

/** The context unless told: the model's own, at most 8,192 tokens. */
export function usualContext(trainContextSize: number): number {
  return Math.min(trainContextSize, MOST_CONTEXT);
}

/**
 * Opens it. Its tokenizer must give the ids that llama.cpp gives.
 *
 * @throws {AppError} tokenizer-corrupt (none that we read, or one that llama.cpp reads otherwise), checkpoint-corrupt,
 *   limit-exceeded (the context does not fit the model or the memory), usage (llama.cpp has no program for this machine)
 */
export async function openGguf(options: GgufOptions): Promise<OpenGguf> {
  const text = await readText(options);
  const words: string[] = [];
  const llama = await startLlama(options, words);
  const closers: (() => Promise<void>)[] = [() => llama.dispose()];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const model = await llama.loadModel({ modelPath: options.path }).catch((cause: unknown) => {
      throw notLoaded(options.path, words, cause);
    });
    closers.push(() => model.dispose());
    checkIds(options.path, text, model);
    const contextTokens = contextOf(options, model);
    const { context, slots } = await createContext(model, options.slots, contextTokens);
    closers.push(() => context.dispose());
    const sequences = Array.from({ length: slots }, () => context.getSequence(NO_SHIFT));
    const choosableIds = text.tokenizer.vocabularySize;
    const source = ggufTokenSource(sequences, { contextTokens, choosableIds });
    return { ...text, source, limits: limitsOf(text.tokenizer), close };
  } catch (error) {
    await close();
    throw llamaError(error);
  }
}

async function readText({ path, llama, tokenizerFolder }: GgufOptions): Promise<GgufText> {
  if (tokenizerFolder !== undefined) return await readTokenizerFolder(tokenizerFolder);
  const where = { readTensorInfo: false, sourceType: "filesystem", logWarnings: false };
  const { metadata } = await llama.readGgufFileInfo(path, where).catch((cause: unknown) => {
    throw notLoaded(path, [], cause);
  });
  try {
    const { parts, template, style } = readGgufTokenizer(metadata);
    const tokenizer = buildTokenizer(parts);
    const tokenizerHash = sha256Hex(
      canonicalJson([[...parts.vocabulary], parts.merges, [...parts.added], parts.isNormalised, template]),
    );
    const chatTemplate = loadChatTemplate(template, tokenizer);
    return { tokenizer, chatTemplate, style: style ?? usualStyle(tokenizer), tokenizerHash };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new AppError(error.code, `${path}: ${error.message}`, {
      hint: "give --tokenizer FOLDER, the folder in Hugging Face's layout of the model that this file was made of",
      data: error.data,
      cause: error,
    });
  }
}

/** llama.cpp on what this machine has; what it writes is kept for errors. */
async function startLlama({ llama, threads }: GgufOptions, words: string[]) {
  const logger = (level: unknown, message: unknown): void => {
    if (level === "error" || level === "fatal") words.push(String(message).slice(0, 500));
  };
  const options = { build: "never", skipDownload: true, progressLogs: false, maxThreads: threads, logger };
  return await llama.getLlama(options).catch((cause: unknown) => {
    throw new AppError("usage", `llama.cpp cannot be started: ${wordsOf(cause)}`, { hint: installHint(), cause });
  });
}

/** A context is never shifted: what it does not hold is refused before. */
const NO_SHIFT = {
  contextShift: {
    strategy: (): never => {
      throw new Error("bug in grappa: a context of llama.cpp's was overfilled");
    },
  },
};

function contextOf({ contextTokens, path }: GgufOptions, { trainContextSize }: LlamaModel): number {
  const wanted = contextTokens ?? usualContext(trainContextSize);
  if (wanted <= trainContextSize) return wanted;
  throw new AppError(
    "limit-exceeded",
    `${path} was trained on ${trainContextSize} tokens, --context asks for ${wanted}`,
    {
      hint: `give --context ${trainContextSize} or less`,
      data: { contextTokens: wanted, trainContextSize },
    },
  );
}

/** As many sequences as memory allows, at most so many. The cache in 32 bits: replies then differ from the embedded engine's in sums' order alone. */
async function createContext(
  model: LlamaModel,
  slots: number,
  contextTokens: number,
): Promise<{ readonly context: LlamaContext; readonly slots: number }> {
  try {
    const context = await model.createContext({
      sequences: slots,
      contextSize: contextTokens + 1,
      flashAttention: false,
      experimentalKvCacheKeyType: "F32",
      experimentalKvCacheValueType: "F32",
      swaFullCache: true,
      failedCreationRemedy: false,
    });
    if (context.contextSize > contextTokens) return { context, slots };
    await context.dispose();
    throw new AppError("engine", `llama.cpp made a context of ${context.contextSize} tokens, not ${contextTokens + 1}`);
  } catch (error) {
    if (!isMemory(error)) throw error;
    if (slots > 1) return await createContext(model, Math.floor(slots / 2), contextTokens);
    throw new AppError("limit-exceeded", `no memory for a context of ${contextTokens} tokens: ${wordsOf(error)}`, {
      hint: "give a smaller --context",
      data: { contextTokens },
      cause: error,
    });
  }
}

const isMemory = (error: unknown): boolean =>
  error instanceof Error &&
  (error.constructor.name === "InsufficientMemoryError" || /memory|VRAM/i.test(error.message));

/** Texts in which pre-tokenizers and merges differ: digits, blanks, ends of lines, other scripts, contractions, code. */
const PROBES = [
  "What is 1234567 + 89? Don't say WE'LL see; it's 3.14159.",
  "  leading,\t\ttabs \n\n\n and   blanks  \r\nend ",
  "na\u00efve caf\u00e9 \u6771\u4eac \u03c0\u2248x\u00b2 \u{1F642}\u{1F3FD} \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
  "n=62;a:n+=36;if(n%2)n-=7;puts(n) // \\frac{1}{2}$$ <b>_x__y</b> a@b.example",
  "Wait",
  "answer\nFinal Answer:",
] as const;

/** Refuses a file whose ids are not those of our tokenizer. */
function checkIds(path: string, { tokenizer, chatTemplate }: GgufText, model: LlamaModel): void {
  const prompt = chatTemplate.renderText([{ role: "user", content: PROBES[0] }]);
  const texts = [
    ...PROBES.map((text) => ({ text, ours: tokenizer.encodeUser(text), theirs: model.tokenize(text, false) })),
    { text: prompt, ours: tokenizer.encodeControl(prompt), theirs: model.tokenize(prompt, true) },
  ];
  const other = texts.find(({ ours, theirs }) => ours.join() !== [...theirs].join());
  if (other === undefined) return;
  throw new AppError(
    "tokenizer-corrupt",
    `${path}: llama.cpp makes other ids of ${JSON.stringify(other.text.slice(0, 60))} than its tokenizer here`,
    {
      hint: "give --tokenizer FOLDER with the tokenizer that the model was trained with, or convert the model again",
      data: { text: other.text, ours: other.ours.slice(0, 64), theirs: [...other.theirs].slice(0, 64) },
    },
  );
}

function limitsOf({ vocabularySize }: Tokenizer): string[] {
  return [
    "llama.cpp's sums depend in their last bits on how many replies are decoded together: of two tokens that are nearly equal it may choose the other",
    ...(vocabularySize > DRAWN_AMONG
      ? [`at a temperature above 0 a token is drawn among the ${DRAWN_AMONG} likeliest, not among all`]
      : []),
  ];
}

function notLoaded(path: string, words: readonly string[], cause: unknown): AppError {
  const said = [wordsOf(cause), ...words.slice(-2)].join("; ").slice(0, 600);
  const code = isMemory(cause) ? "limit-exceeded" : "checkpoint-corrupt";
  return new AppError(code, `${path} cannot be loaded by llama.cpp: ${said}`, {
    hint: code === "limit-exceeded" ? "take a smaller quantisation" : "download or export the file again",
    data: { path },
    cause,
  });
}

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 400);
