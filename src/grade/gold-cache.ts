import { compileGold, type GoldReading, type GradeOptions, type GradeProfile } from "./grade-answer.ts";

/** How much a {@link GoldCache} may hold. */
export interface GoldCacheLimits {
  readonly golds: number;
  /** A gold with a longer text is read each time; without this a few huge golds would fill the memory. */
  readonly textLength: number;
}

/** Golds that were read lately, so that many replies to one question cost one reading; the one used longest ago leaves. */
export class GoldCache {
  readonly #limits: GoldCacheLimits;
  readonly #readings = new Map<string, GoldReading>();

  constructor(limits: GoldCacheLimits = { golds: 512, textLength: 8192 }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#readings.size;
  }

  /** The same as `compileGold`, which has no state: a cached reading and a new one are equal. */
  read(text: string, profile: GradeProfile, options: GradeOptions): GoldReading {
    if (text.length > this.#limits.textLength) return compileGold(text, profile, options);
    const { targets, precision, strict, allowSetRelationComparison } = options;
    const key = JSON.stringify([profile, targets, precision, strict, allowSetRelationComparison, text]);
    const reading = this.#readings.get(key) ?? compileGold(text, profile, options);
    this.#readings.delete(key);
    this.#readings.set(key, reading);
    if (this.#readings.size > this.#limits.golds) this.#readings.delete(this.#readings.keys().next().value as string);
    return reading;
  }
}
