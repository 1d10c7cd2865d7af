/** @file The wiring of a run: engine, facts and the nine stages. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileError } from "../adapters/file-error.ts";
import { type ModelFolder, readModelFolder, readTokenizerFolder } from "../adapters/model-folder.ts";
import { type EngineHost, openEngine } from "../adapters/engine/open-engine.ts";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { AppError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import type { RunFact } from "../schema/manifest.ts";
import type { Recipe } from "../schema/recipe.ts";
import { checkEmbedded, embeddedMemory } from "../student/embedded-memory.ts";
import { areMatricesBf16 } from "../student/parameter-memory.ts";
import { studentFormat } from "../tokenize/student-format.ts";
import { thinkingDelimiters } from "../tokenize/thinking-delimiters.ts";
import { describeBase } from "./base-fact.ts";
import { describeKernels } from "./kernel-fact.ts";
import type { HubAccess } from "./open-data.ts";
import { describeJobBase, heldHere, launchedWorld } from "./open-launched.ts";
import type { OpenServicesOptions, RunServices } from "./services.ts";
import type { Stage } from "./stage.ts";
import { attemptStage } from "./stages/attempt.ts";
import { localFiles } from "./sources/source-places.ts";
import { collectStage } from "./stages/collect.ts";
import type { EngineProvider } from "./stages/engine-provider.ts";
import { benchmarkFiles } from "./stages/load-benchmarks.ts";
import { embeddedUse } from "./stages/embedded-training.ts";
import { evaluateStage } from "./stages/evaluate.ts";
import type { LaunchedWorld } from "./stages/launched/launched-world.ts";
import { gradeStage } from "./stages/grade.ts";
import { reportStage } from "./stages/report.ts";
import { selectStage } from "./stages/select.ts";
import { tokenizeStage } from "./stages/tokenize.ts";
import type { TeacherWorld } from "./stages/teacher-world.ts";
import { traceStage } from "./stages/trace.ts";
import { trainStage } from "./stages/train.ts";

/** Linear memory of the engine at first: the demo's student needs a tenth of it; untouched pages cost nothing. */
const ENGINE_BYTES = 1 << 30;

/** What some stages need of the world beside models and teachers. */
export interface StageWorlds {
  readonly hub?: HubAccess | undefined;
  /** Where a launcher trains the student. */
  readonly launched?: LaunchedWorld | undefined;
}

/** All nine stages over one engine. */
export function buildStages(engine: EngineProvider, world: TeacherWorld, { hub, launched }: StageWorlds = {}): Stage[] {
  return [
    collectStage(hub),
    attemptStage(engine, world, launched),
    traceStage(world, hub),
    gradeStage(world),
    selectStage(),
    tokenizeStage(),
    trainStage(engine, world, launched),
    evaluateStage(engine, world, launched),
    reportStage(),
  ];
}

/**
 * Opens what a run needs: checks the base, starts the engine, and finds out what the stages' outputs depend on.
 *
 * @throws AppError "model-missing", "checkpoint-corrupt", "tokenizer-corrupt" about the base; "engine".
 */
