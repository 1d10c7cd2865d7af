/** @file Who may ask: bearer keys, compared by their hashes in constant time. */
import { createHash, timingSafeEqual } from "node:crypto";
import { ApiError } from "./openai/api-error.ts";

/** Tells callers apart by their key, or refuses them. */
export class BearerKeys {
  readonly #hashes: readonly Buffer[];

  /** @param keys none: everybody may ask, as is usual on loopback */
  constructor(keys: readonly string[]) {
    this.#hashes = keys.map(hashOf);
  }

  /** How many keys there are; 0: everybody may ask. */
  get count(): number {
    return this.#hashes.length;
  }

  /**
   * A name for the caller that is no secret: requests of one caller wait for each other.
   * @throws {ApiError} 401
   */
  callerOf(authorization: string | undefined, otherwise: string): string {
    if (this.#hashes.length === 0) return otherwise;
    const given = /^Bearer (.{1,4096})$/.exec(authorization ?? "")?.[1];
    const hash = hashOf(given ?? "");
    let found = -1;
    // All are compared, so that the time tells nothing.
    for (const [place, known] of this.#hashes.entries()) if (timingSafeEqual(known, hash)) found = place;
    if (given === undefined || found === -1)
      throw new ApiError(401, "the key is missing or wrong: send Authorization: Bearer KEY", {
        code: "invalid_api_key",
      });
    return `key-${found}`;
  }
}

const hashOf = (key: string): Buffer => createHash("sha256").update(key).digest();
