/** @file Identity and split of a question: both are functions of its normalised text, never of a seed or of an order. */
import { sha256Hex, shortHash } from "../core/hash.ts";
import type { Bucket } from "../schema/records.ts";

/** Salt of the split. Changing it moves every question to another bucket and makes every trained model's split void. */
export const BUCKET_SALT = "grappa-split-1";

/** Percent of all questions in each bucket; the sum is 100. */
export const BUCKET_PERCENT: Readonly<Record<Bucket, number>> = { pretrain: 40, train: 40, tune: 5, test: 15 };

const ORDER: readonly Bucket[] = ["pretrain", "train", "tune", "test"];

/** Any white space but single spaces: most questions have none, and a copy of each of millions costs seconds. */
const OTHER_SPACE = /[^\S ]| {2}/u;

/** The text that identifies a question: Unicode NFC, trimmed, each run of whitespace one space. */
export function normaliseQuestion(text: string): string {
  const composed = text.normalize("NFC").trim();
  return OTHER_SPACE.test(composed) ? composed.replace(/\s+/gu, " ") : composed;
}

/** A question's id: 16 hex digits of the hash of its normalised text. */
export function questionId(text: string): string {
  return shortHash(normaliseQuestion(text));
}

/**
 * The use of a question that comes from a file. No base of ours was pre-trained on it, so it is trained on where a family's
 * would be in `pretrain`.
 */
export function fileBucketOf(text: string): Exclude<Bucket, "pretrain"> {
  const bucket = bucketOf(text);
  return bucket === "pretrain" ? "train" : bucket;
}

/**
 * The one use a question may be put to, by a salted hash of its normalised text modulo 100. Because no seed enters,
 * a base pre-trained on bucket `pretrain` and a student tuned on `train` cannot have seen a `test` question.
 */
export function bucketOf(text: string): Bucket {
  const hash = sha256Hex(`${BUCKET_SALT}\n${normaliseQuestion(text)}`);
  let place = Number.parseInt(hash.slice(0, 12), 16) % 100;
  for (const bucket of ORDER) {
    place -= BUCKET_PERCENT[bucket];
    if (place < 0) return bucket;
  }
  return "test";
}
