/** @file Follows a file that another process appends to: each call reads what is new, and only that. */
import { open } from "node:fs/promises";
import { fileError } from "../file-error.ts";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** What {@link LineTail.read} found. */
export interface NewLines {
  /** Whole lines, without their ends; one without its end yet comes with a later call. */
  readonly lines: readonly string[];
  /** The file is another or shorter than before: these are its lines from the beginning. */
  readonly isRestarted: boolean;
}

/** The growing end of a file. A file that is not there has no lines. Lines past the limit are passed over. */
export class LineTail {
  readonly #path: string;
  readonly #maxLineBytes: number;
  #offset = 0;
  /** The file's identity: one that was replaced is read anew. */
  #file = "";
  #rest: Buffer[] = [];
  #restBytes = 0;
  #isTooLong = false;

  constructor(path: string, maxLineBytes: number) {
    this.#path = path;
    this.#maxLineBytes = maxLineBytes;
  }

  /** The lines that were added since the last call. Throws "file-denied" and the like. */
  async read(): Promise<NewLines> {
    const handle = await open(this.#path, "r").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw fileError(this.#path, error);
    });
    if (handle === undefined) return { lines: [], isRestarted: this.#restartFor("") };
    try {
      const { size, ino, dev, birthtimeMs } = await handle.stat();
      const isRestarted = this.#restartFor(`${dev}/${ino}/${birthtimeMs}`) || (size < this.#offset && this.#restart());
      const lines: string[] = [];
      for (;;) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#offset);
        if (bytesRead === 0) return { lines, isRestarted };
        this.#offset += bytesRead;
        this.#take(buffer.subarray(0, bytesRead), lines);
      }
    } catch (error) {
      throw fileError(this.#path, error);
    } finally {
      await handle.close();
    }
  }

  #restartFor(file: string): boolean {
    const isOther = this.#file !== "" && this.#file !== file;
    this.#file = file;
    return isOther && this.#restart();
  }

  #restart(): true {
    this.#offset = 0;
    this.#forget();
    return true;
  }

  #take(chunk: Buffer, lines: string[]): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end));
      if (!this.#isTooLong) lines.push(Buffer.concat(this.#rest).toString("utf8"));
      this.#forget();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(part: Buffer): void {
    this.#restBytes += part.length;
    if (this.#restBytes > this.#maxLineBytes) {
      this.#isTooLong = true;
      this.#rest = [];
    } else if (!this.#isTooLong && part.length > 0) this.#rest.push(part);
  }

  #forget(): void {
    this.#rest = [];
    this.#restBytes = 0;
    this.#isTooLong = false;
  }
}
