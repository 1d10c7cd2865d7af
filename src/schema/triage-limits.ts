/** @file Limits of triage that the page knows too, without the checker of the schema. */

/** Longest note, characters. */
export const MOST_NOTE_CHARACTERS = 2000;
