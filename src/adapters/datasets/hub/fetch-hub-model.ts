/** @file A model of the hub on this disk: what describes it (configuration, tokenizer, template), and its weights where they are wanted. */
import { dirname, join } from "node:path";
import { AppError } from "../../../core/errors.ts";
import { nodeFileSystem } from "../../file-system.ts";
import { bringFile, type FetchPorts, listHubFiles } from "./fetch-hub-files.ts";
import { HubCache } from "./hub-cache.ts";
import type { HubFile } from "./hub-files.ts";
import { HubHttp } from "./hub-http.ts";
import type { HubReference } from "./hub-reference.ts";

/** A model's folder in the cache. */
export interface HubModel {
  readonly commit: string;
  /** Absolute; in Hugging Face's layout. */
  readonly folder: string;
  /** Whether the hub could not be asked what the revision stands for now, and the last known commit was taken. */
  readonly isOffline: boolean;
}

/** Files without which nothing can be tokenised or planned. */
const NEEDED = ["config.json", "tokenizer.json", "tokenizer_config.json"] as const;
const DESCRIBING: readonly string[] = [
  ...NEEDED,
  "chat_template.jinja",
  "generation_config.json",
  "special_tokens_map.json",
  "vocab.json",
  "merges.txt",
];
/** A description that is larger is none: Qwen's tokenizer.json has 11 MB, Gemma's 33. */
const MAX_DESCRIBING_BYTES = 128 << 20;
const WEIGHTS = /^model(-[0-9]{5}-of-[0-9]{5})?\.safetensors(\.index\.json)?$/;
/** The embedded engine has 4 GiB of memory. */
const MAX_WEIGHT_BYTES = 4 * 1024 ** 3;

/**
 * Brings a model onto this disk; a commit that is in the cache needs no network.
 *
 * @param wants `description`: no weights, so that plans and tokens of a 32B student cost a few megabytes; `whole`: with them
 * @throws AppError "file-denied" for a gated model, naming the page; "limit-exceeded" for weights past 4 GiB; "model-missing"
 *   where it has no such files; "network", "provider", "file-corrupt", ...
 */
export async function fetchHubModel(
  reference: HubReference,
  wants: "description" | "whole",
  ports: FetchPorts,
): Promise<HubModel> {
  const http = new HubHttp({ ...ports, kind: "models" });
  const { repo } = reference;
  const cache = cacheOf(ports.cacheFolder, repo);
  try {
    const { commit, isOffline, files } = await listHubFiles(http, cache, reference);
    for (const file of wanted(repo, files, wants)) await bringFile(http, cache, { repo, commit, file });
    return { commit, folder: dirname(cache.pathOf(commit, "config.json")), isOffline };
  } finally {
    await http.close();
  }
}

/** Where a model at a commit lies in the cache, if it is there. */
export function cachedHubModel(cacheFolder: string, repo: string, commit: string): string {
  return dirname(cacheOf(cacheFolder, repo).pathOf(commit, "config.json"));
}

const cacheOf = (cacheFolder: string, repo: string): HubCache =>
  new HubCache(nodeFileSystem(), join(cacheFolder, "models"), repo);

function wanted(repo: string, files: readonly HubFile[], wants: "description" | "whole"): readonly HubFile[] {
  const describing = files.filter(({ path }) => DESCRIBING.includes(path));
  const missing = NEEDED.filter((name) => !describing.some(({ path }) => path === name));
  if (missing.length > 0) throw lacks(repo, missing.join(" and "));
  for (const { path, size } of describing)
    if (size > MAX_DESCRIBING_BYTES) throw tooLarge(repo, path, [size, MAX_DESCRIBING_BYTES]);
  if (wants === "description") return describing;
  const weights = files.filter(({ path }) => WEIGHTS.test(path));
  if (weights.length === 0) throw lacks(repo, "model.safetensors");
  const bytes = weights.reduce((sum, { size }) => sum + size, 0);
  if (bytes > MAX_WEIGHT_BYTES) throw tooLarge(repo, "its weights", [bytes, MAX_WEIGHT_BYTES]);
  return [...describing, ...weights];
}

function lacks(repo: string, what: string): AppError {
  return new AppError("model-missing", `${repo} on the hub has no ${what} at its root`, {
    hint: "name a model in Hugging Face's layout with a tokenizer.json; weights in other formats are not read",
    data: { repo, missing: what },
  });
}

function tooLarge(repo: string, what: string, [bytes, limit]: readonly [number, number]): AppError {
  return new AppError("limit-exceeded", `${repo}: ${what} (${bytes} bytes) exceed the limit of ${limit}`, {
    hint: "the embedded engine is for small students; set train.launcher to train this one with PyTorch",
    data: { repo, bytes, limit },
  });
}
