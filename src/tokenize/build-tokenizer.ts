/**
 * @file Text to ids and back, exactly as transformers does it for a Qwen2 folder, from parts that were checked before: it
 * needs no schema library, so that it also runs inside a report.
 * Splitting and byte-pair merging are `@huggingface/tokenizers`; the cache, the safety of control tokens and decoding are
 * ours.
 */
import * as library from "@huggingface/tokenizers";
import { AppError } from "../core/errors.ts";
import { BYTE_CHARACTERS, spelledBytes } from "./byte-alphabet.ts";
import { corruptTokenizer, QWEN2_PATTERN, type TokenizerParts } from "./tokenizer-parts.ts";

/** What we use of the library, whose own types do not resolve under NodeNext (their imports have no extension). */
interface LibraryParts {
  readonly SplitPreTokenizer: new (config: object) => { pre_tokenize_text(text: string): string[] };
  readonly BPE: new (config: object) => { encode(pieces: readonly string[]): string[] };
}
const { BPE, SplitPreTokenizer } = library as unknown as LibraryParts;

/** Ids with a meaning of their own, which no user's text can ever produce. */
export interface ControlIds {
  /** `<|im_start|>`: opens a turn, and s1's thinking and answer. */
  readonly imStart: number;
  /** `<|im_end|>`: closes a turn. */
  readonly imEnd: number;
  /** `<|endoftext|>`. */
  readonly endOfText: number;
  /** `<|fim_pad|>` as in s1, never an end token, so that ends keep their loss. */
  readonly pad: number;
}

/** A loaded tokenizer. Encoding is a pure function of the text; the cache only makes it fast. */
export interface Tokenizer {
  /** One more than the highest id; a model's embedding has at least as many rows. */
  readonly vocabularySize: number;
  readonly controlIds: ControlIds;
  /** All spellings that {@link encodeControl} reads as one id, control tokens or not, with their ids. */
  readonly addedTokens: ReadonlyMap<string, number>;
  /** Ids of text from outside. A control token's spelling in it becomes ordinary tokens. */
  encodeUser(text: string): number[];
  /** Ids of text that we wrote (templates): control tokens' spellings are read as such, as AutoTokenizer does. */
  encodeControl(text: string): number[];
  /** The text cut at the spellings of control (and other added) tokens: plain text as strings, control tokens as ids. */
  splitControl(text: string): readonly (string | number)[];
  /** Whether the text spells a control or other added token. */
  hasControlSpelling(text: string): boolean;
  /** The exact bytes that an id stands for (a control token's spelling for its id); empty for an id outside the vocabulary. */
  bytesOf(id: number): Uint8Array;
  /** The text of ids; bytes that are not valid UTF-8 become U+FFFD. Control tokens appear as their spelling. */
  decode(ids: ArrayLike<number>): string;
}

/** Longest text encoded in one call, in UTF-16 units; a guard against hostile input, far above any context. */
const MAX_TEXT_UNITS = 1 << 24;
/** Pieces kept encoded; pieces longer than 64 units are rarely met twice. */
const CACHE_CAPACITY = 1 << 16;
const CACHE_MAX_UNITS = 64;

/**
 * Builds a tokenizer from checked parts.
 *
 * @throws {AppError} tokenizer-corrupt, naming the part, when a control token is missing or a token is misspelt.
 */
export function buildTokenizer(parts: TokenizerParts): Tokenizer {
  const controlIds = findControlIds(parts);
  const encodeUser = pieceEncoder(parts);
  const addedPattern = spellingPattern([...parts.added.keys()]);
  const splitControl = (text: string): (string | number)[] =>
    // split() with a capturing group puts the separators at odd places.
    text.split(addedPattern).map((part, index) => (index % 2 === 1 ? (parts.added.get(part) as number) : part));
  const bytes = tokenBytes(parts);
  const nothing = new Uint8Array(0);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const bytesOf = (id: number): Uint8Array => bytes[id] ?? nothing;
  return {
    vocabularySize: bytes.length,
    controlIds,
    addedTokens: parts.added,
    encodeUser,
    encodeControl: (text) =>
      splitControl(text).flatMap((part) => (typeof part === "number" ? [part] : encodeUser(part))),
    splitControl,
    hasControlSpelling: (text) => text.search(addedPattern) !== -1,
    bytesOf,
    decode: (ids) => decoder.decode(concatenate(Array.from(ids, bytesOf))),
  };
}

