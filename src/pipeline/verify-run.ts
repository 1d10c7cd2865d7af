/**
 * @file Whether a run's folder still is what it says: every file by its hash, every stage by what it was made from, and the
 * selection made again, byte for byte. Needs the folder alone: no network, no model, no key. What is outside every hash (journal,
 * timings, events) is not looked at, and neither are the notes of other stages than the selection.
 */
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson, sha256Hex, shortHash } from "../core/hash.ts";
import type { StageManifest, StageName } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { curationFiles, readCuration } from "./curation.ts";
import { type FoundStage, findStages } from "./finished-stages.ts";
import { rederiveSelection } from "./rederive-selection.ts";
import { readRecipe, readRunManifest } from "./run-folder.ts";
import type { Stage, StageInput } from "./stage.ts";
import { openStageInput } from "./stage-files.ts";

/** One thing that is not as it should be. */
export interface RunProblem {
  /** The file, seen from the run's folder. */
  readonly file: string;
  readonly problem: string;
}

/** What was checked, and what is wrong. */
export interface RunVerification {
  readonly stages: readonly StageName[];
  /** Files compared with their hashes. */
  readonly files: number;
  readonly bytes: number;
  /** Rows of the selection that was made again; null while the run has none, or what it is made from is damaged. */
  readonly selected: number | null;
  readonly problems: readonly RunProblem[];
}

/**
 * Checks a run's folder, and changes nothing.
 *
 * @param stages the stages of a run as this grappa has them; only the selection is run.
 * @throws AppError "file-missing" where there is no run; "schema-version" when another grappa wrote it.
 */
export async function verifyRun(
  fs: FileSystem,
  runFolder: string,
  { stages, signal }: { readonly stages: readonly Stage[]; readonly signal: AbortSignal },
): Promise<RunVerification> {
  const recipe = await readRecipe(fs, runFolder);
  if (recipe === undefined) throw new AppError("file-missing", `${runFolder}: no recipe.resolved.json there`);
  const found = await findStages(fs, runFolder, "hashes");
  const manifests = new Map(
    found.flatMap(({ stage, state }) => (state.status === "done" ? [[stage, state.manifest] as const] : [])),
  );
  const run: CheckedRun = { fs, runFolder, recipe, manifests, inputs: inputsOf(fs, found) };
  const problems = [...(await recipeProblems(run)), ...(await stageProblems(run, found, stages))];
  const again = await rederive(run, stages, signal);
  if (again !== undefined) problems.push(...again.problems);
  problems.push(...(await curationProblems(run)));
  const files = [...manifests.values()].flatMap((manifest) => manifest.files);
  return {
    stages: [...manifests.keys()],
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    selected: again?.selected ?? null,
    problems,
  };
}

interface CheckedRun {
  readonly fs: FileSystem;
  readonly runFolder: string;
  readonly recipe: Recipe;
  readonly manifests: ReadonlyMap<StageName, StageManifest>;
  readonly inputs: ReadonlyMap<StageName, StageInput>;
}

function inputsOf(fs: FileSystem, found: readonly FoundStage[]): Map<StageName, StageInput> {
  return new Map(
    found.flatMap(({ stage, folder, state }) =>
      state.status === "done" ? [[stage, openStageInput(fs, folder, state.manifest)] as const] : [],
    ),
  );
}

/** The finished run's manifest and the recipe beside it must say the same. */
async function recipeProblems({ fs, runFolder, recipe, manifests }: CheckedRun): Promise<RunProblem[]> {
  const manifest = await readRunManifest(fs, runFolder);
  if (manifest === undefined) return [];
  const problems = await formatProblems(fs, joinPath(runFolder, "manifest.json"), { file: "manifest.json", manifest });
  const { schemaVersion: _version, ...resolved } = recipe;
  if (canonicalJson(manifest.recipe) !== canonicalJson(resolved))
    problems.push({ file: "recipe.resolved.json", problem: "is not the recipe that manifest.json names" });
  for (const { stage, outputHash } of manifest.stages) {
    const own = manifests.get(stage)?.outputHash;
    if (own !== undefined && own !== outputHash)
      problems.push({ file: "manifest.json", problem: `names another output of ${stage} than is there` });
  }
  return problems;
}

