/**
 * @file The cache of the hub's data: a folder a commit, with its files and a list of them that is written when the commit is
 * first seen. A commit never changes, so what is there needs no network; its hashes are checked all the same.
 */
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../../core/errors.ts";
import { type FileSystem, joinPath } from "../../file-system.ts";
import { HubFile } from "./hub-files.ts";

const MAX_LIST_BYTES = 64 * 1024 * 1024;
const FileList = z.object({ files: z.array(HubFile) });
const Refs = z.record(z.string(), z.string().regex(/^[0-9a-f]{40}$/));

/** The cache of one data set. */
export class HubCache {
  readonly #fs: FileSystem;
  readonly #folder: string;

  constructor(fs: FileSystem, cacheFolder: string, repo: string) {
    this.#fs = fs;
    this.#folder = join(cacheFolder, "hub", repo.replace("/", "--"));
  }

  /** Where a file of a commit belongs. */
  pathOf(commit: string, file: string): string {
    return joinPath(join(this.#folder, commit, "files"), file);
  }

  /** Removes a file that is damaged. */
  async remove(path: string): Promise<void> {
    await this.#fs.remove(path);
  }

  /** The files of a commit, as they were listed; undefined where it is not in the cache, or its list is damaged. */
  async fileList(commit: string): Promise<readonly HubFile[] | undefined> {
    return (await this.#read(join(this.#folder, commit, "list.json"), FileList))?.files;
  }

  async saveFileList(commit: string, files: readonly HubFile[]): Promise<void> {
    await this.#fs.writeAtomic(join(this.#folder, commit, "list.json"), JSON.stringify({ files }));
  }

  /** The commit that a branch or tag stood for when it was last asked; undefined where it never was. */
  async lastCommit(revision: string): Promise<string | undefined> {
    const refs = await this.#read(join(this.#folder, "refs.json"), Refs);
    return refs !== undefined && Object.hasOwn(refs, revision) ? refs[revision] : undefined;
  }

  async saveCommit(revision: string, commit: string): Promise<void> {
    const path = join(this.#folder, "refs.json");
    const refs = { ...(await this.#read(path, Refs)), [revision]: commit };
    await this.#fs.writeAtomic(path, JSON.stringify(refs));
  }

  async #read<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      const parsed = schema.safeParse(JSON.parse(await this.#fs.readText(path, MAX_LIST_BYTES)));
      return parsed.success ? parsed.data : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined; // a damaged list is fetched anew
      if (error instanceof AppError && error.code === "file-missing") return undefined;
      throw error;
    }
  }
}
