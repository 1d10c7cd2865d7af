/** @file Opens whichever API an endpoint of a recipe speaks. */
import { AppError } from "../../core/errors.ts";
import type { SamplingParams } from "../../ledger/request-key.ts";
import { type Endpoint, endpointName } from "../../schema/endpoint.ts";
import { anthropicTeacher } from "./anthropic.ts";
import { keyInFile, readApiKey } from "./api-key.ts";
import { CHATML_TEXT } from "./completion-request.ts";
import { geminiTeacher } from "./gemini.ts";
import { openAICompatibleTeacher } from "./openai-compatible.ts";
import { openAIResponsesTeacher } from "./openai-responses.ts";
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
 * @throws {AppError} `usage`: its key is not set; `recipe-invalid`: an impossible URL, or fields that its API refuses.
 */
export function openEndpoint(endpoint: Endpoint, ports: EndpointPorts, called: string): Teacher {
  const apiKey = endpointKey(endpoint, ports, called);
  const { baseUrl, model } = endpoint;
  const key = apiKey === undefined ? {} : { apiKey };
  const common = { provider: endpointName(endpoint), baseUrl, model, called, ...key };
  switch (endpoint.type) {
    case "openai-compatible": {
      const { reasoning, continuation } = endpoint;
      const text = continuation === "completions" ? { text: CHATML_TEXT } : {};
      return openAICompatibleTeacher({ ...common, provenance: reasoning, continuation, ...text });
    }
    case "gemini":
      refuseTwoMeasures(endpoint, called);
      return geminiTeacher(common);
    case "anthropic":
      refuseUnthinkable(endpoint, called);
      return anthropicTeacher({ ...common, isThinking: endpoint.thinkingBudget !== undefined });
    case "openai":
      return openAIResponsesTeacher(common);
    default:
      return endpoint satisfies never;
  }
}

function refuseTwoMeasures(
  { thinkingBudget, thinkingLevel }: Extract<Endpoint, { type: "gemini" }>,
  called: string,
): void {
  if (thinkingBudget === undefined || thinkingLevel === undefined) return;
  throw new AppError("recipe-invalid", `${called} has both a thinkingBudget and a thinkingLevel`, {
    hint: "give one: older Gemini models take a budget, newer ones a level",
  });
}

/** What the API would refuse, a paid-for pilot or a thousand refused rows later. */
function refuseUnthinkable(endpoint: Extract<Endpoint, { type: "anthropic" }>, called: string): void {
  const { thinkingBudget, maxTokens, temperature, topP } = endpoint;
  if (thinkingBudget === undefined) return;
  if (thinkingBudget >= maxTokens) {
    throw new AppError(
      "recipe-invalid",
      `${called}'s thinkingBudget ${thinkingBudget} leaves nothing of maxTokens ${maxTokens}`,
      {
        hint: "raise maxTokens above thinkingBudget: it caps thinking and answer together",
      },
    );
  }
  const given =
    temperature !== undefined && temperature !== 1
      ? "temperature"
      : topP !== undefined && topP < 0.95
        ? "topP"
        : undefined;
  if (given === undefined) return;
  throw new AppError("recipe-invalid", `${called}'s API takes no ${given} beside a thinkingBudget`, {
    hint: `leave ${given} out${given === "topP" ? ", or at 0.95 or more" : ""}`,
  });
}

/**
 * The endpoint's key: from its file if it names one, else from its environment variable; undefined where it names neither.
 * @throws {AppError} `usage`: not set or empty; the message names file or variable, never what is in it.
 */
export function endpointKey(endpoint: Endpoint, ports: EndpointPorts, called: string): string | undefined {
  const { apiKeyFile, apiKeyEnv } = endpoint;
  if (apiKeyFile === undefined)
    return apiKeyEnv === undefined ? undefined : readApiKey({ [apiKeyEnv]: ports.secrets(apiKeyEnv) }, apiKeyEnv);
  return keyInFile(ports.readKeyFile(apiKeyFile), apiKeyFile, called);
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
