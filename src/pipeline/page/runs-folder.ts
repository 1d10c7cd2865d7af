/** @file Where the page finds runs: a folder of them, or one run's own. */
import { basename } from "node:path";
import { type FileSystem, joinPath } from "../../adapters/file-system.ts";
import { AppError } from "../../core/errors.ts";

/** Each of them tells a run, a broken one too, from a folder of anything else. */
const MARKS: readonly string[] = ["run.json", "recipe.resolved.json", "events.jsonl"];

/** A folder of runs, or of one. */
export class RunsFolder {
  readonly #fs: FileSystem;
  readonly folder: string;

  /** @param folder absolute */
  constructor(fs: FileSystem, folder: string) {
    this.#fs = fs;
    this.folder = folder;
  }

  /** Names of the runs, ordered. A run's own folder holds itself alone. */
  async names(): Promise<string[]> {
    if (await this.#isRun(this.folder)) return [basename(this.folder)];
    const names: string[] = [];
    for (const name of await this.#fs.names(this.folder))
      if (await this.#isRun(joinPath(this.folder, name))) names.push(name);
    return names;
  }

  /**
   * The folder of a run. Nothing but a name that is listed leads anywhere.
   *
   * @throws AppError "file-missing".
   */
  async folderOf(name: string): Promise<string> {
    const isOne = await this.#isRun(this.folder);
    if (isOne && name === basename(this.folder)) return this.folder;
    const names = isOne ? [] : await this.#fs.names(this.folder);
    const folder = joinPath(this.folder, names.find((each) => each === name) ?? "");
    if (names.includes(name) && (await this.#isRun(folder))) return folder;
    throw new AppError("file-missing", `${this.folder} holds no run "${name.slice(0, 100)}"`);
  }

  async #isRun(folder: string): Promise<boolean> {
    if ((await this.#fs.kind(folder)) !== "folder") return false;
    for (const mark of MARKS) if ((await this.#fs.kind(joinPath(folder, mark))) === "file") return true;
    return false;
  }
}
