/** @file Opens whichever API an endpoint of a recipe speaks. */
import { AppError } from "../../core/errors.ts";
import type { SamplingParams } from "../../ledger/request-key.ts";
import { type Endpoint, endpointName } from "../../schema/endpoint.ts";
import { S1_TEXT } from "./completion-request.ts";
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
  const apiKey = endpointKey(endpoint, ports, called);
  const { baseUrl, model } = endpoint;
  const key = apiKey === undefined ? {} : { apiKey };
  const common = { provider: endpointName(endpoint), baseUrl, model, called, ...key };
  switch (endpoint.type) {
    case "openai-compatible": {
      const { reasoning, continuation } = endpoint;
      const text = continuation === "completions" ? { text: S1_TEXT } : {};
      return openAICompatibleTeacher({ ...common, provenance: reasoning, continuation, ...text });
    }
    default:
      throw new AppError("recipe-invalid", `${called}: ${endpoint.type} is not spoken yet`);
  }
}

const MAX_KEY_CHARACTERS = 4096;

/**
 * The endpoint's key: from its file if it names one, else from its environment variable; undefined where it names neither.
 * @throws {AppError} `usage`: not set or empty; the message names file or variable, never what is in it.
 */
export function endpointKey(endpoint: Endpoint, ports: EndpointPorts, called: string): string | undefined {
  const { apiKeyFile, apiKeyEnv } = endpoint;
  if (apiKeyFile === undefined)
    return apiKeyEnv === undefined ? undefined : readApiKey({ [apiKeyEnv]: ports.secrets(apiKeyEnv) }, apiKeyEnv);
  const key = ports.readKeyFile(apiKeyFile).trim();
  if (key !== "" && key.length <= MAX_KEY_CHARACTERS) return key;
  throw new AppError("usage", `${called}'s key file ${apiKeyFile} holds ${key === "" ? "nothing" : "no key"}`, {
    hint: "the file holds the key alone, on one line",
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
