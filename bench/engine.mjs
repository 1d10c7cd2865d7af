// Speed of the engine on this machine: matrix products beside the arithmetic ceiling of the same instructions, the profile
// of a training step, training beside PyTorch (where it is installed), decoding. `--json` ends with one JSON line;
// `--build simd|relaxed` asks for a build; `--part gemm|profile|train|decode` measures one part; `--threads` is for the last two.
import { openEngine } from "../dist/adapters/engine/open-engine.js";
import { initialTensors, parameterCount } from "../dist/student/parameters.js";
import { cores, finish, flag, say } from "./figures.mjs";
import { measureGemm } from "./gemm.mjs";
import { profileStep } from "./step-profile.mjs";
import { batchIds, DEMO, DEMO_LENGTHS, evenLengths, sequencesOf, SEVEN_MILLION, STEP_OPTIONS } from "./students.mjs";
import { openTorch } from "./torch-process.mjs";

const build = flag("build");
const part = flag("part");
const threads = Number(flag("threads") ?? Math.min(2, cores));
const figures = {};
const facts = { threads };

/** Tokens a second of training, ours and PyTorch's step in turn: the best of `rounds` after one to warm up. */
async function measureTraining(name, { config, lengths, rounds, memoryBytes }) {
  const ids = batchIds(lengths);
  const torch = await openTorch({ shape: config, ids, threads }, say);
  if (torch && torch.parameters !== parameterCount(config)) throw new Error("PyTorch's student has another size");
  const engine = await openEngine({ threads, memoryBytes, build });
  facts.build = (await engine.describe()).kernelBuild;
  await engine.loadTrainer({ config, tensors: initialTensors(config, 0) });
  const times = { ours: [], torch: [] };
  for (let step = 1; step <= rounds + 1; step++) {
    const start = performance.now();
    await engine.trainStep(sequencesOf(ids), { ...STEP_OPTIONS, step });
    times.ours.push(performance.now() - start);
    if (torch) times.torch.push(await torch.step());
  }
  await engine.close();
  torch?.close();
  const speed = (list) => (lengths.reduce((sum, length) => sum + length, 0) * 1000) / Math.min(...list.slice(1));
  figures[`train${name}TokensPerSecond`] = speed(times.ours);
  say(
    `  train ${name}: ${Math.round(speed(times.ours))} tokens/s, ${parameterCount(config)} parameters, ${threads} threads`,
  );
  if (!torch) return;
  facts.torch = torch.torch;
  figures[`train${name}TorchTokensPerSecond`] = speed(times.torch);
  figures[`train${name}VsTorch`] = speed(times.ours) / speed(times.torch);
  say(`  PyTorch ${torch.torch}: ${Math.round(speed(times.torch))} tokens/s`);
}

/** Tokens a second of decoding 100 tokens behind a prompt of 60, the best of three times. */
async function measureDecoding(slots) {
  const engine = await openEngine({ threads, memoryBytes: 2 ** 28, build });
  const model = { config: DEMO, tensors: initialTensors(DEMO, 0) };
  await engine.loadDecoder(model, { slots, contextTokens: 512, choosableIds: 300 });
  const rows = (ids) =>
    Array.from({ length: slots }, (_, slot) => ({ slot, ids, forbidden: [], sampling: { temperature: 0, key: "" } }));
  let best = 0;
  for (let round = 0; round < 3; round++) {
    for (let slot = 0; slot < slots; slot++) await engine.truncate(slot, 0);
    await engine.extend(rows(Array.from({ length: 60 }, (_, i) => (i * 17) % 300)));
    const start = performance.now();
    for (let i = 0; i < 100; i++) await engine.extend(rows([5]));
    best = Math.max(best, (slots * 100 * 1000) / (performance.now() - start));
  }
  await engine.close();
  figures[`decodeTokensPerSecondBatch${slots}`] = best;
  say(`  decode, ${slots} together: ${Math.round(best)} tokens/s`);
}

if (!part || part === "gemm") await measureGemm(figures, build);
if (!part || part === "profile") await profileStep(figures, build);
if (!part || part === "train") {
  await measureTraining("Demo", { config: DEMO, lengths: evenLengths(225), rounds: 12, memoryBytes: 2 ** 29 });
  await measureTraining("DemoBatch", { config: DEMO, lengths: DEMO_LENGTHS, rounds: 12, memoryBytes: 2 ** 29 });
  await measureTraining("7M", { config: SEVEN_MILLION, lengths: evenLengths(256), rounds: 6, memoryBytes: 2 ** 31 });
}
if (!part || part === "decode") for (const slots of [1, 32]) await measureDecoding(slots);
finish("engine", figures, facts);
