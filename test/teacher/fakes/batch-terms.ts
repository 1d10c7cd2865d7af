/** @file Batches of a fake, as the endpoint of its API would open them. */
import type { BatchCodec } from "../../../src/adapters/teacher/batch/batch-codec.ts";
import { chatCodec } from "../../../src/adapters/teacher/batch/batch-codec.ts";
import { AnthropicBatches } from "../../../src/adapters/teacher/batch/anthropic-batches.ts";
import type { BatchProvider } from "../../../src/adapters/teacher/batch/batch-provider.ts";
import { GeminiBatches } from "../../../src/adapters/teacher/batch/gemini-batches.ts";
import { OpenAIBatches } from "../../../src/adapters/teacher/batch/openai-batches.ts";
import { TeacherError, type TeacherReply } from "../../../src/adapters/teacher/teacher.ts";
import type { FakeBatches } from "./fake-batches.ts";

/** The API of a fake, and how its requests and replies are written. */
export function batchTerms(fake: FakeBatches, apiKey: string): { provider: BatchProvider; codec: BatchCodec } {
  const { api, baseUrl } = fake;
  const options = { baseUrl, apiKey, called: "the teacher" };
  switch (api) {
    case "gemini":
      return {
        provider: new GeminiBatches({ ...options, headers: { "x-goog-api-key": apiKey }, model: "m" }),
        codec: geminiCodec,
      };
    case "anthropic": {
      const headers = { "x-api-key": apiKey, "anthropic-version": "2023-06-01" };
      return { provider: new AnthropicBatches({ ...options, headers }), codec: anthropicCodec };
    }
    default: {
      const headers = { authorization: `Bearer ${apiKey}` };
      const provider = new OpenAIBatches({ ...options, headers, dialect: api, endpoint: "/v1/chat/completions" });
      return { provider, codec: chatCodec({ model: "m", provenance: "raw", called: "the teacher" }) };
    }
  }
}

function reply(texts: readonly string[], promptTokens: number, completionTokens: number): TeacherReply {
  const [thinking = "", answer = ""] = texts;
  const usage = { promptTokens, completionTokens, reasoningTokens: 0, isEstimated: false };
  if (texts.length === 0 || thinking.length > 2_500_000) throw new TeacherError("malformed", "no fit reply", { usage });
  return { thinking, answer, provenance: "summary", finishReason: "stop", usage };
}

const geminiCodec: BatchCodec = {
  body: ({ messages, maxTokens }) =>
    JSON.stringify({
      contents: messages.map(({ content }) => ({ role: "user", parts: [{ text: content }] })),
      generationConfig: { maxOutputTokens: maxTokens },
    }),
  read: (body) => {
    const { candidates, usageMetadata } = JSON.parse(body);
    const texts = (candidates[0]?.content.parts ?? []).map(({ text }: { text: string }) => text);
    return reply(texts, usageMetadata.promptTokenCount, usageMetadata.candidatesTokenCount);
  },
};

const anthropicCodec: BatchCodec = {
  body: ({ messages, maxTokens }) => JSON.stringify({ model: "m", max_tokens: maxTokens, messages }),
  read: (body) => {
    const { content, usage } = JSON.parse(body);
    const texts = content.map((block: { thinking?: string; text?: string }) => block.thinking ?? block.text);
    return reply(texts, usage.input_tokens, usage.output_tokens);
  },
};
