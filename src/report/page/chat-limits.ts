/** @file How much may be asked of a student: in a file of its own, for a page needs no more of it. */

/** Longest question, characters. */
export const MOST_PROMPT_CHARACTERS = 20_000;
export const MOST_WAITS = 8;
