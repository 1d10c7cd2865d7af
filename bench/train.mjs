// Training and decoding speed of the demo's student on this machine, on one and two threads, through the engine's thread as
// a run uses it. `--json` ends with one JSON line of figures.
import { openEngine } from "../dist/adapters/engine/open-engine.js";
import { initialTensors, parameterCount } from "../dist/student/parameters.js";
import { finish, say } from "./figures.mjs";
import { batchIds, evenLengths, DEMO, sequencesOf, STEP_OPTIONS } from "./students.mjs";

const LENGTH = 225;
const tensors = initialTensors(DEMO, 0);
const batch = sequencesOf(batchIds(evenLengths(LENGTH)));
const figures = {};
const facts = { parameters: parameterCount(DEMO) };
for (const threads of [1, 2]) {
  const engine = await openEngine({ threads, memoryBytes: 2 ** 30 });
  facts.build = (await engine.describe()).kernelBuild;
  await engine.loadTrainer({ config: DEMO, tensors });
  for (let step = 1; step <= 3; step++) await engine.trainStep(batch, { ...STEP_OPTIONS, step });
  const times = [];
  for (let step = 4; step <= 15; step++) {
    const start = performance.now();
    await engine.trainStep(batch, { ...STEP_OPTIONS, step });
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  figures[`trainTokensPerSecond${threads}`] = (batch.length * LENGTH * 1000) / times[times.length >> 1];
  for (const slots of [1, 32, 64]) {
    await engine.loadDecoder({ config: DEMO, tensors }, { slots, contextTokens: 512, choosableIds: 300 });
    const sampling = { temperature: 0, key: "" };
    const rows = (ids) => Array.from({ length: slots }, (_, slot) => ({ slot, ids, forbidden: [], sampling }));
    await engine.extend(rows(batch[0].inputIds.slice(0, 60)));
    const start = performance.now();
    for (let i = 0; i < 100; i++) await engine.extend(rows([5]));
    figures[`decodeTokensPerSecond${threads}Batch${slots}`] = (slots * 100 * 1000) / (performance.now() - start);
  }
  say(`${facts.build}, ${threads} threads: done`);
  await engine.close();
}
finish("train", figures, facts);
