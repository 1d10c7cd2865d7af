/**
 * @file Text to ids and back, exactly as transformers does it for a folder of a known layout, from parts that were checked
 * before: it needs no schema library, so that it also runs inside a report. The safety of control tokens and decoding are ours.
 */
import { fallbackByte, spelledBytes } from "./byte-alphabet.ts";
import { escapePattern, pieceEncoder } from "./piece-encoder.ts";
import { corruptTokenizer, SPACE_MARK, type TokenizerParts } from "./tokenizer-parts.ts";

/** Ids with a meaning of their own, which no user's text can ever produce. */
export interface ControlIds {
  /** `<|im_start|>`: opens a turn, and s1's thinking and answer. null where the family has none (Llama-3, Gemma). */
  readonly imStart: number | null;
  /** What closes a turn: `<|im_end|>`, Llama-3's `<|eot_id|>`, Gemma's `<end_of_turn>`. */
  readonly imEnd: number;
  /** `<|endoftext|>`, Llama-3's `<|end_of_text|>`, Gemma's `<eos>`. */
  readonly endOfText: number;
  /** `<|fim_pad|>` as in s1 or the family's own padding; never an end token, so that ends keep their loss. */
  readonly pad: number;
}

/** A loaded tokenizer. Encoding is a pure function of the text; the cache only makes it fast. */
export interface Tokenizer {
  /** One more than the highest id; a model's embedding has at least as many rows. */
  readonly vocabularySize: number;
  readonly controlIds: ControlIds;
  /** `<bos>` and the like, as chat templates write it; empty where there is none. */
  readonly bosText: string;
  /** All spellings that {@link encodeControl} reads as one id, control tokens or not, with their ids. */
  readonly addedTokens: ReadonlyMap<string, number>;
  /** Ids of text from outside. A control token's spelling in it becomes ordinary tokens. */
  encodeUser(text: string): number[];
  /** How many ids `encodeUser` gives, without making them. */
  countUser(text: string): number;
  /** The text as it can be decoded again: composed where the tokenizer composes (NFC). */
  normalise(text: string): string;
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

/**
 * Builds a tokenizer from checked parts.
 *
 * @throws {AppError} tokenizer-corrupt, naming the part, when a control token is missing or a token is misspelt.
 */
export function buildTokenizer(parts: TokenizerParts): Tokenizer {
  const controlIds = findControlIds(parts);
  const { encode: encodeUser, count: countUser, normalise } = pieceEncoder(parts);
  const plain = new Set(parts.plainAdded);
  const control = new Map([...parts.added].filter(([spelling]) => !plain.has(spelling)));
  const controlPattern = spellingPattern([...control.keys()]);
  const splitControl = (text: string): (string | number)[] =>
    // split() with a capturing group puts the separators at odd places.
    text.split(controlPattern).map((part, index) => (index % 2 === 1 ? (control.get(part) as number) : part));
  const bytes = tokenBytes(parts);
  const nothing = new Uint8Array(0);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const bytesOf = (id: number): Uint8Array => bytes[id] ?? nothing;
  return {
    vocabularySize: bytes.length,
    controlIds,
    bosText: parts.bosToken ?? "",
    addedTokens: control,
    encodeUser,
    countUser,
    normalise,
    encodeControl: (text) =>
      splitControl(text).flatMap((part) => (typeof part === "number" ? [part] : encodeUser(part))),
    splitControl,
    hasControlSpelling: (text) => text.search(controlPattern) !== -1,
    bytesOf,
    decode: (ids) => decoder.decode(concatenate(Array.from(ids, bytesOf))),
  };
}

/** What the files of each layout call the four; of several names the first that is there counts. */
const CONTROL_NAMES = {
  qwen2: { imStart: ["<|im_start|>"], imEnd: ["<|im_end|>"], endOfText: ["<|endoftext|>"], pad: ["<|fim_pad|>"] },
  llama3: {
    imStart: null,
    imEnd: ["<|eot_id|>"],
    endOfText: ["<|end_of_text|>"],
    pad: ["<|finetune_right_pad_id|>", "<|reserved_special_token_5|>"],
  },
  gemma: { imStart: null, imEnd: ["<end_of_turn>"], endOfText: ["<eos>"], pad: ["<pad>"] },
} as const;

function findControlIds(parts: TokenizerParts): ControlIds {
  const names = CONTROL_NAMES[parts.layout];
  const find = (spellings: readonly [string, ...string[]]): number => {
    const spelling = spellings.find((each) => parts.added.has(each)) ?? spellings[0];
    const id = parts.added.get(spelling);
    if (id === undefined) throw corruptTokenizer("tokenizer.json: added_tokens", `${spelling} is missing`);
    return id;
  };
  const hasOwnPad = names.pad.some((spelling) => parts.added.has(spelling));
  const imEnd = find(names.imEnd);
  const endOfText = find(names.endOfText);
  const pad = find(hasOwnPad || parts.padToken === null ? names.pad : [parts.padToken]);
  if (pad === imEnd || pad === endOfText)
    throw corruptTokenizer(
      "tokenizer_config.json: pad_token",
      `"${parts.padToken}" is also an end token: ends would lose their loss`,
    );
  return {
    imStart: names.imStart === null ? (parts.added.get("<|im_start|>") ?? null) : find(names.imStart),
    imEnd,
    endOfText,
    pad,
  };
}

/** Matches any of the spellings, the longest first where one begins another; captures, so that `split` keeps them. */
function spellingPattern(spellings: readonly string[]): RegExp {
  const escaped = [...spellings].sort((a, b) => b.length - a.length).map(escapePattern);
  return new RegExp(`(${escaped.join("|")})`, "u");
}

/** The bytes of every id; index is the id. Holes (ids that no token has) stay undefined and decode to nothing. */
function tokenBytes(parts: TokenizerParts): (Uint8Array | undefined)[] {
  const utf8 = new TextEncoder();
  const isGemma = parts.layout === "gemma";
  let size = 0;
  for (const id of [...parts.vocabulary.values(), ...parts.added.values()]) size = Math.max(size, id + 1);
  const bytes = Array.from({ length: size }, (): Uint8Array | undefined => undefined);
  for (const [token, id] of parts.vocabulary) {
    const spelled = isGemma ? pieceBytes(token, utf8) : spelledBytes(token);
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

/** The bytes of a SentencePiece token: a single byte, or text whose spaces are marked. */
function pieceBytes(token: string, utf8: TextEncoder): Uint8Array {
  const byte = fallbackByte(token);
  return byte === null ? utf8.encode(token.replaceAll(SPACE_MARK, " ")) : Uint8Array.of(byte);
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
