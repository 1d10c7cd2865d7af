/**
 * @file Files as a tar stream, out and in, for machines that are reached by ssh. What comes in is not ours to trust: plain files
 * and folders below one path are taken, and nothing else.
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "../../core/errors.ts";
import { fileError } from "../file-error.ts";
import { makeFolders } from "../make-folders.ts";
import { throwIfInterrupted } from "./interruption.ts";
import { checkedJobPath } from "./job-checks.ts";
import type { BundleFile } from "./launcher.ts";

const BLOCK = 512;
const NAME_BYTES = 100;
/** The largest size that fits into twelve octal digits; more is written in base 256, as GNU's and BSD's tar read it. */
const MAX_OCTAL = 8 ** 11 - 1;
const MAX_EXTENSION = 1 << 20;

/** The files as a tar archive, ended by two empty blocks. Links among our own files are followed. */
export async function* packTar(files: readonly BundleFile[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    const path = checkedJobPath(file.path).join("/");
    if ("bytes" in file) yield* entry(path, file.bytes.length, [file.bytes]);
    else yield* packTree(file.from, path, signal);
  }
  yield new Uint8Array(2 * BLOCK);
}

async function* packTree(from: string, path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  throwIfInterrupted(signal);
  try {
    const facts = await stat(from);
    if (facts.isFile()) yield* entry(path, facts.size, contentOf(from, facts.size));
    if (!facts.isDirectory()) return;
    for (const name of (await readdir(from)).sort()) yield* packTree(join(from, name), `${path}/${name}`, signal);
  } catch (error) {
    throw fileError(from, error);
  }
}

async function* contentOf(from: string, size: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  if (size > 0)
    // the end of a stream's range is inclusive
    for await (const chunk of createReadStream(from, { end: size - 1, highWaterMark: 1 << 20 })) {
      length += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  if (length !== size)
    throw new AppError("file-corrupt", `${from}: it shrank from ${size} to ${length} bytes meanwhile`);
}

async function* entry(
  path: string,
  size: number,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const name = Buffer.from(path);
  if (name.length > NAME_BYTES) {
    yield header(Buffer.from("././@LongLink"), name.length + 1, "L");
    yield padded(Buffer.concat([name, Buffer.alloc(1)]));
  }
  yield header(name.subarray(0, NAME_BYTES), size, "0");
  yield* content;
  yield new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

const padded = (bytes: Buffer): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);

function header(name: Buffer, size: number, type: "0" | "L"): Buffer {
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0);
  block.write("0000644\0", 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  if (size <= MAX_OCTAL) block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else {
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  block.write("00000000000\0", 136);
  block.write("        ", 148);
  block.write(type, 156);
  block.write("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/**
 * Takes the plain files and folders of an archive whose names begin with `path`, and puts them at `to`, in the place of that
 * path.
 *
 * @returns whether there was anything
 * @throws AppError "file-corrupt" for what is no archive, is cut short, or names a path that leads elsewhere
 */
export async function unpackTar(
  stream: AsyncIterable<Uint8Array>,
  { path, to, signal }: { readonly path: string; readonly to: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const blocks = new ByteSource(stream);
  let isFound = false;
  let longName: string | undefined;
  for (;;) {
    throwIfInterrupted(signal);
    const head = await blocks.exactly(BLOCK);
    if (head === undefined || head.every((byte) => byte === 0)) return isFound;
    const { name, size, type } = readHeader(head);
    if (type === "L" || type === "x") {
      if (size > MAX_EXTENSION) throw corrupt("a name without end");
      const text = ((await blocks.exactly(size)) ?? Buffer.alloc(0)).toString("utf8");
      await blocks.skip((BLOCK - (size % BLOCK)) % BLOCK);
      longName = type === "L" ? text.replace(/\0.*$/s, "") : (/^\d+ path=(.*)$/m.exec(text)?.[1] ?? longName);
      continue;
    }
    const target = targetOf(longName ?? name, path, to);
    longName = undefined;
    if (type === "0" && target !== undefined) await unpackFile(blocks, target, size);
    else await blocks.skip(size);
    if (type === "5" && target !== undefined) await makeFolders(target);
    isFound ||= target !== undefined && (type === "0" || type === "5");
    await blocks.skip((BLOCK - (size % BLOCK)) % BLOCK);
  }
}

function targetOf(name: string, path: string, to: string): string | undefined {
  const plain = name.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  if (plain === path) return to;
  if (!plain.startsWith(`${path}/`)) return undefined;
  try {
    return join(to, ...checkedJobPath(plain.slice(path.length + 1)));
  } catch (cause) {
    throw corrupt("a path that leads elsewhere", cause);
  }
}

function readHeader(head: Buffer): { name: string; size: number; type: string } {
  const text = (from: number, length: number): string =>
    head.toString("utf8", from, from + length).replace(/\0.*$/s, "");
  const isLarge = (head[124] ?? 0) >= 0x80;
  const size = isLarge ? Number(head.readBigUInt64BE(128)) : Number.parseInt(text(124, 12).trim() || "0", 8);
  const prefix = head.toString("latin1", 257, 263) === "ustar\0" ? text(345, 155) : "";
  if (!Number.isSafeInteger(size) || size < 0 || !head.toString("latin1", 257, 262).startsWith("ustar"))
    throw corrupt("no tar archive");
  const type = String.fromCharCode(head[156] ?? 0);
  return { name: prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`, size, type: type === "\0" ? "0" : type };
}

async function unpackFile(blocks: ByteSource, to: string, size: number): Promise<void> {
  let file: FileHandle | undefined;
  try {
    await makeFolders(dirname(to));
    file = await open(to, "w");
    for await (const bytes of blocks.take(size)) await file.writeFile(bytes);
  } catch (error) {
    throw fileError(to, error);
  } finally {
    await file?.close();
  }
}

/** Bytes of a stream by count. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  /** So many bytes in pieces, as they come. */
  async *take(count: number): AsyncGenerator<Buffer> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw corrupt("an archive that is cut short");
        this.#rest = Buffer.from(next.value);
        continue;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** So many bytes at once; undefined where the stream has ended before the first. */
  async exactly(count: number): Promise<Buffer | undefined> {
    while (this.#rest.length < count) {
      const next = await this.#chunks.next();
      if (next.done === true) {
        if (this.#rest.length === 0) return undefined;
        throw corrupt("an archive that is cut short");
      }
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.take(count)) continue;
  }
}

const corrupt = (what: string, cause?: unknown): AppError =>
  new AppError("file-corrupt", `the other machine sent ${what}`, { cause, isRetryable: true });