async function stageProblems(
  run: CheckedRun,
  found: readonly FoundStage[],
  stages: readonly Stage[],
): Promise<RunProblem[]> {
  const isComplete = (await readRunManifest(run.fs, run.runFolder)) !== undefined;
  const problems: RunProblem[] = [];
  for (const { stage, folder, state } of found) {
    const file = (name: string): string =>
      joinPath(folder, name)
        .slice(run.runFolder.length + 1)
        .replaceAll("\\", "/");
    if (state.status === "damaged") problems.push({ file: file(state.file), problem: withoutName(state) });
    else if (state.status === "done") {
      const { manifest } = state;
      const definition = stages.find(({ name }) => name === stage);
      problems.push(
        ...(await formatProblems(run.fs, joinPath(folder, "manifest.json"), { file: file("manifest.json"), manifest })),
      );
      for (const problem of manifestProblems(manifest, run, definition))
        problems.push({ file: file("manifest.json"), problem });
    } else if (isComplete)
      problems.push({ file: file("manifest.json"), problem: "is missing, and the run says it is finished" });
  }
  return problems;
}

/** "does not have the hash its manifest says", without the name that stands beside it. */
function withoutName({ file, reason }: { readonly file: string; readonly reason: string }): string {
  return reason.startsWith(`${file} `) ? reason.slice(file.length + 1) : reason;
}

/** A manifest is written in one form; a byte that changes no value changes that. */
async function formatProblems(
  fs: FileSystem,
  path: string,
  { file, manifest }: { readonly file: string; readonly manifest: unknown },
): Promise<RunProblem[]> {
  const text = await fs.readText(path, MAX_MANIFEST_BYTES);
  return text === `${JSON.stringify(manifest, null, 2)}\n`
    ? []
    : [{ file, problem: "is not written as grappa writes it" }];
}

const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** What a manifest says that does not fit its own hashes, the stages it read, or the recipe. */
function manifestProblems(manifest: StageManifest, run: CheckedRun, definition: Stage | undefined): string[] {
  const { stage, key, codeVersion, config, facts, inputs, files, outputHash } = manifest;
  const problems: string[] = [];
  if (sha256Hex(canonicalJson(files)) !== outputHash) problems.push("its output hash is not that of its files");
  if (shortHash(canonicalJson({ stage, codeVersion, config, facts, inputs })) !== key)
    problems.push("its key is not that of what it was made from");
  for (const [name, hash] of Object.entries(inputs)) {
    const read = run.manifests.get(name as StageName)?.outputHash;
    if (read !== undefined && read !== hash) problems.push(`it was made from another output of ${name} than is there`);
  }
  if (definition === undefined) return problems;
  if (codeVersion !== definition.codeVersion)
    problems.push(`it was made by version ${codeVersion} of the stage, and this grappa has ${definition.codeVersion}`);
  else if (canonicalJson(config) !== canonicalJson(definition.config(run.recipe)))
    problems.push("its settings are not those of recipe.resolved.json");
  return problems;
}

/** Makes the selection again where all that it reads is whole. */
async function rederive(run: CheckedRun, stages: readonly Stage[], signal: AbortSignal) {
  const stage = stages.find(({ name }) => name === "select");
  const manifest = run.manifests.get("select");
  const selected = run.inputs.get("select");
  if (stage === undefined || manifest === undefined || selected === undefined) return undefined;
  if (stage.codeVersion !== manifest.codeVersion) return undefined;
  const isWhole = Object.keys(manifest.inputs).every((name) => run.inputs.has(name as StageName));
  if (!isWhole) return undefined;
  const differences = await rederiveSelection(stage, { ...run, selected, signal });
  const folder = `stages/select-${manifest.key}`;
  return {
    selected: manifest.files.find(({ path }) => path === "selection.jsonl")?.rows ?? 0,
    problems: differences.map(({ file, problem }) => ({ file: `${folder}/${file}`, problem })),
  };
}

/** The copies that `grappa curate` leaves at the top of the folder; those that are not there are not missed. */
async function curationProblems({ fs, runFolder, inputs }: CheckedRun): Promise<RunProblem[]> {
  if (!inputs.has("select")) return [];
  const problems: RunProblem[] = [];
  for (const { name, text } of curationFiles(fs, inputs, await readCuration(inputs, runFolder))) {
    const path = joinPath(runFolder, name);
    if ((await fs.kind(path)) !== "file") continue;
    let wanted = "";
    for await (const piece of text()) wanted = sha256Hex(`${wanted}${piece}`);
    let found = "";
    for await (const piece of name.endsWith(".jsonl") ? linesOf(fs, path) : wholeOf(fs, path))
      found = sha256Hex(`${found}${piece}`);
    if (found !== wanted) problems.push({ file: name, problem: "is not what the stages' outputs give" });
  }
  return problems;
}

async function* linesOf(fs: FileSystem, path: string): AsyncGenerator<string> {
  for await (const line of fs.readLines(path, MAX_MANIFEST_BYTES)) yield `${line}\n`;
}

async function* wholeOf(fs: FileSystem, path: string): AsyncGenerator<string> {
  yield await fs.readText(path, MAX_MANIFEST_BYTES);
}
