import type { ModelFolder } from "../adapters/model-folder.ts";
import { canonicalJson, sha256Hex } from "../core/hash.ts";

/** What a stage's output depends on of the base: a hash of its shape and its weights. */
export function describeBase({ config, weightHash }: Pick<ModelFolder, "config" | "weightHash">): string {
  return sha256Hex(canonicalJson({ config, weights: weightHash }));
}
