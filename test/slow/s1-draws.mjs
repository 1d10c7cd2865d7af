// What the made-up models of s1-models.mjs know, drawn from what they are asked: any order of requests gives the same.
import { createHash } from "node:crypto";

/** A number in [0, 1) that depends on the purpose and the text alone. */
export function share(purpose, text) {
  return createHash("sha256").update(`${purpose}\n${text}`).digest().readUInt32BE(0) / 2 ** 32;
}

const RIGHT_SHARE = { teacher: 0.3, "student-7b": 0.3, "student-32b": 0.35 };

/** Whether a role's reply to a question is right: it says so, and the judge believes it. No rule can read it. */
export function isRight(role, question) {
  return share(role, question) < RIGHT_SHARE[role];
}
