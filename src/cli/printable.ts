/**
 * Text that cannot steer a terminal: control characters other than newline and tab, and the marks that reorder text,
 * become their code in brackets. Model output, file names and server replies pass through here before they are shown.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `<${code.toString(16).padStart(2, "0")}>`;
  });
}