export async function openServices(options: OpenServicesOptions): Promise<RunServices> {
  const { recipe, baseFolder, recipeFolder, threads, fs } = options;
  if (recipe.student.hosted) return await openHosted(options);
  if (recipe.train.launcher !== undefined) return await openLaunched(options);
  const base = await readModelFolder(baseFolder);
  // What the student cannot be trained or decoded in is refused before anything is asked or paid.
  studentFormat(base, recipe.tokenize.style);
  thinkingDelimiters(base.tokenizer, "Wait", recipe.tokenize.style);
  if (recipe.train.launcher === undefined) checkEmbeddedBase(recipe, base, threads);
  const engine: EngineHost = await openEngine({ threads, memoryBytes: ENGINE_BYTES });
  try {
    const info = await engine.describe();
    const facts: Partial<Record<RunFact, string>> = {
      baseWeights: describeBase(base),
      tokenizer: base.tokenizerHash,
      chatTemplate: await templateHash(fs, baseFolder, base.tokenizerHash),
      kernelBuild: await describeKernels(info.kernelBuild),
      ...(await questionFiles(fs, recipe, recipeFolder)),
    };
    return {
      stages: buildStages(() => Promise.resolve(engine), teacherWorld(options), { hub: options.hub }),
      facts,
      notes: info.notes,
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/** Refuses what the engine cannot train however short the examples turn out. */
function checkEmbeddedBase(recipe: Recipe, { config, tensors }: ModelFolder, threads: number): void {
  const known = { isBaseBf16: areMatricesBf16(config, tensors), longestTokens: 1, threads };
  checkEmbedded("training", embeddedMemory(config, embeddedUse(recipe, known)).trainBytes);
}

const noEngine: EngineProvider = () => Promise.reject(new Error("bug in grappa: no engine was opened"));

/** The stages as they are, for who looks at a run's folder: none of them can compute or ask anybody. */
export function stagesToRead(): Stage[] {
  return buildStages(noEngine, teacherWorld({ secrets: () => undefined, runFolder: "" }));
}

/** A student that another trains and serves needs no base and no engine here. */
async function openHosted(options: OpenServicesOptions): Promise<RunServices> {
  const { fs, recipe, recipeFolder } = options;
  return {
    stages: buildStages(noEngine, teacherWorld(options), { hub: options.hub }),
    facts: await questionFiles(fs, recipe, recipeFolder),
    notes: [],
    close: () => Promise.resolve(),
  };
}

/** A student that PyTorch trains: here are its tokenizer and configuration; its weights only if the engine can hold them. */
async function openLaunched(options: OpenServicesOptions): Promise<RunServices> {
  const { fs, recipe, recipeFolder, baseFolder, threads } = options;
  const base = await readTokenizerFolder(baseFolder);
  studentFormat(base, recipe.tokenize.style);
  thinkingDelimiters(base.tokenizer, "Wait", recipe.tokenize.style);
  const held = await heldHere(fs, baseFolder, threads);
  const engine = held === undefined ? undefined : await openEngine({ threads, memoryBytes: ENGINE_BYTES });
  try {
    const info = await engine?.describe();
    const facts: Partial<Record<RunFact, string>> = {
      baseWeights: await describeJobBase(fs, recipe, baseFolder),
      tokenizer: base.tokenizerHash,
      chatTemplate: await templateHash(fs, baseFolder, base.tokenizerHash),
      ...(info === undefined ? {} : { kernelBuild: await describeKernels(info.kernelBuild) }),
      ...(await questionFiles(fs, recipe, recipeFolder)),
    };
    const launched = launchedWorld(options, { isHeldHere: engine !== undefined });
    const provider = engine === undefined ? noEngine : () => Promise.resolve(engine);
    return {
      stages: buildStages(provider, teacherWorld(options), { hub: options.hub, launched }),
      facts,
      notes: info?.notes ?? [],
      close: async () => await engine?.close(),
    };
  } catch (error) {
    await engine?.close();
    throw error;
  }
}

/** The world as models are asked in it. Key files are seen from `runFolder`. */
export function teacherWorld({
  secrets,
  runFolder,
  prices = [],
  acceptedTerms = [],
}: Pick<OpenServicesOptions, "secrets" | "runFolder" | "prices" | "acceptedTerms">): TeacherWorld {
  return { secrets, readKeyFile: (path) => readKeyFile(resolve(runFolder, path)), prices, acceptedTerms };
}

const MAX_KEY_BYTES = 16 * 1024;

function readKeyFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw fileError(path, error);
  }
  if (text.length <= MAX_KEY_BYTES) return text;
  throw new AppError("limit-exceeded", `${path}: too long for a key (${text.length} characters)`);
}

/** One hash for the bytes of all files of the recipe's sources and benchmarks, in its order. */
async function questionFiles(fs: FileSystem, recipe: Recipe, recipeFolder: string) {
  const hashes: string[] = [];
  for (const path of localFiles(recipe)) hashes.push((await fs.digest(resolve(recipeFolder, path))).sha256);
  for (const file of benchmarkFiles(recipe)) {
    const path = resolve(recipeFolder, file);
    hashes.push((await fs.kind(path)) === "file" ? (await fs.digest(path)).sha256 : "missing");
  }
  return hashes.length === 0 ? {} : { questionFiles: sha256Hex(hashes.join("\n")) };
}

/** Hash of the chat template; of the tokenizer's files where it stands among them. */
async function templateHash(fs: FileSystem, folder: string, tokenizerHash: string): Promise<string> {
  const path = joinPath(folder, "chat_template.jinja");
  return (await fs.kind(path)) === "file" ? (await fs.digest(path)).sha256 : tokenizerHash;
}
