/** @file Where a tokenizer is: a folder, the hub, or a model that Grappa knows by name. */
import { resolve } from "node:path";
import { isHubReference } from "../adapters/datasets/hub/hub-reference.ts";
import { joinPath } from "../adapters/file-system.ts";
import { findModel, type ModelPlaces } from "./evaluation/find-model.ts";
import { fetchHubDescription } from "./hub-base.ts";
import type { HubAccess } from "./open-data.ts";

/**
 * The folder of a tokenizer and chat template. It needs no weights: those of a model on the hub are not fetched.
 * @throws AppError "model-missing"; of reaching the hub.
 */
export async function findTokenizer(
  tokenizer: string,
  { hub, ...places }: ModelPlaces & { readonly hub: HubAccess },
): Promise<string> {
  if (isHubReference(tokenizer)) return await fetchHubDescription(tokenizer, hub);
  const here = resolve(places.workingFolder, tokenizer);
  if ((await places.fs.kind(joinPath(here, "tokenizer.json"))) === "file") return here;
  return (await findModel(tokenizer, places)).folder;
}
