/** @file The program of generate jobs, as it came with grappa. */
import { fileURLToPath } from "node:url";
import { nodeFileSystem } from "../file-system.ts";
import type { BundleFile } from "./launcher.ts";

const MAX_BYTES = 16 << 20;

/** `generate.mjs`: the thinking-budget machine and its client in one file. Throws "file-missing" where grappa was not built. */
export async function generateProgramFile(): Promise<BundleFile> {
  // The same place from src/ and from dist/.
  const path = fileURLToPath(new URL("../../../dist/generate/generate.mjs", import.meta.url));
  return { path: "generate.mjs", bytes: await nodeFileSystem().readBytes(path, MAX_BYTES) };
}
