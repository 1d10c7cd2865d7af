/**
 * @file GPT-2's printable alphabet of bytes: vocabularies spell every token in these 256 characters.
 * Printable Latin-1 characters stand for their own byte; the other 68 bytes take U+0100 onwards, in byte order.
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
