/**
 * @file Plain text to ids, piece by piece: a piece (pre-token) never merges with its neighbours, so its ids can be
 * remembered. Splitting and byte-pair merging are `@huggingface/tokenizers`; the cache and Gemma's pieces are ours.
 */
import * as library from "@huggingface/tokenizers";
import { AppError } from "../core/errors.ts";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { LLAMA3_PATTERN, QWEN2_PATTERN, SPACE_MARK, type TokenizerParts } from "./tokenizer-parts.ts";

/** What we use of the library, whose own types do not resolve under NodeNext (their imports have no extension). */
interface LibraryParts {
  readonly SplitPreTokenizer: new (config: object) => { pre_tokenize_text(text: string): string[] };
  readonly BPE: new (config: object) => { encode(pieces: readonly string[]): string[] };
}
const { BPE, SplitPreTokenizer } = library as unknown as LibraryParts;

/** Longest text encoded in one call, in UTF-16 units; a guard against hostile input, far above any context. */
const MAX_TEXT_UNITS = 1 << 24;
/** Pieces kept encoded; pieces longer than 64 units are rarely met twice. */
const CACHE_CAPACITY = 1 << 16;
const CACHE_MAX_UNITS = 64;

/** Ids of plain text, or only their number. */
export interface PieceEncoder {
  encode(text: string): number[];
  /** As many as `encode` gives, without making them. */
  count(text: string): number;
  /** The text as it is cut into pieces: composed where the tokenizer composes. */
  normalise(text: string): string;
}

/** The encoder of a tokenizer's parts. Throws limit-exceeded on a text longer than 16 M characters. */
export function pieceEncoder(parts: TokenizerParts): PieceEncoder {
  const normalise = (text: string): string => (parts.isNormalised ? text.normalize("NFC") : text);
  const split = parts.layout === "gemma" ? spacePieces(parts) : patternPieces(parts);
  const encodePiece = rememberingEncoder(parts);
  const piecesOf = (text: string): readonly string[] => {
    if (text.length > MAX_TEXT_UNITS) {
      throw new AppError(
        "limit-exceeded",
        `a text of ${text.length} characters exceeds the tokenizer's limit of ${MAX_TEXT_UNITS}`,
      );
    }
    return text === "" ? [] : split(normalise(text));
  };
  return {
    normalise,
    encode: (text) => {
      const ids: number[] = [];
      for (const piece of piecesOf(text)) for (const id of encodePiece(piece)) ids.push(id);
      return ids;
    },
    count: (text) => {
      let total = 0;
      for (const piece of piecesOf(text)) total += encodePiece(piece).length;
      return total;
    },
  };
}

function rememberingEncoder(parts: TokenizerParts): (piece: string) => readonly number[] {
  const encode = bpeEncoder(parts);
  const cache = new Map<string, readonly number[]>();
  return (piece) => {
    const known = cache.get(piece);
    if (known !== undefined) return known;
    const ids = encode(piece);
    if (piece.length > CACHE_MAX_UNITS) return ids;
    if (cache.size >= CACHE_CAPACITY) cache.clear();
    cache.set(piece, ids);
    return ids;
  };
}

function bpeEncoder({ layout, vocabulary, merges, ignoresMerges, added, plainAdded }: TokenizerParts) {
  const isGemma = layout === "gemma";
  const utf8 = new TextEncoder();
  const spell = (piece: string): string => Array.from(utf8.encode(piece), (byte) => BYTE_CHARACTERS[byte]).join("");
  const model = new BPE({
    type: "BPE",
    vocab: Object.fromEntries(vocabulary),
    merges,
    byte_fallback: isGemma,
    ignore_merges: ignoresMerges,
  });
  const plain = new Map(plainAdded.map((spelling) => [spelling, added.get(spelling) as number]));
  return (piece: string): readonly number[] => {
    const whole = plain.get(piece);
    if (whole !== undefined) return [whole];
    // A lone surrogate has no UTF-8; it becomes U+FFFD here as it does in the byte alphabet.
    const spelled = isGemma ? piece.replace(/\p{Surrogate}/gu, "\ufffd") : spell(piece);
    return model.encode([spelled]).map((token) => vocabulary.get(token) as number);
  };
}

/** Byte-level layouts: the pattern's pieces. */
function patternPieces({ layout }: TokenizerParts): (text: string) => readonly string[] {
  const splitter = new SplitPreTokenizer({
    type: "Split",
    pattern: { Regex: layout === "qwen2" ? QWEN2_PATTERN : LLAMA3_PATTERN },
    behavior: "Isolated",
    invert: false,
  });
  return (text) => splitter.pre_tokenize_text(text);
}

/**
 * Gemma has no pre-tokenizer. Plain added tokens are cut out first, the longest one first, as transformers does; the rest is
 * cut before each run of spaces wherever no token of the vocabulary reaches across such a place, which changes no id.
 */
function spacePieces({ plainAdded, vocabulary }: TokenizerParts): (text: string) => readonly string[] {
  const longestFirst = [...plainAdded].sort((a, b) => b.length - a.length);
  const plain = longestFirst.length === 0 ? null : new RegExp(`(${longestFirst.map(escapePattern).join("|")})`, "u");
  const reachesAcross = [...vocabulary.keys()].some((token) => new RegExp(`[^${SPACE_MARK}]${SPACE_MARK}`).test(token));
  const atSpaces = new RegExp(`(?<=[^${SPACE_MARK}])(?=${SPACE_MARK})`);
  const cut = (text: string): string[] => {
    const marked = text.replaceAll(" ", SPACE_MARK);
    return reachesAcross ? [marked] : marked.split(atSpaces);
  };
  return (text) => {
    if (plain === null) return cut(text);
    // split() with a capturing group puts the separators at odd places.
    return text.split(plain).flatMap((part, index) => (index % 2 === 1 ? [part] : part === "" ? [] : cut(part)));
  };
}

/** A spelling as a pattern that matches it alone. */
export function escapePattern(spelling: string): string {
  return spelling.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
