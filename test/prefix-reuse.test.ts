/** @file Prefixes that are reused on the embedded engine: the same bits as without, in logits and in replies. */
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openTokenSource } from "../src/adapters/engine/engine-token-source.ts";
import { type EngineHost, openEngine } from "../src/adapters/engine/open-engine.ts";
import { readModelFolder } from "../src/adapters/model-folder.ts";
import { createWasmBackend } from "../src/adapters/threads/create-backend.ts";
import { ContinuousBatch } from "../src/decode/continuous-batch.ts";
import { generate } from "../src/decode/generate.ts";
import { DecodeSession } from "../src/student/decode-session.ts";
import { thinkingDelimiters } from "../src/tokenize/thinking-delimiters.ts";

const model = await readModelFolder("models/demo-base");
const { tokenizer, style, config, tensors, chatTemplate } = model;
const delimiters = thinkingDelimiters(tokenizer, "Wait", style);
const closing: { close(): unknown }[] = [];
afterAll(async () => {
  for (const each of closing) await each.close();
});
const size = (slots: number) => ({ slots, contextTokens: 256, choosableIds: tokenizer.vocabularySize });

async function openSource(slots: number) {
  const engine: EngineHost = await openEngine({ threads: 1, memoryBytes: 64 << 20 });
  closing.push(engine);
  return await openTokenSource(engine, { config, tensors }, size(slots));
}

test("a copied prefix gives the very logits, at every length, and the other slot's are not touched", async () => {
  const created = await createWasmBackend({ threads: 1, memoryBytes: 256 << 20 });
  closing.push(created);
  const session = new DecodeSession(created.backend, { config, tensors }, { slots: 3, contextTokens: 64 });
  const ids = Array.from({ length: 40 }, (_, i) => (i * 37 + 11) % tokenizer.vocabularySize);
  const tail = [5, 6, 7];
  for (const length of [1, 7, 8, 9, 23, 24, 39, 40]) {
    for (const slot of [0, 1, 2]) session.truncate(slot, 0);
    session.extend([{ slot: 1, ids: [...ids.slice(0, length), ...tail] }]);
    const fresh = session.extend([{ slot: 1, ids: [9] }])[0]!.slice();
    session.truncate(1, 0);
    session.extend([
      { slot: 0, ids },
      { slot: 1, ids: [3, 3, 3] },
      { slot: 2, ids: [1, 2, 3, 4, 5] },
    ]);
    session.copy(0, 2, length);
    session.extend([{ slot: 2, ids: tail }]);
    expect(session.extend([{ slot: 2, ids: [9] }])[0]!.slice()).toEqual(fresh);
    const whole = session.extend([{ slot: 0, ids: [9] }])[0]!.slice();
    session.truncate(1, 0);
    session.extend([{ slot: 1, ids }]);
    expect(session.extend([{ slot: 1, ids: [9] }])[0]!.slice()).toEqual(whole);
  }
});

test("replies to prompts that begin alike are those of an engine that has seen nothing", async () => {
  const texts = ["62 a+36 b+27", "62 a+36 b+27 c*5", "62 a+36", "7 a*3", "7 a*3 b-2 c+11"];
  const systems = ["", "Answer with the number alone, and think about each step before you do."];
  const anyRequest = fc.record({
    text: fc.constantFrom(...texts),
    system: fc.constantFrom(...systems),
    temperature: fc.constantFrom(0, 1),
    key: fc.constantFrom("a", "b"),
    budgetTokens: fc.constantFrom(0, 5, 20),
    waits: fc.constantFrom(0, 1),
  });
  const fresh = await openSource(1);
  const source = await openSource(3);
  const batch = new ContinuousBatch(source, delimiters);
  let reused = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyRequest, { minLength: 2, maxLength: 6 }), async (all) => {
      const requests = all.map(({ text, system, temperature, key, budgetTokens, waits }) => ({
        promptIds: chatTemplate.encodePrompt([
          ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
          { role: "user", content: text },
        ]),
        setting: { mode: "think" as const, budgetTokens, waits },
        answerTokens: 6,
        sampling: { temperature, key },
      }));
      const jobs = requests.map(({ setting, ...request }) =>
        batch.decode({ ...request, settings: [setting] }, { onBegin: (tokens) => (reused += tokens) }),
      );
      const replies = (await Promise.all(jobs.map(({ done }) => done))).flat();
      for (const [k, request] of requests.entries()) {
        // A batch of its own knows of nothing that the slot holds.
        const [alone] = await generate(fresh, [request], { delimiters });
        expect(replies[k]).toEqual(alone);
      }
    }),
    { numRuns: 25 },
  );
  expect(reused).toBeGreaterThan(200);
});
