import { resolve } from "node:path";
import type { GgufPlace } from "../adapters/runtimes/open-gguf.ts";
import { AppError } from "../core/errors.ts";
import { isGguf } from "../pipeline/evaluation/find-model.ts";
import type { CliContext } from "./context.ts";

/** `--context` and `--tokenizer` as they were given. */
export interface GgufFlags {
  readonly context?: number;
  readonly tokenizer?: string;
}

/**
 * What a GGUF is opened with; undefined where the model found is a folder.
 * @throws {AppError} usage: flags that are for a GGUF alone
 */
export function ggufPlace(
  { context: contextTokens, tokenizer }: GgufFlags,
  { settings, recipes }: Pick<CliContext, "settings" | "recipes">,
  found: string,
): GgufPlace | undefined {
  if (isGguf(found)) {
    const tokenizerFolder = tokenizer === undefined ? undefined : resolve(recipes.workingFolder, tokenizer);
    return { llamaFolder: settings.llamaFolder, contextTokens, tokenizerFolder };
  }
  const flag = contextTokens === undefined ? "--tokenizer" : "--context";
  if (contextTokens === undefined && tokenizer === undefined) return undefined;
  throw new AppError("usage", `${flag} is for a GGUF or --upstream; a student's folder says it itself`);
}
