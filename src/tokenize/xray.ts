import { type EncodedSequence, IGNORED } from "./training-sequence.ts";
import type { Tokenizer } from "./tokenizer.ts";

/**
 * A training example as terminal text, one line a token: position, id, `+` where it is trained and `.` where it is not,
 * and the token itself. Spaces show as U+2423, bytes that are not printable ASCII as escapes: hostile data cannot drive a terminal.
 *
 * @param maxTokens Most tokens shown; the middle of a longer example is left out, and the text says so.
 */
export function xray(tokenizer: Tokenizer, sequence: EncodedSequence, maxTokens = 400): string {
  const { inputIds, labels } = sequence;
  const trained = labels.filter((label) => label !== IGNORED).length;
  const lines = Array.from(inputIds, (id, at) => {
    const mark = labels[at] === IGNORED ? "." : "+";
    return `${String(at).padStart(6)} ${String(id).padStart(6)} ${mark} ${visible(tokenizer.bytesOf(id))}`;
  });
  const head = Math.ceil(maxTokens / 2);
  const tail = maxTokens - head;
  const hidden = lines.length - maxTokens;
  const shown =
    hidden <= 0
      ? lines
      : [...lines.slice(0, head), `       ... ${hidden} tokens left out ...`, ...lines.slice(lines.length - tail)];
  return [`${inputIds.length} tokens, ${trained} trained`, ...shown].join("\n");
}

/** Bytes as visible text: a space as U+2423, a newline as \\n, what is not printable ASCII as \\xHH. */
function visible(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    if (byte === 10) return "\\n";
    if (byte === 92) return "\\\\";
    if (byte === 32) return "\u2423";
    return byte > 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}
