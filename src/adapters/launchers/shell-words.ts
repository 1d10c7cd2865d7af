/** A word as every POSIX shell takes it back, whatever stands in it. */
export const shellWord = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Words of a command as one line for a POSIX shell. */
export const shellLine = (words: readonly string[]): string => words.map(shellWord).join(" ");
