// Speed of the engine's kernels on this machine: matrix products in GFLOP/s beside the arithmetic ceiling of the same
// build, and every kernel's share of a training step of the demo's student. `--json` ends with one JSON line of figures;
// `--build simd|relaxed` asks for a build.
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { createWasmBackend } from "../dist/adapters/threads/create-backend.js";

const isJson = process.argv.includes("--json");
const asked = process.argv.includes("--build") ? process.argv[process.argv.indexOf("--build") + 1] : undefined;
const say = (line) => (isJson ? console.error(line) : console.log(line));

const SEGMENTS = 16;
const LENGTH = 225;
const M = SEGMENTS * LENGTH;
const [C, HIDDEN, V, LAYERS] = [128, 384, 320, 4];
const [HEADS, KV_HEADS, D] = [4, 2, 32];
const QKV = (HEADS + 2 * KV_HEADS) * D;

/** Milliseconds of one call: the median and the best over about `budgetMs`, after two calls to warm up. */
function time(call, budgetMs = 250) {
  call();
  call();
  const times = [];
  const end = performance.now() + budgetMs;
  while (times.length < 5 || performance.now() < end) {
    const start = performance.now();
    call();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { median: times[times.length >> 1], best: times[0] };
}

/** GFLOP/s of multiply-adds in registers on one thread: no matrix product of this build can be faster. */
function ceiling(build) {
  const file = new URL(`../dist/engine/kernels/wasm/kernels-${build}.wasm`, import.meta.url);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
  return (96 * 1e5) / (time(() => exports.peak(1e5), 400).best * 1e6);
}

/** Bump allocation over a backend's heap, filled with small numbers. */
function heapOf(backend) {
  const f32 = new Float32Array(backend.buffer);
  const i32 = new Int32Array(backend.buffer);
  let top = backend.heapBase;
  const take = (count) => {
    const pointer = top;
    top += Math.ceil(count / 16) * 64;
    return pointer;
  };
  return {
    floats(count) {
      const pointer = take(count);
      for (let i = 0; i < count; i++) f32[pointer / 4 + i] = ((i * 7919) % 1000) / 1000 - 0.5;
      return pointer;
    },
    ints(values) {
      const pointer = take(values.length);
      i32.set(values, pointer / 4);
      return pointer;
    },
    release: () => (top = backend.heapBase),
  };
}

/** One product (m x k) (k x n) as a call; `isTransposed` reads A as the gradient of a weight does. */
function product(backend, heap, [m, k, n], isTransposed = false) {
  const a = heap.floats(m * k);
  const panels = heap.floats(k * Math.ceil(n / 8) * 8);
  const c = heap.floats(m * n);
  const [row, step] = isTransposed ? [1, m] : [k, 1];
  return () => backend.run("matmul", m, isTransposed ? 12 : 24, a, row, step, panels, 0, c, k, n, 0);
}

/** [label, calls in a step, call] of everything that a training step of the demo's student runs. */
function stepParts(backend, heap) {
  const x = heap.floats(M * C);
  const y = heap.floats(M * C);
  const dx = heap.floats(M * C);
  const weight = heap.floats(C);
  const rstd = heap.floats(M);
  const qkv = heap.floats(M * QKV);
  const dqkv = heap.floats(M * QKV);
  const gateUp = heap.floats(M * 2 * HIDDEN);
  const dGateUp = heap.floats(M * 2 * HIDDEN);
  const hidden = heap.floats(M * HIDDEN);
  const logits = heap.floats(M * V);
  const table = heap.floats(Math.max(V * C, LENGTH * D));
  const panels = heap.floats(M * HIDDEN);
  const lse = heap.floats(M * HEADS);
  const ids = heap.ints(Array.from({ length: M }, (_, i) => (i * 31) % V));
  const positions = heap.ints(Array.from({ length: M }, (_, i) => i % LENGTH));
  const segments = heap.ints(
    Array.from({ length: SEGMENTS }, (_, i) => [i * LENGTH, LENGTH, i * LENGTH, LENGTH]).flat(),
  );
  const [k, v] = [qkv + HEADS * D * 4, qkv + (HEADS + KV_HEADS) * D * 4];
  const [dk, dv] = [dqkv + HEADS * D * 4, dqkv + (HEADS + KV_HEADS) * D * 4];
  const weights = LAYERS * (C * (QKV + C + 3 * HIDDEN) + 2 * C + QKV) + V * C + C;
  const state = [0, 1, 2, 3].map(() => heap.floats(weights));
  const partials = heap.floats(weights / 4096 + 1);
  const run =
    (...args) =>
    () =>
      backend.run(...args);
  const layers = [
    [C, QKV],
    [C, C],
    [C, 2 * HIDDEN],
    [HIDDEN, C],
  ];
  const forward = (k, n) => product(backend, heap, [M, k, n]);
  const gemms = [...layers.map((shape) => [shape, LAYERS]), [[C, V], 1]].flatMap(([[inputs, outputs], count]) => [
    [`matmul y ${inputs}x${outputs}`, count, forward(inputs, outputs)],
    [`matmul dx ${outputs}x${inputs}`, count, forward(outputs, inputs)],
    [`matmul dW ${outputs}x${inputs}`, count, product(backend, heap, [outputs, M, inputs], true)],
    [`packPanels ${M}x${inputs}`, count, run("packPanels", inputs / 8, 4, hidden, M, inputs, inputs, 1, panels)],
  ]);
  return [
    ...gemms,
    ["rmsNormForward", 2 * LAYERS + 1, run("rmsNormForward", M, 24, x, weight, y, rstd, C, 1e-6)],
    ["rmsNormBackward", 2 * LAYERS + 1, run("rmsNormBackward", M, 24, x, weight, rstd, y, dx, C)],
    ["rmsNormWeightGrad", 2 * LAYERS + 1, run("rmsNormWeightGrad", C, 16, x, rstd, y, weight, M, C)],
    ["columnSums", LAYERS, run("columnSums", QKV, 16, qkv, weight, M, QKV)],
    ["rope", 2 * LAYERS, run("rope", M, 24, dqkv, positions, table, HEADS + KV_HEADS, D, QKV, 1)],
    [
      "attentionForward",
      LAYERS,
      run("attentionForward", SEGMENTS * HEADS, 1, qkv, QKV, k, v, QKV, y, C, lse, segments, HEADS, KV_HEADS, D),
    ],
    [
      "attentionBackward",
      LAYERS,
      run(
        "attentionBackward",
        SEGMENTS * KV_HEADS,
        1,
        qkv,
        QKV,
        k,
        v,
        QKV,
        y,
        dx,
        C,
        lse,
        dqkv,
        dk,
        dv,
        segments,
        HEADS,
        KV_HEADS,
        D,
      ),
    ],
    ["swigluForward", LAYERS, run("swigluForward", M, 24, gateUp, hidden, HIDDEN)],
    ["swigluBackward", LAYERS, run("swigluBackward", M, 24, gateUp, hidden, dGateUp, HIDDEN)],
    ["add", 2 * LAYERS, run("add", M * C, 4096, x, y)],
    ["embeddingForward", 1, run("embeddingForward", M, 24, ids, table, y, C)],
    ["embeddingBackward", 1, run("embeddingBackward", C, 16, ids, y, table, M, C)],
    ["crossEntropy", 1, run("crossEntropy", M, 24, logits, ids, x, rstd, V, V)],
    ["sumOfSquares", 1, run("sumOfSquares", Math.ceil(weights / 4096), 1, state[0], weights, partials)],
    ["adamw", 1, run("adamw", weights, 4096, ...state, 1e-3, 0.9, 0.999, 1e-8, 0.1, 0.5, 0.5, 1)],
  ];
}

const PRODUCTS = [
  ...[128, 256, 512, 1024].map((n) => ({ label: `${n}^3`, shape: [n, n, n], isTransposed: false })),
  ...[
    [128, 384],
    [128, 768],
    [384, 128],
  ].map(([k, n]) => ({ label: `${M}x${k}x${n}`, shape: [M, k, n], isTransposed: false })),
  ...[
    [128, 384],
    [384, 128],
    [128, 768],
  ].map(([m, n]) => ({ label: `dW ${m}x${M}x${n}`, shape: [m, M, n], isTransposed: true })),
  ...[1, 16, 64].map((m) => ({ label: `decode ${m}x128x768`, shape: [m, 128, 768], isTransposed: false })),
];

function measureProducts(backend, peak, threads, figures) {
  const heap = heapOf(backend);
  for (const { label, shape, isTransposed } of PRODUCTS) {
    heap.release();
    const flops = 2 * shape[0] * shape[1] * shape[2];
    const { median, best } = time(product(backend, heap, shape, isTransposed));
    const [usual, fastest] = [flops / median / 1e6, flops / best / 1e6];
    figures[`gemm ${label}, ${threads} threads, median GFLOP/s`] = Number(usual.toFixed(1));
    figures[`gemm ${label}, ${threads} threads, best GFLOP/s`] = Number(fastest.toFixed(1));
    const share = Math.round((100 * fastest) / (peak * threads));
    say(
      `  ${label.padEnd(18)} ${usual.toFixed(1).padStart(6)} median ${fastest.toFixed(1).padStart(6)} best GFLOP/s, ${share} % of the ceiling`,
    );
  }
}

/** Shares are of best times: on a machine that others use, a median measures their load as much as the kernel. */
function measureStep(backend, threads, figures) {
  const heap = heapOf(backend);
  const parts = stepParts(backend, heap).map(([label, count, call]) => ({ label, count, ms: time(call, 120).best }));
  const total = parts.reduce((sum, { count, ms }) => sum + count * ms, 0);
  for (const { label, count, ms } of parts) {
    const share = (100 * count * ms) / total;
    const key = label.replace(/ .*/, "");
    figures[`${key}, ${threads} threads, % of step`] = Number(
      ((figures[`${key}, ${threads} threads, % of step`] ?? 0) + share).toFixed(2),
    );
    say(
      `  ${label.padEnd(22)} ${String(count).padStart(2)} x ${ms.toFixed(3).padStart(8)} ms ${share.toFixed(1).padStart(5)} %`,
    );
  }
  figures[`step kernels, ${threads} threads, ms`] = Number(total.toFixed(1));
  say(`  step: ${total.toFixed(1)} ms, ${Math.round((M * 1000) / total)} tokens/s in kernels alone`);
}

const figures = {};
let build = "";
for (const threads of [1, 2]) {
  const { backend, notes, close } = await createWasmBackend({ threads, memoryBytes: 2 ** 29, build: asked });
  build = backend.kernelBuild;
  const peak = ceiling(build.replace("wasm-", ""));
  figures[`ceiling seen with ${threads} threads, GFLOP/s per thread`] = Number(peak.toFixed(1));
  say(`${notes.join("; ")}; ceiling ${peak.toFixed(1)} GFLOP/s a thread`);
  measureProducts(backend, peak, threads, figures);
  say(`  one training step, ${SEGMENTS} x ${LENGTH} tokens, ${LAYERS} layers of ${C}:`);
  measureStep(backend, threads, figures);
  await close();
}
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version, build };
if (isJson) console.log(JSON.stringify({ bench: "engine", machine, figures }));
