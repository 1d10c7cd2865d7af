// Answers, as JSON on standard output, what our engine computes for the request on standard input:
// { folder, prompts: number[][], newTokens: number }. For each prompt: the logits after every id of it, and the ids that
// greedy decoding appends. Ids are fed in pieces of uneven length, all prompts in one batch, so that the cache is used.
import { readFileSync } from "node:fs";
import { openEngine } from "../../dist/adapters/engine/open-engine.js";
import { readModelFolder } from "../../dist/adapters/model-folder.js";

const { folder, prompts, newTokens } = JSON.parse(readFileSync(0, "utf8"));
const { config, tensors, tokenizer } = await readModelFolder(folder);
const engine = await openEngine({ threads: 2, memoryBytes: 1 << 28 });
const contextTokens = Math.min(config.maxPositions, Math.max(...prompts.map((prompt) => prompt.length)) + newTokens + 1);
const choosableIds = tokenizer.vocabularySize;
await engine.loadDecoder({ config, tensors }, { slots: prompts.length, contextTokens, choosableIds });

// One id at a time gives the logits at every position.
const logits = prompts.map(() => []);
for (let at = 0; at < contextTokens; at++) {
  const rows = prompts.flatMap((prompt, slot) => (at < prompt.length ? [{ slot, ids: [prompt[at]] }] : []));
  if (rows.length === 0) break;
  const values = await engine.logits(rows);
  rows.forEach(({ slot }, row) => logits[slot].push(Array.from(values[row])));
}

// Greedy decoding from the prompts as wholes, which is how the decoder reads them.
for (let slot = 0; slot < prompts.length; slot++) await engine.truncate(slot, 0);
const generated = prompts.map(() => []);
let pending = prompts;
for (let count = 0; count < newTokens; count++) {
  const rows = pending.map((ids, slot) => ({ slot, ids, forbidden: [], sampling: { temperature: 0, key: "" } }));
  pending = Array.from(await engine.extend(rows), (token) => [token]);
  pending.forEach(([token], slot) => generated[slot].push(token));
}
const { kernelBuild } = await engine.describe();
await engine.close();
process.stdout.write(JSON.stringify({ kernelBuild, config, logits, generated }));
