/** @file The wiring of a run whose student a launcher trains: its base needs no weights here, unless the embedded engine evaluates it. */
import { join } from "node:path";
import { generateProgramFile } from "../adapters/launchers/generate-program-file.ts";
import { openLauncher } from "../adapters/launchers/open-launcher.ts";
import { pythonBundle } from "../adapters/launchers/python-bundle.ts";
import { type FileSystem, joinPath } from "../adapters/file-system.ts";
import { systemWaiting } from "../adapters/teacher/retry-delay.ts";
import { AppError } from "../core/errors.ts";
import { canonicalJson, sha256Hex } from "../core/hash.ts";
import type { Recipe } from "../schema/recipe.ts";
import { parseStudentConfig, type StudentConfig } from "../student/checkpoint/student-config.ts";
import { fitDecoding, MAX_ENGINE_BYTES } from "../student/embedded-memory.ts";
import { heapBaseOf } from "../engine/kernels/wasm/memory-layout.ts";
import { bringBaseWeights, describeHubBase, isHubBase } from "./hub-base.ts";
import type { OpenServicesOptions } from "./services.ts";
import type { LaunchedWorld } from "./stages/launched/launched-world.ts";

const MAX_CONFIG_BYTES = 1 << 20;
/** Questions that an evaluation decodes together. */
const SLOTS = 16;

/** The base's configuration where the embedded engine can hold it, undefined where it cannot. */
export async function heldHere(
  fs: FileSystem,
  baseFolder: string,
  threads: number,
): Promise<StudentConfig | undefined> {
  try {
    const text = await fs.readText(joinPath(baseFolder, "config.json"), MAX_CONFIG_BYTES);
    const config = parseStudentConfig(JSON.parse(text));
    // What PyTorch saves may be f32 where the base is bf16: the larger of the two must fit.
    const size = { slots: SLOTS, contextTokens: config.maxPositions };
    return fitDecoding(config, size, heapBaseOf(threads)).bytes <= MAX_ENGINE_BYTES ? config : undefined;
  } catch (error) {
    if (error instanceof AppError || error instanceof SyntaxError) return undefined; // another architecture: PyTorch reads it
    throw error;
  }
}

/**
 * What outputs depend on of a base that only jobs load: its commit on the hub, else the bytes of its configuration and weights.
 * @throws AppError "model-missing" where a folder holds no weights.
 */
export async function describeJobBase(fs: FileSystem, recipe: Recipe, baseFolder: string): Promise<string> {
  if (isHubBase(recipe)) return describeHubBase(recipe);
  const names = (await fs.names(baseFolder)).filter((name) => name === "config.json" || name.endsWith(".safetensors"));
  if (!names.some((name) => name.endsWith(".safetensors")))
    throw new AppError("model-missing", `${baseFolder} holds no safetensors weights`, {
      hint: "give a model folder in Hugging Face's layout, or hf:OWNER/NAME@REVISION",
      data: { folder: baseFolder },
    });
  const digests: [string, string][] = [];
  for (const name of names) digests.push([name, (await fs.digest(joinPath(baseFolder, name))).sha256]);
  return sha256Hex(canonicalJson(digests));
}

/** The world of the stages of a launched student. */
export function launchedWorld(
  { fs, recipe, secrets, hub, cacheFolder }: OpenServicesOptions,
  { isHeldHere }: Pick<LaunchedWorld, "isHeldHere">,
): LaunchedWorld {
  return {
    openLauncher,
    pythonFiles: () => pythonBundle(fs),
    generateProgram: generateProgramFile,
    secrets,
    cacheFolder: join(cacheFolder ?? hub?.cacheFolder ?? ".", "python"),
    waiting: systemWaiting,
    now: () => Date.now(),
    isHeldHere,
    bringBaseWeights: (signal) => bringBaseWeights(recipe, hub, signal),
  };
}
