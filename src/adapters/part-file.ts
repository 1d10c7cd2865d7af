/** @file A file under way: it grows at its end beside its place, survives a kill, and gets its name when it is whole. */
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { withFileError } from "./file-error.ts";
import { makeFolders } from "./make-folders.ts";

/** Of `PATH`, what lies at `PATH.part`. All methods throw AppError "disk-full", "file-unreadable" and the like for the disk's errors. */
export class PartFile {
  /** Where it lies. */
  readonly path: string;
  readonly #to: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(to: string, handle: FileHandle, size: number) {
    this.path = partOf(to);
    this.#to = to;
    this.#handle = handle;
    this.#size = size;
  }

  /** Goes on with what is there, or begins; folders are made. */
  static async open(to: string): Promise<PartFile> {
    return await withFileError(partOf(to), async () => {
      await makeFolders(dirname(to));
      const handle = await open(partOf(to), "a");
      return new PartFile(to, handle, (await handle.stat()).size);
    });
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  async append(chunk: Buffer): Promise<void> {
    await withFileError(this.path, () => this.#handle.appendFile(chunk));
    this.#size += chunk.length;
  }

  /** Starts from nothing. */
  async cut(): Promise<void> {
    await withFileError(this.path, () => this.#handle.truncate(0));
    this.#size = 0;
  }

  /** Gives it its name, once it is on the disk; it is closed. */
  async finish(): Promise<void> {
    await withFileError(this.#to, async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.path, this.#to);
    });
  }

  /** Closes it where it is not; what is there stays. */
  async close(): Promise<void> {
    await this.#handle.close();
  }
}

const partOf = (to: string): string => `${to}.part`;
