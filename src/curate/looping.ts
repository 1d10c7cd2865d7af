/** Longest block of lines and longest run of characters whose repetition is looked for. */
const MAX_BLOCK_LINES = 16;
const MAX_UNIT_LENGTH = 200;
/** A block of lines this often in a row is a loop; two or three are somebody checking. */
const LINE_REPEATS = 4;
/** A run of characters this often at the very end is a loop, if it fills this many characters. */
const UNIT_REPEATS = 8;
const MIN_LOOP_LENGTH = 48;

/**
 * Whether a text got stuck: some block of up to 16 lines four times in a row, or an ending that is one short unit over
 * and over. Takes time linear in the text. Blank lines are not looked at.
 */
export function isLooping(text: string): boolean {
  return hasRepeatedLines(text) || hasRepeatedEnding(text);
}

function hasRepeatedLines(text: string): boolean {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  for (let size = 1; size <= MAX_BLOCK_LINES; size++) {
    // `same` lines in a row equal the line one block before: (repeats - 1) blocks of them make `repeats` equal blocks.
    let same = 0;
    for (let i = size; i < lines.length; i++) {
      same = lines[i] === lines[i - size] ? same + 1 : 0;
      if (same >= size * (LINE_REPEATS - 1)) return true;
    }
  }
  return false;
}

function hasRepeatedEnding(text: string): boolean {
  const end = text.trimEnd();
  for (let unit = 1; unit <= MAX_UNIT_LENGTH; unit++) {
    const needed = Math.max(unit * UNIT_REPEATS, MIN_LOOP_LENGTH);
    if (needed > end.length) return false;
    const tail = end.slice(-needed);
    if (tail.slice(unit) === tail.slice(0, -unit)) return true;
  }
  return false;
}
