// The embedded student's replies beside those of `transformers` and of llama.cpp on the same weights in f32: the same prompts,
// greedy, as many tokens, as many threads, in turn. Ours go through the engine's thread and the thinking-budget machine.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeFileSystem } from "../dist/adapters/file-system.js";
import { importLlama } from "../dist/adapters/runtimes/llama-module.js";
import { generate } from "../dist/decode/generate.js";
import { exportModel } from "../dist/pipeline/export/export-model.js";
import { findExported } from "../dist/pipeline/export/find-exported.js";
import { endless, FOLDER, openDemoStudent, promptsOf } from "./demo-student.mjs";
import { say } from "./figures.mjs";
import { addSpread, median, spreadText } from "./spread.mjs";
import { openPython } from "./torch-process.mjs";

const PROMPT_TOKENS = 34;
/** A prompt and its reply fill half of the demo's context. */
const TOKENS = 480;
const ROUNDS = 5;

/** Fills in `batch1VsTransformers`, `batch32VsTransformers` and `batch1VsLlamaCpp`: our tokens a second over theirs. */
export async function measureRivals(figures, facts, threads) {
  for (const slots of [1, 32]) {
    const ours = await openOurs(slots, threads);
    facts.build = ours.kernelBuild;
    const torch = await openTransformers(ours.prompts, threads);
    if (torch !== undefined) {
      Object.assign(facts, torch.about);
      await compare(figures, `batch${slots}VsTransformers`, { ours, theirs: torch });
    }
    torch?.close();
    const llama = slots === 1 ? await openLlama(ours.prompts[0], threads) : undefined;
    if (llama !== undefined) await compare(figures, `batch${slots}VsLlamaCpp`, { ours, theirs: llama });
    await llama?.close();
    await ours.close();
  }
}

/** Rounds in turn, after one to warm up: the ratio of each round, and how many replies are the same. */
async function compare(figures, name, { ours, theirs }) {
  const { slots } = ours;
  const speeds = { ours: [], theirs: [] };
  let same = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const [mine, other] = [await ours.run(), await theirs.run(slots)];
    same = mine.ids.filter((ids, row) => ids.join() === other.ids[row].join()).length;
    if (round === 0) continue;
    speeds.ours.push((slots * TOKENS * 1000) / mine.ms);
    speeds.theirs.push((slots * TOKENS * 1000) / other.ms);
  }
  const ratios = speeds.ours.map((speed, round) => speed / speeds.theirs[round]);
  addSpread(figures, name, ratios);
  figures[`${name}Ours`] = median(speeds.ours);
  figures[`${name}Theirs`] = median(speeds.theirs);
  say(
    `${name}: ${spreadText(ratios)}; ${spreadText(speeds.ours, 0)} beside ${spreadText(speeds.theirs, 0)} tokens/s; ${same} of ${slots} replies of ${TOKENS} tokens are the same`,
  );
}

async function openOurs(slots, threads) {
  const { model, source, delimiters, kernelBuild, close } = await openDemoStudent({ threads, slots });
  const prompts = promptsOf(model, slots, PROMPT_TOKENS);
  const setting = { mode: "think", budgetTokens: TOKENS - 1, waits: 0 };
  const requests = prompts.map((promptIds) => ({
    promptIds,
    setting,
    answerTokens: 1,
    sampling: { temperature: 0, key: "" },
  }));
  const run = async () => {
    const start = performance.now();
    const generations = await generate(source, requests, { delimiters: endless(delimiters) });
    return { ms: performance.now() - start, ids: generations.map(({ ids }) => ids) };
  };
  return { slots, prompts, kernelBuild, run, close };
}

async function openTransformers(prompts, threads) {
  const python = await openPython("generate_tokens.py", { folder: FOLDER, threads, prompts, tokens: TOKENS }, say);
  return python && { ...python, run: (rows) => python.ask(String(rows)) };
}

/** The demo's base as a GGUF, in node-llama-cpp's own loop; undefined, with the reason said, where the package is missing. */
async function openLlama(prompt, threads) {
  const folder = process.env.GRAPPA_LLAMA;
  const module = await importLlama(folder).catch((error) =>
    say(`  no comparison with llama.cpp: ${error.message} (name its node_modules in GRAPPA_LLAMA)`),
  );
  if (module === undefined) return undefined;
  const root = await mkdtemp(join(tmpdir(), "grappa-bench-"));
  const llama = await module.getLlama({ gpu: false, build: "never", progressLogs: false, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: await exportGguf(root) });
  const f32 = { experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32", flashAttention: false };
  const context = await model.createContext({ sequences: 1, contextSize: 1024, threads, ...f32 });
  const sequence = context.getSequence();
  const run = async () => {
    await sequence.clearHistory();
    const ids = [];
    const start = performance.now();
    for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true }))
      if (ids.push(id) === TOKENS) break;
    return { ms: performance.now() - start, ids: [ids] };
  };
  const close = async () => {
    await llama.dispose();
    await rm(root, { recursive: true });
  };
  return { run, close };
}

async function exportGguf(root) {
  const packageFolder = fileURLToPath(new URL("..", import.meta.url));
  const places = { fs: nodeFileSystem(), workingFolder: packageFolder, packageFolder };
  const model = await findExported(FOLDER, undefined, places);
  const rest = { grappa: "bench", repo: null, signal: new AbortController().signal, progress: () => undefined };
  const wanted = { model, formats: ["gguf"], type: "f32", folder: join(root, "out"), ...rest };
  const { files } = await exportModel(wanted, places);
  return join(root, "out", files[0].path);
}
