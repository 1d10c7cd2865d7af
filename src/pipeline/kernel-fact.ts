import { fileURLToPath } from "node:url";
import { nodeFileSystem } from "../adapters/file-system.ts";
import { compiledUrl } from "../adapters/threads/compiled-url.ts";
import type { EngineInfo } from "../adapters/engine/engine-session.ts";

/** A kernel build by name and, where it is a binary, the first digits of its hash: results are byte-equal within one. */
export async function describeKernels(build: EngineInfo["kernelBuild"]): Promise<string> {
  const binary = build.startsWith("wasm-") ? build.slice("wasm-".length) : undefined;
  if (binary === undefined) return build;
  const url = compiledUrl(import.meta.url, `../engine/kernels/wasm/kernels-${binary}.wasm`);
  const { sha256 } = await nodeFileSystem().digest(fileURLToPath(url));
  return `${build} ${sha256.slice(0, 12)}`;
}
