/**
 * @file The table of terms. Each clause is in our own words; `textOf` is the date of the text that could be read: it is
 * in force since, or was last changed or read on, that day. None of these pages could be opened live when the table was
 * made (2026-11-25): the clauses were read in stored copies and as others quote them word for word. Where only a report
 * of a text was found, or reports contradict each other, the entry is `unknown`.
 */
import type { Endpoint } from "../../schema/endpoint.ts";

/** May a model be trained on the outputs? `no`: a general student may not; `conditional`: see the clause. */
export type MayTrain = "yes" | "no" | "conditional" | "unknown";

/** What one provider's terms, or one licence, say of training on outputs. */
export interface TermsOfUse {
  /** The name to give to `--accept-terms`. */
  readonly provider: string;
  readonly title: string;
  /** Hosts that these terms govern, their subdomains included. */
  readonly hosts: readonly string[];
  /** The native API whose only provider this is, wherever a proxy may stand. */
  readonly api?: Endpoint["type"];
  readonly mayTrain: MayTrain;
  /** The clause in our words, with its number or heading. */
  readonly clause: string;
  /** Where the terms stand; null where there are none to read. */
  readonly source: string | null;
  /** Date of the text that we could read, ISO 8601; null: none. */
  readonly textOf: string | null;
}

/** The licence of a family of open weights. */
export interface WeightsLicence extends TermsOfUse {
  /** Names of its models, as hosts and hubs write them. */
  readonly models: RegExp;
}

/** Hosted APIs. */
export const PROVIDERS: readonly TermsOfUse[] = [
  {
    provider: "deepseek",
    title: "DeepSeek",
    hosts: ["deepseek.com"],
    mayTrain: "yes",
    clause:
      "Open Platform Terms 4.2: what rights there are in outputs go to the user (2), and training other models, distillation by name, is among the uses it lists as allowed (3)",
    source: "https://cdn.deepseek.com/policies/en-US/deepseek-open-platform-terms-of-service.html",
    textOf: "2026-04-29",
  },
  {
    provider: "gemini",
    title: "Google Gemini API",
    hosts: ["generativelanguage.googleapis.com"],
    api: "gemini",
    mayTrain: "conditional",
    clause:
      "Additional Terms, Use Restrictions: no model that competes with the Gemini API or AI Studio may be developed with the services, nor may their models be extracted or replicated; a model that does neither is not mentioned",
    source: "https://ai.google.dev/gemini-api/terms",
    textOf: "2026-03-23",
  },
  {
    provider: "openai",
    title: "OpenAI",
    hosts: ["openai.com"],
    api: "openai",
    mayTrain: "no",
    clause:
      "Services Agreement 3.3(e): output may not be used to develop models that compete with OpenAI's products and services, save classifiers and embeddings that are not handed on, and fine-tuning by OpenAI's own services",
    source: "https://openai.com/policies/services-agreement/",
    textOf: "2026-01-01",
  },
  {
    provider: "anthropic",
    title: "Anthropic",
    hosts: ["anthropic.com"],
    api: "anthropic",
    mayTrain: "no",
    clause:
      "Commercial Terms D.4(a): the services may not be used to build a competing product, the training of competing models included, unless Anthropic approves; the Usage Policy also bars training a model on inputs and outputs without its authorisation",
    source: "https://www.anthropic.com/legal/commercial-terms",
    textOf: "2025-06-17",
  },
  {
    provider: "together",
    title: "Together AI",
    hosts: ["together.ai", "together.xyz"],
    mayTrain: "unknown",
    clause:
      "its terms (changed 2026-05-19) could not be read; one report finds no claim on outputs, another a ban on building competing products; the licence of the model applies as well",
    source: "https://www.together.ai/terms-of-service",
    textOf: null,
  },
  {
    provider: "fireworks",
    title: "Fireworks AI",
    hosts: ["fireworks.ai"],
    mayTrain: "unknown",
    clause:
      "its terms (changed 2026-07-10) could not be read; a report of April 2026 quotes a ban on training with content of the service, a later one finds no restriction on outputs; the licence of the model applies as well",
    source: "https://fireworks.ai/terms-of-service",
    textOf: null,
  },
  {
    provider: "openrouter",
    title: "OpenRouter",
    hosts: ["openrouter.ai"],
    mayTrain: "conditional",
    clause:
      "Terms 5.1, 5.8 and 6.1: the terms of the model and of the provider that serves it decide, and one model may be served by several; pin the provider and read its terms",
    source: "https://openrouter.ai/terms",
    textOf: "2026-07-29",
  },
];

