/** @file The selection made again from the outputs that it read, into memory, and compared with what stands on the disk. */
import type { FileSystem } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/hash.ts";
import type { StageName } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { TriageVerdict } from "../schema/triage.ts";
import type { Stage, StageContext, StageInput, StageOutput, StageSummary } from "./stage.ts";
import { triageFact } from "./triage-file.ts";

/** The run whose selection is made again. */
export interface RederiveOptions {
  readonly fs: FileSystem;
  readonly runFolder: string;
  readonly recipe: Recipe;
  readonly inputs: ReadonlyMap<StageName, StageInput>;
  /** The selection as it stands. */
  readonly selected: StageInput;
  readonly signal: AbortSignal;
}

/** A file of the stage, and how it differs. */
export interface Difference {
  readonly file: string;
  readonly problem: string;
}

const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Where the selection differs from what its inputs give: each file with its first line that does, and the manifest. */
export async function rederiveSelection(stage: Stage, options: RederiveOptions): Promise<Difference[]> {
  const { fs, selected } = options;
  const files = new Map<string, string[]>();
  const verdicts = await verdictsOf(selected);
  if (triageFact(verdicts).triage !== selected.manifest.facts.triage)
    return [{ file: "triage.jsonl", problem: "its decisions are not those of the selection's key" }];
  const summary = await tryRun(stage, contextOf(options, { files, verdicts }));
  if (typeof summary === "string")
    return [{ file: "manifest.json", problem: `the selection cannot be made again: ${summary}` }];
  const differences: Difference[] = [];
  const { manifest } = selected;
  for (const { path } of manifest.files)
    if (!files.has(path)) differences.push({ file: path, problem: "the selection does not write it" });
  for (const [file, lines] of files) {
    if (!manifest.files.some(({ path }) => path === file)) {
      differences.push({ file, problem: "is missing" });
      continue;
    }
    const line = await firstDifference(fs.readLines(selected.path(file), MAX_LINE_BYTES), lines);
    if (line !== undefined) differences.push({ file, problem: `line ${line} is not what the inputs give` });
  }
  if (
    canonicalJson({ funnel: summary.funnel ?? [], notes: summary.notes ?? {} }) !==
    canonicalJson({ funnel: manifest.funnel, notes: manifest.notes })
  )
    differences.push({ file: "manifest.json", problem: "its funnel or notes are not what the inputs give" });
  return differences;
}

/** The decisions that the selection honoured: its own copy, for the run's may have changed since. */
async function verdictsOf({ manifest, readRows }: StageInput): Promise<readonly TriageVerdict[]> {
  return manifest.files.some(({ path }) => path === "triage.jsonl")
    ? await readRows("triage.jsonl", TriageVerdict)
    : [];
}

async function tryRun(stage: Stage, context: StageContext): Promise<StageSummary | string> {
  try {
    return await stage.run(context);
  } catch (error) {
    if (error instanceof AppError && error.code !== "interrupted") return error.message;
    throw error;
  }
}

/** Number of the first line that differs, from 1; undefined where none does. */
async function firstDifference(found: AsyncIterable<string>, wanted: readonly string[]): Promise<number | undefined> {
  let place = 0;
  for await (const line of found) {
    if (line !== wanted[place]) return place + 1;
    place += 1;
  }
  return place === wanted.length ? undefined : place + 1;
}

/** A stage's surroundings in which it can read, write into memory, and do nothing else. */
function contextOf(
  { recipe, runFolder, inputs, signal }: RederiveOptions,
  { files, verdicts }: { readonly files: Map<string, string[]>; readonly verdicts: readonly TriageVerdict[] },
): StageContext {
  const refuse = (): never => {
    throw new Error("bug in grappa: the selection asks for what it must not need");
  };
  return {
    recipe,
    key: "",
    baseFolder: runFolder,
    recipeFolder: runFolder,
    signal,
    output: memoryOutput(files, refuse),
    workFolder: runFolder,
    journalFolder: runFolder,
    accounts: refuse,
    verdicts,
    retryFailed: false,
    input: (name) => inputs.get(name) ?? refuse(),
    progress: () => undefined,
    warn: () => undefined,
    measure: () => undefined,
  };
}

function memoryOutput(files: Map<string, string[]>, refuse: () => never): StageOutput {
  const open = (file: string): string[] => {
    const lines: string[] = [];
    files.set(file, lines);
    return lines;
  };
  return {
    path: refuse,
    writeRows: async (file, rows) => {
      const lines = open(file);
      for await (const row of rows) lines.push(JSON.stringify(row));
    },
    openRows: async (file) => {
      const lines = open(file);
      return {
        write: async (row) => void lines.push(JSON.stringify(row)),
        close: async () => undefined,
        abandon: async () => undefined,
      };
    },
    writeJson: refuse,
    writeBytes: refuse,
  };
}
