import { AppError } from "../../../core/errors.ts";
import { DATA_ENDINGS } from "../data-endings.ts";
import type { HubReference } from "./hub-reference.ts";

/** A file of a data set, as far as it matters here. */
interface NamedFile {
  readonly path: string;
}

/**
 * The data files that a reference means, shards in their order: a path; a split or `config/split` by the hub's usual names
 * (`test.jsonl`, `data/test-00000-of-00002.parquet`, `main/test-00000-of-00001.parquet`) or those of its own conversion to
 * Parquet (`main/test/0000.parquet`, at the revision refs/convert/parquet); or the only data file of the set.
 *
 * @throws AppError "file-missing" with what there is, "usage" where the reference fits several files that are no shards.
 */
export function selectFiles<T extends NamedFile>(files: readonly T[], { repo, selection }: HubReference): readonly T[] {
  const data = files.filter(({ path }) => DATA_ENDINGS.some((ending) => path.toLowerCase().endsWith(ending)));
  const exact = data.find(({ path }) => path === selection);
  if (exact !== undefined) return [exact];
  const fitting = selection === undefined ? data.filter(isNoSetting) : data.filter(({ path }) => fits(path, selection));
  const paths = data.map(({ path }) => path);
  if (fitting.length === 0) {
    throw new AppError("file-missing", `${repo} has no data ${selection === undefined ? "file" : `for ${selection}`}`, {
      hint: `its data files: ${paths.length === 0 ? "none" : paths.slice(0, 30).join(", ")}`,
      data: { repo, files: paths.slice(0, 200) },
    });
  }
  if (!areShards(fitting)) {
    throw new AppError("usage", `${repo}: ${selection ?? "no path given:"} fits ${fitting.length} files`, {
      hint: `name one: ${fitting
        .map(({ path }) => path)
        .slice(0, 30)
        .join(", ")}`,
      data: { repo, files: fitting.map(({ path }) => path) },
    });
  }
  return [...fitting].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Files that describe a set rather than hold its rows. */
function isNoSetting({ path }: NamedFile): boolean {
  return !/(^|\/)(dataset_infos?|config|package|croissant)\.json$/.test(path);
}

/** Whether a file holds a split: its name without shard and ending is the split, its folder the config. */
function fits(path: string, selection: string): boolean {
  const parts = selection.split("/");
  const [split = "", config] = parts.length > 1 ? [parts.at(-1), parts.slice(0, -1).join("/")] : [parts[0]];
  const { folder, stem } = isConverted(path) ? nameOf(`${path.slice(0, path.lastIndexOf("/"))}.parquet`) : nameOf(path);
  return stem === split && (config === undefined || folder === config || folder.endsWith(`/${config}`));
}

/** Whether a file is a shard of the hub's own conversion: a number, in a folder of its split's name. */
function isConverted(path: string): boolean {
  return /\/[0-9]{4}\.parquet$/.test(path);
}

function nameOf(path: string): { folder: string; stem: string; shard: string } {
  const slash = path.lastIndexOf("/");
  const match = /^(.*?)(-[0-9]{5}-of-[0-9]{5})?\.[^.]+$/.exec(path.slice(slash + 1));
  return { folder: path.slice(0, Math.max(0, slash)), stem: match?.[1] ?? "", shard: match?.[2] ?? "" };
}

function areShards(files: readonly NamedFile[]): boolean {
  const folders = new Set(files.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
  if (folders.size === 1 && files.every(({ path }) => isConverted(path))) return true;
  const names = files.map(({ path }) => nameOf(path));
  const [first] = names;
  const isOne = names.every(
    ({ folder, stem, shard }) => folder === first?.folder && stem === first.stem && shard !== "",
  );
  return files.length === 1 || (isOne && names.every(({ shard }) => Number(shard.slice(-5)) === files.length));
}
