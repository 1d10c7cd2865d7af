/** @file Opens whichever API an endpoint of a recipe speaks. */
import { AppError } from "../../core/errors.ts";
import type { SamplingParams } from "../../ledger/request-key.ts";
import { type Endpoint, endpointName } from "../../schema/endpoint.ts";
import { openAICompatibleTeacher, readApiKey } from "./openai-compatible.ts";
import type { Teacher } from "./teacher.ts";

/** What opening an endpoint needs of the world. */
export interface EndpointPorts {
  /** The value of an environment variable. */
  secrets(name: string): string | undefined;
  /** The text of a file that holds a key. */
  readKeyFile(path: string): string;
}

/**
 * Opens an endpoint; nothing is sent until it is asked.
 *
 * @param called what errors call it, for example `the judge`.
 * @throws {AppError} `usage`: its key is not set; `recipe-invalid`: an impossible URL.
 */
export function openEndpoint(endpoint: Endpoint, ports: EndpointPorts, called: string): Teacher {
  if (endpoint.type !== "openai-compatible")
    throw new AppError("recipe-invalid", `${called}: ${endpoint.type} is not spoken yet`);
  const { baseUrl, model, apiKeyEnv, reasoning } = endpoint;
  const key =
    apiKeyEnv === undefined ? {} : { apiKey: readApiKey({ [apiKeyEnv]: ports.secrets(apiKeyEnv) }, apiKeyEnv) };
  return openAICompatibleTeacher({
    provider: endpointName(endpoint),
    baseUrl,
    model,
    called,
    provenance: reasoning,
    ...key,
  });
}

/** The parameters of an endpoint that change what it says: part of every request's key. */
export function samplingParams(endpoint: Endpoint): SamplingParams {
  const { temperature, topP } = endpoint;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...("thinkingBudget" in endpoint && endpoint.thinkingBudget !== undefined
      ? { thinkingBudget: endpoint.thinkingBudget }
      : {}),
    ...("thinkingLevel" in endpoint && endpoint.thinkingLevel !== undefined ? { effort: endpoint.thinkingLevel } : {}),
    ...("reasoningEffort" in endpoint && endpoint.reasoningEffort !== undefined
      ? { effort: endpoint.reasoningEffort }
      : {}),
  };
}