function findControlIds(parts: TokenizerParts): ControlIds {
  const find = (spelling: string): number => {
    const id = parts.added.get(spelling);
    if (id === undefined) throw corruptTokenizer("tokenizer.json: added_tokens", `${spelling} is missing`);
    return id;
  };
  const pad = parts.added.has("<|fim_pad|>") || parts.padToken === null ? "<|fim_pad|>" : parts.padToken;
  return { imStart: find("<|im_start|>"), imEnd: find("<|im_end|>"), endOfText: find("<|endoftext|>"), pad: find(pad) };
}

/** Matches any of the spellings, the longest first where one begins another; captures, so that `split` keeps them. */
function spellingPattern(spellings: readonly string[]): RegExp {
  const escaped = [...spellings]
    .sort((a, b) => b.length - a.length)
    .map((spelling) => spelling.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  return new RegExp(`(${escaped.join("|")})`, "u");
}

/** Encodes text piece by piece; a piece (pre-token) never merges with its neighbours, so its ids can be remembered. */
function pieceEncoder(parts: TokenizerParts): (text: string) => number[] {
  const split = new SplitPreTokenizer({
    type: "Split",
    pattern: { Regex: QWEN2_PATTERN },
    behavior: "Isolated",
    invert: false,
  });
  const utf8 = new TextEncoder();
  const spell = (piece: string): string => Array.from(utf8.encode(piece), (byte) => BYTE_CHARACTERS[byte]).join("");
  const model = new BPE({
    type: "BPE",
    vocab: Object.fromEntries(parts.vocabulary),
    merges: parts.merges,
    byte_fallback: false,
  });
  const cache = new Map<string, readonly number[]>();
  const encodePiece = (piece: string): readonly number[] => {
    const ids = model.encode([spell(piece)]).map((token) => parts.vocabulary.get(token) as number);
    if (piece.length > CACHE_MAX_UNITS) return ids;
    if (cache.size >= CACHE_CAPACITY) cache.clear();
    cache.set(piece, ids);
    return ids;
  };
  return (text) => {
    if (text.length > MAX_TEXT_UNITS) {
      throw new AppError(
        "limit-exceeded",
        `a text of ${text.length} characters exceeds the tokenizer's limit of ${MAX_TEXT_UNITS}`,
      );
    }
    const ids: number[] = [];
    if (text === "") return ids;
    for (const piece of split.pre_tokenize_text(parts.isNormalised ? text.normalize("NFC") : text)) {
      for (const id of cache.get(piece) ?? encodePiece(piece)) ids.push(id);
    }
    return ids;
  };
}

/** The bytes of every id; index is the id. Holes (ids that no token has) stay undefined and decode to nothing. */
function tokenBytes(parts: TokenizerParts): (Uint8Array | undefined)[] {
  const utf8 = new TextEncoder();
  let size = 0;
  for (const id of [...parts.vocabulary.values(), ...parts.added.values()]) size = Math.max(size, id + 1);
  const bytes = Array.from({ length: size }, (): Uint8Array | undefined => undefined);
  for (const [token, id] of parts.vocabulary) {
    const spelled = spelledBytes(token);
    if (spelled === null && !parts.added.has(token))
      throw corruptTokenizer(
        "tokenizer.json: model.vocab",
        `"${token.slice(0, 80)}" is not spelled in the byte alphabet`,
      );
    bytes[id] = spelled ?? utf8.encode(token);
  }
  for (const [spelling, id] of parts.added) bytes[id] = utf8.encode(spelling);
  return bytes;
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}
