import type { HubAccess } from "../pipeline/open-data.ts";
import type { CliContext } from "./context.ts";

/** How to reach the hub: HF_TOKEN, and HF_ENDPOINT for another than Hugging Face's. */
export function hubAccess({ settings, secrets }: Pick<CliContext, "settings" | "secrets">): HubAccess {
  return { cacheFolder: settings.cacheFolder, token: secrets("HF_TOKEN"), endpoint: secrets("HF_ENDPOINT") };
}
