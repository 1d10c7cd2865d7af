import { dirname } from "node:path";
import { AppError } from "../../core/errors.ts";
import { fileError } from "../file-error.ts";
import { type DurableFiles, nodeDurableFiles, type OpenFile, syncFolder, writeFully } from "./durable-files.ts";
import { MAX_LINE_BYTES } from "./read-lines.ts";

/** Where a line came to stand. */
export interface LineSpan {
  readonly offset: number;
  /** Without the newline. */
  readonly sizeBytes: number;
}

/** Options of {@link AppendLog.open}. */
export interface AppendLogOptions {
  readonly files?: DurableFiles;
  /** Shortest time between two commits, milliseconds: lines that arrive meanwhile share one fsync. */
  readonly commitIntervalMs?: number;
  /** Told of a line that a crash cut off, before it is removed. */
  readonly onTornLine?: (torn: { readonly path: string; readonly offset: number; readonly sizeBytes: number }) => void;
}

interface PendingLine {
  readonly bytes: Buffer;
  readonly span: LineSpan;
  resolve(span: LineSpan): void;
  reject(error: unknown): void;
}

const NEWLINE = 0x0a;

/**
 * A file that only grows, line by line. `append` resolves when its line is on the disk (fsync), not before; lines that
 * arrive together share a commit, so that thousands a second cost some hundred fsyncs. After a failed write the log is
 * cut back to its last whole commit and refuses every further line with the same error. One writer at a time.
 */
export class AppendLog {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #commitIntervalMs: number;
  #pending: PendingLine[] = [];
  #end: number;
  #committed: number;
  #lastCommitAt = Number.NEGATIVE_INFINITY;
  #committing: Promise<void> | undefined;
  #failure: unknown;
  #isClosed = false;

  private constructor(path: string, file: OpenFile, end: number, commitIntervalMs: number) {
    this.path = path;
    this.#file = file;
    this.#end = end;
    this.#committed = end;
    this.#commitIntervalMs = commitIntervalMs;
  }

  /** Opens or makes the log; a last line without its newline is reported and removed. */
  static async open(path: string, options: AppendLogOptions = {}): Promise<AppendLog> {
    const { files = nodeDurableFiles, commitIntervalMs = 10, onTornLine } = options;
    try {
      const file = await openForUpdate(path, files);
      const { size } = await file.stat();
      const end = await endOfLastLine(file, size);
      if (end < size) {
        onTornLine?.({ path, offset: end, sizeBytes: size - end });
        await file.truncate(end);
        await file.sync();
      }
      return new AppendLog(path, file, end, commitIntervalMs);
    } catch (error) {
      throw fileError(path, error);
    }
  }

  /** Bytes of whole, durable lines. */
  get sizeBytes(): number {
    return this.#committed;
  }

  /**
   * Adds one line (a JSON value); resolves with its place once it is durable.
   * @throws {AppError} `disk-full`, or `limit-exceeded` for a line that no reader would take.
   */
  append(value: unknown): Promise<LineSpan> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isClosed) return Promise.reject(new Error(`bug in grappa: ${this.path} is closed`));
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`, "utf8");
    if (bytes.length - 1 > MAX_LINE_BYTES) return Promise.reject(tooLong(this.path, bytes.length - 1));
    const span = { offset: this.#end, sizeBytes: bytes.length - 1 };
    this.#end += bytes.length;
    return new Promise((resolve, reject) => {
      this.#pending.push({ bytes, span, resolve, reject });
      this.#committing ??= this.#commitSoon();
    });
  }

  /** Reads a durable line back. */
  async read({ offset, sizeBytes }: LineSpan): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    for (let done = 0; done < sizeBytes; ) {
      const { bytesRead } = await this.#file.read(bytes, done, sizeBytes - done, offset + done);
      if (bytesRead === 0) throw new AppError("file-corrupt", `${this.path} is shorter than it was`);
      done += bytesRead;
    }
    return bytes;
  }

  /** Commits what is pending and closes the file; may be called twice. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#committing;
    await this.#file.close();
  }

  async #commitSoon(): Promise<void> {
    while (this.#pending.length > 0 && this.#failure === undefined) {
      const waitMs = this.#lastCommitAt + this.#commitIntervalMs - performance.now();
      await new Promise<void>((resolve) => (waitMs > 0 ? setTimeout(resolve, waitMs) : setImmediate(resolve)));
      await this.#commit();
    }
    this.#committing = undefined;
  }

  async #commit(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    this.#lastCommitAt = performance.now();
    try {
      const bytes = Buffer.concat(batch.map((line) => line.bytes));
      await writeFully(this.#file, bytes, this.#committed);
      await this.#file.sync();
      this.#committed += bytes.length;
    } catch (error) {
      await this.#fail(fileError(this.path, error), batch);
      return;
    }
    for (const line of batch) line.resolve(line.span);
  }

  async #fail(error: unknown, batch: readonly PendingLine[]): Promise<void> {
    this.#failure = error;
    // Half a line may be on the disk. Cutting it off keeps the log whole; if that fails too, the next open does it.
    await this.#file.truncate(this.#committed).catch(() => undefined);
    for (const line of [...batch, ...this.#pending]) line.reject(error);
    this.#pending = [];
  }
}

async function openForUpdate(path: string, files: DurableFiles): Promise<OpenFile> {
  try {
    return await files.open(path, "r+");
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    const file = await files.open(path, "wx+");
    await syncFolder(dirname(path), files);
    return file;
  }
}

/** Offset just behind the last newline, searched from the end. */
async function endOfLastLine(file: OpenFile, size: number): Promise<number> {
  const block = Buffer.allocUnsafe(64 * 1024);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}

function tooLong(path: string, sizeBytes: number): AppError {
  return new AppError("limit-exceeded", `${path}: a line of ${sizeBytes} bytes exceeds ${MAX_LINE_BYTES} bytes`, {
    data: { path, sizeBytes, maxLineBytes: MAX_LINE_BYTES },
  });
}
