// Answers, as JSON on standard output, what llama.cpp (through node-llama-cpp) makes of the request on standard input:
// { gguf, texts: string[], prompts: number[][], newTokens: number }. For each text its ids, control tokens read as such; for
// each prompt the ids that greedy decoding appends, up to the end of the turn. The package lies in $GRAPPA_LLAMA.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { gguf, texts, prompts, newTokens } = JSON.parse(readFileSync(0, "utf8"));
const entry = join(process.env.GRAPPA_LLAMA, "node-llama-cpp/dist/index.js");
const { getLlama } = await import(pathToFileURL(entry).href);
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error", maxThreads: 1 }); // threads that wait for one another spin: dear on a busy machine
const model = await llama.loadModel({ modelPath: gguf });
const contextSize = Math.max(0, ...prompts.map((prompt) => prompt.length)) + newTokens + 8;
// The cache in 32 bits, so that only the order of sums differs from other engines.
const exact = { flashAttention: false, experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32" };
const context = await model.createContext({ contextSize, batchSize: contextSize, ...exact });
const sequence = context.getSequence();
const generated = [];
for (const prompt of prompts) {
  await sequence.clearHistory();
  const ids = [];
  for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    ids.push(id);
    if (ids.length >= newTokens) break;
  }
  generated.push(ids);
}
const answer = { ids: texts.map((text) => [...model.tokenize(text, true)]), generated };
await context.dispose();
await model.dispose();
await llama.dispose();
process.stdout.write(JSON.stringify(answer));
