// Buys through batches in a process that may be killed: node batch-child.mjs FOLDER API BASE_URL COUNT
import { join } from "node:path";
import { RequestJournal } from "../../dist/adapters/journal/request-journal.js";
import { AnthropicBatches } from "../../dist/adapters/teacher/batch/anthropic-batches.js";
import { buyThroughBatches } from "../../dist/adapters/teacher/batch/batch-buyer.js";
import { GeminiBatches } from "../../dist/adapters/teacher/batch/gemini-batches.js";
import { OpenAIBatches } from "../../dist/adapters/teacher/batch/openai-batches.js";
import { shortHash } from "../../dist/core/hash.js";
import { Ledger } from "../../dist/ledger/ledger.js";
import { findPrice, maxPromptTokens, tokenCost } from "../../dist/ledger/price-book.js";

const [folder, api, baseUrl, count] = process.argv.slice(2);
const MAX_TOKENS = 1000;
const price = findPrice("p", "m", { inputUsdPerMillion: 1, outputUsdPerMillion: 4 });
const key = "sk-test-0123456789abcdef";
const options = { baseUrl, apiKey: key, called: "the teacher" };
const providers = {
  anthropic: () =>
    new AnthropicBatches({ ...options, headers: { "x-api-key": key, "anthropic-version": "2023-06-01" } }),
  gemini: () => new GeminiBatches({ ...options, headers: { "x-goog-api-key": key }, model: "m" }),
};
const openai = { headers: { authorization: `Bearer ${key}` }, dialect: api, endpoint: "/v1/chat/completions" };
const provider = providers[api]?.() ?? new OpenAIBatches({ ...options, ...openai });
// Bodies that every API here takes, and the counts that each of them gives.
const codec = {
  body: ({ messages, maxTokens }) => {
    const contents = messages.map(({ content }) => ({ role: "user", parts: [{ text: content }] }));
    return JSON.stringify(api === "gemini" ? { contents } : { model: "m", max_tokens: maxTokens, messages });
  },
  read: (body) => {
    const { usage = {}, usageMetadata = {} } = JSON.parse(body);
    const promptTokens = usage.prompt_tokens ?? usage.input_tokens ?? usageMetadata.promptTokenCount;
    const completionTokens = usage.completion_tokens ?? usage.output_tokens ?? usageMetadata.candidatesTokenCount;
    const counted = { promptTokens, completionTokens, reasoningTokens: 0, isEstimated: false };
    return { thinking: "t", answer: "42", provenance: "raw", finishReason: "stop", usage: counted };
  },
};
const purchases = Array.from({ length: Number(count) }, (_, n) => {
  const messages = [{ role: "user", content: `question ${n}` }];
  const usage = { promptTokens: maxPromptTokens(messages), completionTokens: MAX_TOKENS };
  const id = shortHash(messages[0].content);
  const worstCaseMicroUsd = tokenCost(price, usage);
  return { key: id, questionId: id, sampleIndex: 0, messages, params: {}, maxTokens: MAX_TOKENS, worstCaseMicroUsd };
});

const ledger = new Ledger(1_000_000_000);
const journal = await RequestJournal.open(join(folder, "requests.jsonl"), {
  onSettled: (purchase) => ledger.record("trace", purchase),
});
const failed = await buyThroughBatches(purchases, {
  teacher: {
    provider: "p",
    model: "m",
    ask: () => Promise.reject(new Error("nothing may be asked directly")),
    close: async () => {},
  },
  price,
  ledger,
  journal,
  stage: "trace",
  concurrency: 4,
  maxRetries: 0,
  waiting: {
    seed: 0,
    now: () => performance.now(),
    sleep: (ms) => new Promise((done) => setTimeout(done, Math.min(ms, 3))),
  },
  batch: {
    provider,
    codec,
    price,
    deadlineMinutes: 600,
    statePath: join(folder, "batches", "p.jsonl"),
    limits: { maxRequests: 10 },
  },
});
await provider.close();
await journal.close();
process.stdout.write(JSON.stringify({ failed: failed.size, ledger: ledger.snapshot() }));