/** A server on this machine or network: nobody's terms but the licence of the weights. */
export const SELF_HOSTED: TermsOfUse = {
  provider: "self-hosted",
  title: "A server of your own",
  hosts: [],
  mayTrain: "yes",
  clause: "no provider's terms apply; the licence of the weights does, and is checked where their name is known",
  source: null,
  textOf: null,
};

/** Licences of open weights, by name; the first that fits counts, so that a DeepSeek distilled into Llama is a Llama. */
export const LICENCES: readonly WeightsLicence[] = [
  {
    provider: "llama",
    title: "Llama 3.1 and later (weights)",
    hosts: [],
    models: /llama[-_ v]*(?:3[._p-]?[1-9]\b|4)|distill-llama/i,
    mayTrain: "conditional",
    clause:
      'Community License 1.b.i: a model trained on its outputs and handed on must bear a name that begins with "Llama"; "Built with Llama" must be shown where the materials themselves are passed on',
    source: "https://github.com/meta-llama/llama-models/blob/main/models/llama3_3/LICENSE",
    textOf: "2024-12-06",
  },
  {
    provider: "llama-2-3",
    title: "Llama 2 and 3.0 (weights)",
    hosts: [],
    models: /llama[-_ ]*[23]/i,
    mayTrain: "no",
    clause: "Community License 1.b.v: its outputs may not be used to improve any other large language model",
    source: "https://github.com/meta-llama/llama-models/blob/main/models/llama3/LICENSE",
    textOf: "2024-04-18",
  },
  {
    provider: "deepseek-weights",
    title: "DeepSeek R1 and later (weights)",
    hosts: [],
    models: /deepseek[-_ ]*(?:r\d|v3[-._](?:0324|\d\b)|v[4-9])/i,
    mayTrain: "yes",
    clause: "MIT; the model card of R1 names distillation for the training of other models as allowed",
    source: "https://github.com/deepseek-ai/DeepSeek-R1#7-license",
    textOf: "2025-01-20",
  },
  {
    provider: "gpt-oss",
    title: "gpt-oss (weights)",
    hosts: [],
    models: /gpt-oss/i,
    mayTrain: "yes",
    clause: "Apache-2.0, with a usage policy that asks for lawful use; neither restricts outputs",
    source: "https://github.com/openai/gpt-oss/blob/main/USAGE_POLICY",
    textOf: "2025-08-05",
  },
  {
    provider: "glm",
    title: "GLM-4.5 and later (weights)",
    hosts: [],
    models: /glm[-_ ]*(?:4[._p][5-9]|[5-9])/i,
    mayTrain: "yes",
    clause: "MIT; outputs are not restricted",
    source: "https://github.com/zai-org/GLM-4.5",
    textOf: "2025-07-28",
  },
  {
    provider: "qwen",
    title: "Qwen3 and QwQ (open weights)",
    hosts: [],
    models: /(?:qwen[-_ ]*3(?!\S*(?:max|plus|turbo))|qwq-32b)/i,
    mayTrain: "yes",
    clause: "Apache-2.0; outputs are not restricted (the closed Max and Plus models are under Alibaba Cloud's terms)",
    source: "https://huggingface.co/Qwen/Qwen3-32B/blob/main/LICENSE",
    textOf: "2025-04-29",
  },
];
