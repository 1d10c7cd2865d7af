const MAX_CHARACTERS = 200;

/** The beginning of foreign text, fit for an error message: one line, no control characters, bounded. */
export function excerptOf(text: string): string {
  const line = text
    .slice(0, 4 * MAX_CHARACTERS)
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  if (line === "") return "(nothing)";
  return line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}...` : line;
}
