import { AppError, invariant } from "../core/errors.ts";

const ALIGNMENT = 64;

/**
 * Bump allocation over part of a backend's linear memory. A training step marks, allocates, and releases to the mark, so
 * that from the second step on every tensor lands where it stood before and no memory is requested.
 */
export class Arena {
  readonly #end: number;
  #next: number;
  #peak: number;

  /** An arena over bytes [base, end) of a backend's memory. */
  constructor(base: number, end: number) {
    this.#next = align(base);
    this.#peak = this.#next;
    this.#end = end;
  }

  /** Pointer to `bytes` fresh bytes, 64-byte aligned; contents are whatever stood there. Throws `limit-exceeded` when full. */
  allocate(bytes: number): number {
    const pointer = this.#next;
    const next = align(pointer + bytes);
    if (next > this.#end) {
      throw new AppError(
        "limit-exceeded",
        `engine memory: ${bytes} bytes wanted, ${this.#end - pointer} of ${this.#end} left`,
        {
          hint: "use a smaller batch, fewer slots or a shorter context",
          data: { wantedBytes: bytes, freeBytes: this.#end - pointer },
        },
      );
    }
    this.#next = next;
    if (next > this.#peak) this.#peak = next;
    return pointer;
  }

  /** The current position, for {@link release}. */
  mark(): number {
    return this.#next;
  }

  /** Frees all that was allocated since `mark`. */
  release(mark: number): void {
    invariant(mark <= this.#next, "arena released to a later mark");
    this.#next = mark;
  }

  /** Highest position ever reached, in bytes. */
  get peakBytes(): number {
    return this.#peak;
  }

  /** Bytes that can still be allocated. */
  get freeBytes(): number {
    return this.#end - this.#next;
  }
}

function align(value: number): number {
  return Math.ceil(value / ALIGNMENT) * ALIGNMENT;
}
