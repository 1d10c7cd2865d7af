/**
 * @file How vocabularies spell bytes. GPT-2's printable alphabet spells every token in 256 characters: printable Latin-1
 * characters stand for their own byte; the other 68 bytes take U+0100 onwards, in byte order. SentencePiece spells text as
 * it is, and single bytes as `<0xHH>`.
 */

const isPrintable = (byte: number): boolean =>
  (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;

/** The character that stands for each byte; index is the byte. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let nextCode = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : nextCode++));
})();

const BYTE_OF_CHARACTER: ReadonlyMap<string, number> = new Map(
  BYTE_CHARACTERS.map((character, byte) => [character, byte]),
);

/** The bytes that a vocabulary entry spells, or null when a character lies outside the alphabet. */
export function spelledBytes(token: string): Uint8Array | null {
  const bytes = new Uint8Array(token.length);
  for (let index = 0; index < token.length; index++) {
    const byte = BYTE_OF_CHARACTER.get(token.charAt(index));
    if (byte === undefined) return null;
    bytes[index] = byte;
  }
  return bytes;
}

/** SentencePiece's spelling of a byte: `<0x0A>`. */
export function byteFallback(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** The byte that a spelling by {@link byteFallback} stands for, or null. */
export function fallbackByte(token: string): number | null {
  return /^<0x[0-9A-F]{2}>$/.test(token) ? Number.parseInt(token.slice(3, 5), 16) : null;
}
