/** @file The page's own files, read once: what is not among them cannot be asked for. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { AppError } from "../../core/errors.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** One file. */
export interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Of its content, for `if-none-match`. */
  readonly tag: string;
  /** Whether its name changes with its content. */
  readonly isNamedByContent: boolean;
}

/**
 * The files of the built page by their addresses; `/` is its document.
 *
 * @throws AppError "file-missing" where it was not built.
 */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of entries) {
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = new Uint8Array(await readFile(path));
    const address = `/${relative(folder, path).split(sep).join("/")}`;
    const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    files.set(address === "/index.html" ? "/" : address, {
      bytes,
      type,
      tag,
      isNamedByContent: address.startsWith("/assets/"),
    });
  }
  if (files.has("/")) return files;
  throw new AppError("file-missing", `${folder}: the page is not there`, {
    hint: "build it: npm run build",
    data: { folder },
  });
}
