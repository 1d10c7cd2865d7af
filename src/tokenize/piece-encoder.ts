/**
 * @file Plain text to ids, piece by piece: a piece (pre-token) never merges with its neighbours, so its ids can be
 * remembered. Long pieces and Gemma's are merged by `@huggingface/tokenizers`; splitting, short pieces and the cache are ours.
 */
import * as library from "@huggingface/tokenizers";
import { AppError } from "../core/errors.ts";
import { BYTE_CHARACTERS } from "./byte-alphabet.ts";
import { byteMerger } from "./merge-bytes.ts";
import { LLAMA3_PATTERN, QWEN2_PATTERN, SPACE_MARK, type TokenizerParts } from "./tokenizer-parts.ts";

/** What we use of the library, whose own types do not resolve under NodeNext (their imports have no extension). */
interface LibraryParts {
  readonly BPE: new (config: object) => { encode(pieces: readonly string[]): string[] };
}
const { BPE } = library as unknown as LibraryParts;

/** Longest text encoded in one call, in UTF-16 units; a guard against hostile input, far above any context. */
const MAX_TEXT_UNITS = 1 << 24;
/** Pieces kept encoded; those longer than 64 units are rarely met twice, and are not merged by looking at every pair. */
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

function bpeEncoder(parts: TokenizerParts): (piece: string) => readonly number[] {
  const { layout, vocabulary, ignoresMerges, added, plainAdded } = parts;
  const encodeLong = libraryEncoder(parts);
  if (layout === "gemma") {
    const plain = new Map(plainAdded.map((spelling) => [spelling, added.get(spelling) as number]));
    return (piece) => {
      const whole = plain.get(piece);
      // A lone surrogate has no UTF-8; it becomes U+FFFD here as it does in the byte alphabet.
      return whole === undefined ? encodeLong(piece.replace(/\p{Surrogate}/gu, "\ufffd")) : [whole];
    };
  }
  const utf8 = new TextEncoder();
  const spell = (bytes: Uint8Array): string => Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join("");
  const merge = byteMerger(parts);
  return (piece) => {
    const bytes = utf8.encode(piece);
    if (bytes.length > MAX_PIECE_BYTES) throw tooLong(bytes.length);
    if (bytes.length > CACHE_MAX_UNITS) return encodeLong(spell(bytes));
    const whole = ignoresMerges ? vocabulary.get(spell(bytes)) : undefined;
    return whole === undefined ? merge(bytes) : [whole];
  };
}

/** A word without an end: the library's queue runs out of stack at 4 MiB. No text that a model learns from has one. */
const MAX_PIECE_BYTES = 2 << 20;

function tooLong(bytes: number): AppError {
  return new AppError(
    "limit-exceeded",
    `a piece of ${bytes} bytes without a break, at most ${MAX_PIECE_BYTES} are taken`,
    {
      hint: "the text is no prose: drop the row",
    },
  );
}

/** The library's merging, which keeps a queue: for pieces of any length. Built when the first of them comes. */
function libraryEncoder({ layout, vocabulary, merges, ignoresMerges }: TokenizerParts) {
  const build = (): InstanceType<typeof BPE> =>
    new BPE({
      type: "BPE",
      vocab: Object.fromEntries(vocabulary),
      merges,
      byte_fallback: layout === "gemma",
      ignore_merges: ignoresMerges,
    });
  let model: InstanceType<typeof BPE> | undefined;
  return (spelled: string): number[] => {
    model ??= build();
    return model.encode([spelled]).map((token) => vocabulary.get(token) as number);
  };
}

/**
 * The patterns as transformers reads them, in this engine's terms. `(?i:)`, which not every engine knows, is spelled out; the
 * long s is an s there. White space is Unicode's, with U+0085 and without U+FEFF; this engine's own `\\s` has it the other way
 * round (checked against tokenizers 0.23.2).
 */
const IN_THESE_TERMS: readonly (readonly [string, string])[] = [
  ["(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS\u017f]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"],
  ["\\s", "\\p{White_Space}"],
  ["\\S", "\\P{White_Space}"],
];

/** Byte-level layouts: the pattern's pieces, which leave nothing out: every character is a letter, a digit, a space or none. */
function patternPieces({ layout }: TokenizerParts): (text: string) => readonly string[] {
  const source = layout === "qwen2" ? QWEN2_PATTERN : LLAMA3_PATTERN;
  const pattern = new RegExp(
    IN_THESE_TERMS.reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), source),
    "gu",
  );
  return (text) => text.match(pattern) ?? [];
}

/**
 * Gemma has no pre-tokenizer. Plain added tokens are cut out first, the longest one first, as transformers does; the rest is
 * cut before each run of spaces wherever no token of the vocabulary reaches across such a place, which changes no id.
 */
function spacePieces({ plainAdded, vocabulary }: TokenizerParts): (text: string) => readonly string[] {
  const longestFirst = [...plainAdded].sort((a, b) => b.length - a.length);
  const plain = longestFirst.length === 0 ? null : new RegExp(`(${longestFirst.map(escapePattern).join("|")})`, "u");
  const acrossSpace = new RegExp(`[^${SPACE_MARK}]${SPACE_MARK}`);
  const reachesAcross = [...vocabulary.keys()].some((token) => acrossSpace.test(token));
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
