import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compiledUrl } from "../../adapters/threads/compiled-url.ts";
import { type CreatedBackend, createWasmBackend } from "../../adapters/threads/create-backend.ts";
import { bf16Case, type Case, headNormCase, joined, Lab } from "../../../test/kernel-lab.ts";
import { prng } from "../../core/prng.ts";
import type { Backend } from "../backend.ts";
import { panelFloats } from "./kernel.ts";
import { ReferenceBackend } from "./reference/reference-backend.ts";
import { heapBaseOf, scratchOf } from "./wasm/memory-layout.ts";
import { instantiateKernels, type WasmBuild } from "./wasm/wasm-kernels.ts";

const MEMORY_BYTES = 48 * 2 ** 20;

function matmulCase(
  m: number,
  k: number,
  n: number,
  form: "normal" | "transposed-a" | "transposed-b" | "both",
  isAccumulating: boolean,
): Case {
  return (lab, random) => {
    const a = lab.random(random, m * k);
    const b = lab.random(random, k * n);
    const bias = m % 2 === 0 ? lab.random(random, n) : 0;
    const panels = lab.dirty(panelFloats(k, n));
    const c = isAccumulating ? lab.random(random, m * n) : lab.dirty(m * n);
    const isA = form === "transposed-a" || form === "both";
    const isB = form === "transposed-b" || form === "both";
    lab.backend.run("packPanels", Math.ceil(n / 8), 1, b, k, n, isB ? 1 : n, isB ? k : 1, panels);
    lab.backend.run("matmul", m, 1, a, isA ? 1 : k, isA ? m : 1, panels, bias, c, k, n, isAccumulating ? 1 : 0);
    return lab.read(c, m * n + 4);
  };
}

function normCase(rows: number, channels: number): Case {
  return (lab, random) => {
    const x = lab.random(random, rows * channels);
    const weight = lab.random(random, channels);
    const [y, rstd] = [lab.dirty(rows * channels), lab.dirty(rows)];
    const dy = lab.random(random, rows * channels);
    const dx = lab.random(random, rows * channels);
    const dweight = lab.random(random, channels);
    const sums = lab.random(random, channels);
    lab.backend.run("rmsNormForward", rows, 1, x, weight, y, rstd, channels, 1e-6);
    lab.backend.run("rmsNormBackward", rows, 1, x, weight, rstd, dy, dx, channels);
    lab.backend.run("rmsNormWeightGrad", channels, 1, x, rstd, dy, dweight, rows, channels);
    lab.backend.run("columnSums", channels, 1, x, sums, rows, channels);
    return lab.read(y, sums / 4 - y / 4 + channels + 4);
  };
}

function ropeCase(rows: number, heads: number, headSize: number, direction: 1 | -1): Case {
  return (lab, random) => {
    const stride = (heads + 1) * headSize;
    const x = lab.random(random, rows * stride);
    const positions = lab.ints(Array.from({ length: rows }, () => random.int(0, 49)));
    const table = lab.random(random, 50 * headSize);
    lab.backend.run("rope", rows, 1, x, positions, table, heads, headSize, stride, direction);
    return lab.read(x, rows * stride + 4);
  };
}

interface AttentionShape {
  /** Per segment: queries and the keys that came before them. */
  readonly segments: readonly (readonly [queries: number, past: number])[];
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

function layOut(shape: AttentionShape): { quadruples: number[]; queries: number; keys: number } {
  let [queries, keys] = [0, 0];
  const quadruples: number[] = [];
  for (const [length, past] of shape.segments) {
    quadruples.push(queries, length, keys, past + length);
    queries += length;
    keys += past + length;
  }
  return { quadruples, queries, keys };
}

function attentionCase(shape: AttentionShape): Case {
  return (lab, random) => {
    const { heads, kvHeads, headSize } = shape;
    const { quadruples, queries, keys } = layOut(shape);
    const [qStride, kvStride, outStride] = [heads * headSize + 4, 2 * kvHeads * headSize, heads * headSize];
    const q = lab.random(random, queries * qStride, -2, 2);
    const kv = lab.random(random, keys * kvStride, -2, 2);
    const v = kv + kvHeads * headSize * 4;
    const out = lab.dirty(queries * outStride);
    const lse = lab.dirty(queries * heads);
    const segments = lab.ints(quadruples);
    const count = shape.segments.length;
    lab.backend.run(
      "attentionForward",
      count * heads,
      1,
      q,
      qStride,
      kv,
      v,
      kvStride,
      out,
      outStride,
      lse,
      segments,
      heads,
      kvHeads,
      headSize,
    );
    const forward = lab.read(out, lse / 4 - out / 4 + queries * heads + 4);
    if (queries !== keys) return forward;
    const dout = lab.random(random, queries * outStride);
    const dq = lab.dirty(queries * qStride);
    const dkv = lab.dirty(keys * kvStride);
    lab.backend.run(
      "attentionBackward",
      count * kvHeads,
      1,
      q,
      qStride,
      kv,
      v,
      kvStride,
      out,
      dout,
      outStride,
      lse,
      dq,
      dkv,
      dkv + kvHeads * headSize * 4,
      segments,
      heads,
      kvHeads,
      headSize,
    );
    return joined(forward, lab.read(dq, dkv / 4 - dq / 4 + keys * kvStride + 4));
  };
}

function swigluCase(rows: number, hidden: number): Case {
  return (lab, random) => {
    // A gate of 100 or -100 must neither overflow nor leave a NaN.
    const gateUp = lab.random(random, rows * 2 * hidden, -100, 100);
    const dout = lab.random(random, rows * hidden);
    const [out, dGateUp] = [lab.dirty(rows * hidden), lab.dirty(rows * 2 * hidden)];
    lab.backend.run("swigluForward", rows, 1, gateUp, out, hidden);
    lab.backend.run("swigluBackward", rows, 1, gateUp, dout, dGateUp, hidden);
    return lab.read(out, dGateUp / 4 - out / 4 + rows * 2 * hidden + 4);
  };
}

function embeddingCase(rows: number, channels: number): Case {
  return (lab, random) => {
    const ids = lab.ints(Array.from({ length: rows }, () => random.int(0, 20)));
    const table = lab.random(random, 21 * channels);
    const dout = lab.random(random, rows * channels);
    const [out, dtable] = [lab.dirty(rows * channels), lab.random(random, 21 * channels)];
    lab.backend.run("embeddingForward", rows, 1, ids, table, out, channels);
    lab.backend.run("embeddingBackward", channels, 1, ids, dout, dtable, rows, channels);
    return lab.read(out, dtable / 4 - out / 4 + 21 * channels + 4);
  };
}

function crossEntropyCase(rows: number, vocabulary: number, stride: number): Case {
  return (lab, random) => {
    const logits = lab.random(random, rows * stride, -30, 30);
    const targets = lab.ints(Array.from({ length: rows }, () => random.int(0, vocabulary - 1)));
    const weights = lab.floats(Array.from({ length: rows }, (_, row) => (row % 3 === 1 ? 0 : random.next())));
    const losses = lab.dirty(rows);
    lab.backend.run("crossEntropy", rows, 1, logits, targets, weights, losses, vocabulary, stride);
    return joined(lab.read(logits, rows * stride + 4), lab.read(losses, rows + 4));
  };
}

/** Fills a cache in a random order of rows, then attends over it; slots are used last first. */
function cacheCase(shape: AttentionShape, capacity: number): Case {
  return (lab, random) => {
    const { heads, kvHeads, headSize, segments } = shape;
    const [qStride, kvStride] = [heads * headSize + 4, 2 * kvHeads * headSize + 4];
    const slotOf = (segment: number): number => segments.length - 1 - segment;
    const places = random.shuffle(
      segments.flatMap(([length, past], segment) =>
        Array.from({ length: past + length }, (_, position) => [slotOf(segment), position] as const),
      ),
    );
    const source = lab.random(random, places.length * kvStride, -2, 2);
    const cacheFloats = segments.length * 2 * kvHeads * capacity * headSize;
    const cache = lab.dirty(cacheFloats);
    const slots = lab.ints(places.map(([slot]) => slot));
    const positions = lab.ints(places.map(([, position]) => position));
    lab.backend.run(
      "appendKeyValues",
      places.length,
      1,
      source,
      kvStride,
      cache,
      capacity,
      slots,
      positions,
      kvHeads,
      headSize,
    );
    let queries = 0;
    const quadruples = segments.flatMap(([length, past], segment) => {
      queries += length;
      return [queries - length, length, slotOf(segment), past + length];
    });
    const q = lab.random(random, queries * qStride, -2, 2);
    const out = lab.dirty(queries * heads * headSize);
    lab.backend.run(
      "cachedAttention",
      segments.length * kvHeads,
      1,
      q,
      qStride,
      cache,
      capacity,
      out,
      heads * headSize,
      lab.ints(quadruples),
      heads,
      kvHeads,
      headSize,
    );
    return joined(lab.read(cache, cacheFloats + 4), lab.read(out, queries * heads * headSize + 4));
  };
}

function flatCase(count: number): Case {
  return (lab, random) => {
    const [gradient, parameter] = [lab.random(random, count), lab.random(random, count)];
    const [m, v, sum] = [lab.random(random, count), lab.random(random, count, 0, 1), lab.random(random, count)];
    const chunks = Math.ceil(count / 4096);
    const partials = lab.dirty(chunks);
    lab.backend.run("add", count, 1, gradient, sum);
    lab.backend.run("scale", count, 1, sum, 0.7);
    lab.backend.run("sumOfSquares", chunks, 1, gradient, count, partials);
    lab.backend.run("adamw", count, 1, parameter, gradient, m, v, 1e-3, 0.9, 0.999, 1e-8, 0.1, 0.1, 0.01, 0.5);
    return lab.read(parameter, partials / 4 - parameter / 4 + chunks + 4);
  };
}

/** Odd sizes on purpose: tails of tiles, panels, blocks and lanes; large enough that several threads really share them. */
const CASES: Readonly<Record<string, Case>> = {
  "matmul 1x1x1": matmulCase(1, 1, 1, "normal", false),
  "matmul 1x77x131": matmulCase(1, 77, 131, "normal", false),
  "matmul 2x5x9, both transposed": matmulCase(2, 5, 9, "both", false),
  "matmul 97x400x61, beyond one block of rows and k": matmulCase(97, 400, 61, "normal", false),
  "matmul 97x801x37 into C": matmulCase(97, 801, 37, "normal", true),
  "matmul 130x70x88, B transposed": matmulCase(130, 70, 88, "transposed-b", false),
  "matmul 83x911x24, A transposed, into C": matmulCase(83, 911, 24, "transposed-a", true),
  "matmul 198x64x64": matmulCase(198, 64, 64, "normal", false),
  "norms 301x128": normCase(301, 128),
  "norms 67x44": normCase(67, 44),
  "norms 5x7": normCase(5, 7),
  "head norms 301x6, D=32": headNormCase(301, 6, 32),
  "head norms 5x1, D=6": headNormCase(5, 1, 6),
  "bf16 1x1x1": bf16Case(1, 1, 1, "normal", false),
  "bf16 1x77x131": bf16Case(1, 77, 131, "normal", false),
  "bf16 1x40x64, B transposed, into C": bf16Case(1, 40, 64, "transposed-b", true),
  "bf16 98x801x37 into C": bf16Case(98, 801, 37, "normal", true),
  "bf16 130x70x88, B transposed": bf16Case(130, 70, 88, "transposed-b", false),
  "rope D=32": ropeCase(701, 6, 32, 1),
  "rope D=12, backward": ropeCase(31, 3, 12, -1),
  "attention, training": attentionCase({
    segments: [
      [225, 0],
      [3, 0],
      [1, 0],
      [130, 0],
      [64, 0],
    ],
    heads: 4,
    kvHeads: 4,
    headSize: 32,
  }),
  "attention, grouped queries, D=20": attentionCase({
    segments: [
      [70, 0],
      [65, 0],
    ],
    heads: 6,
    kvHeads: 2,
    headSize: 20,
  }),
  "attention, D=4": attentionCase({ segments: [[9, 0]], heads: 1, kvHeads: 1, headSize: 4 }),
  "attention, longer than one block of queries": attentionCase({
    segments: [[300, 0]],
    heads: 1,
    kvHeads: 1,
    headSize: 16,
  }),
  "attention, decoding": attentionCase({
    segments: [
      [1, 0],
      [1, 299],
      [2, 127],
      [1, 1023],
      [5, 128],
      [258, 70],
    ],
    heads: 4,
    kvHeads: 2,
    headSize: 32,
  }),
  "swiglu 97x384": swigluCase(97, 384),
  "swiglu 5x7": swigluCase(5, 7),
  "embedding 901x128": embeddingCase(901, 128),
  "embedding 5x7": embeddingCase(5, 7),
  "cross-entropy V=515": crossEntropyCase(97, 515, 520),
  "cross-entropy V=3": crossEntropyCase(4, 3, 3),
  "cached attention": cacheCase(
    {
      segments: [
        [1, 0],
        [1, 299],
        [2, 127],
        [1, 128],
        [5, 128],
        [258, 70],
      ],
      heads: 4,
      kvHeads: 2,
      headSize: 32,
    },
    328,
  ),
  "cached attention, groups of three, D=20": cacheCase(
    {
      segments: [
        [1, 12],
        [3, 4],
        [1, 15],
      ],
      heads: 6,
      kvHeads: 2,
      headSize: 20,
    },
    16,
  ),
  "cached attention, a key head for each head": cacheCase(
    { segments: [[1, 200]], heads: 2, kvHeads: 2, headSize: 16 },
    208,
  ),
  "flat 70001": flatCase(70_001),
  "flat 3": flatCase(3),
};

const reference = new ReferenceBackend(MEMORY_BYTES);
const outputs = (backend: Backend): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(CASES).map(([name, run]) => [name, run(new Lab(backend), prng(name))]));
const expected = outputs(reference);

/**
 * The fast kernels sum in f32 where the reference sums in f64: with inputs of size 1 (logits 30) the sums here stay below
 * 100 and lose at most a few ulp per partial sum, so 5e-5 of the larger of 1 and the value.
 */
function expectClose(actual: Float32Array, wanted: Float32Array): void {
  expect(actual.length).toBe(wanted.length);
  let [worst, at] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs(actual[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i]));
    if (!(error <= worst)) [worst, at] = [error, i];
  }
  expect(worst, `element ${at}: ${actual[at]} instead of ${wanted[at]}`).toBeLessThan(5e-5);
}

function expectSameBytes(actual: Float32Array, wanted: Float32Array): void {
  expect(Buffer.compare(Buffer.from(actual.buffer), Buffer.from(wanted.buffer)) === 0).toBe(true);
}

const binary = (build: WasmBuild): Uint8Array<ArrayBuffer> =>
  readFileSync(compiledUrl(import.meta.url, `./wasm/kernels-${build}.wasm`));

/** A backend on one thread whose kernels see their items in uneven ranges, last range first. */
function inUnevenRanges(build: WasmBuild): Backend {
  const memory = new WebAssembly.Memory({
    initial: MEMORY_BYTES / 65_536,
    maximum: MEMORY_BYTES / 65_536,
    shared: true,
  });
  const kernels = instantiateKernels(new WebAssembly.Module(binary(build)), memory, scratchOf(0));
  const random = prng("ranges");
  return {
    kernelBuild: `wasm-${build}`,
    threads: 1,
    buffer: memory.buffer,
    heapBase: heapBaseOf(1),
    run(name, items, _grain, ...args) {
      const kernel = kernels[name] as (...args: readonly number[]) => void;
      for (let to = items; to > 0; ) {
        const from = Math.max(0, to - random.int(1, Math.ceil(items / 3)));
        kernel(...(args as readonly number[]), from, to);
        to = from;
      }
    },
  };
}

for (const build of ["simd", "relaxed"] as const) {
  describe.skipIf(!WebAssembly.validate(binary(build)))(`wasm-${build}`, () => {
    const opened: CreatedBackend[] = [];
    const open = async (threads: number): Promise<Backend> => {
      const created = await createWasmBackend({ threads, memoryBytes: MEMORY_BYTES, build });
      opened.push(created);
      // The fast path really runs, on the threads it was asked for.
      expect(created.backend).toMatchObject({ kernelBuild: `wasm-${build}`, threads });
      return created.backend;
    };
    let actual: Record<string, Float32Array> = {};
    beforeAll(async () => {
      actual = outputs(await open(1));
    });
    afterAll(async () => {
      await Promise.all(opened.map((created) => created.close()));
    });

    it.each(Object.keys(CASES))("%s equals the reference", (name) => expectClose(actual[name], expected[name]));

    it("gives the same bytes on 1, 2 and 3 threads", async () => {
      for (const threads of [2, 3]) {
        const found = outputs(await open(threads));
        for (const name of Object.keys(CASES)) expectSameBytes(found[name], actual[name]);
      }
    });

    it("gives the same bytes for any ranges of items", () => {
      const found = outputs(inUnevenRanges(build));
      for (const name of Object.keys(CASES)) expectSameBytes(found[name], actual[name]);
    });

    it("gives a row of a matrix product the same bytes alone as in a batch", async () => {
      const lab = new Lab(await open(1));
      const random = prng("row");
      const [m, k, n] = [23, 450, 77];
      const a = lab.random(random, m * k);
      const panels = lab.dirty(panelFloats(k, n));
      lab.backend.run("packPanels", Math.ceil(n / 8), 1, lab.random(random, k * n), k, n, n, 1, panels);
      const c = lab.dirty(m * n);
      lab.backend.run("matmul", m, 1, a, k, 1, panels, 0, c, k, n, 0);
      for (let row = 0; row < m; row++) {
        const alone = lab.dirty(n);
        lab.backend.run("matmul", 1, 1, a + row * k * 4, k, 1, panels, 0, alone, k, n, 0);
        expectSameBytes(lab.read(alone, n), lab.read(c + row * n * 4, n));
      }
    });

    it.each([1, 2, 25])("multiplies %d rows by bf16 with the bits of the same values in f32", async (m) => {
      const lab = new Lab(await open(1));
      const random = prng("bf16");
      const [k, n] = [450, 77];
      const a = lab.random(random, m * k);
      const halves = lab.halves(random, k * n);
      const words = Uint32Array.from(new Uint16Array(lab.backend.buffer, halves, k * n), (half) => half << 16);
      const floats = lab.floats(new Float32Array(words.buffer));
      const [narrow, wide] = [lab.dirty(panelFloats(k, n) / 2), lab.dirty(panelFloats(k, n))];
      lab.backend.run("packPanelsBf16", Math.ceil(n / 8), 1, halves, k, n, n, 1, narrow);
      lab.backend.run("packPanels", Math.ceil(n / 8), 1, floats, k, n, n, 1, wide);
      const [c, d] = [lab.dirty(m * n), lab.dirty(m * n)];
      lab.backend.run("matmulBf16", m, 1, a, k, 1, narrow, 0, c, k, n, 0);
      lab.backend.run("matmul", m, 1, a, k, 1, wide, 0, d, k, n, 0);
      expectSameBytes(lab.read(c, m * n), lab.read(d, m * n));
    });

    it("attends over the cache with the bytes of attention over rows, one query at a time or many", async () => {
      const lab = new Lab(await open(1));
      const random = prng("cache");
      const [length, heads, kvHeads, headSize, capacity] = [395, 4, 2, 32, 400];
      const [qStride, kvStride] = [heads * headSize, 2 * kvHeads * headSize];
      const q = lab.random(random, length * qStride, -3, 3);
      const kv = lab.random(random, length * kvStride, -3, 3);
      const v = kv + kvHeads * headSize * 4;
      const whole = lab.dirty(length * qStride);
      const shape = [heads, kvHeads, headSize] as const;
      const everything = lab.ints([0, length, 0, length]);
      lab.backend.run(
        "attentionForward",
        heads,
        1,
        q,
        qStride,
        kv,
        v,
        kvStride,
        whole,
        qStride,
        0,
        everything,
        ...shape,
      );
      const cache = lab.dirty(2 * kvHeads * capacity * headSize);
      const slots = lab.ints(new Array<number>(length).fill(0));
      const positions = lab.ints(Array.from({ length }, (_, position) => position));
      lab.backend.run("appendKeyValues", length, 1, kv, kvStride, cache, capacity, slots, positions, kvHeads, headSize);
      for (const [start, count] of [
        [0, 1],
        [7, 1],
        [127, 1],
        [128, 1],
        [394, 1],
        [255, 2],
        [3, 260],
        [0, 395],
      ] as const) {
        const out = lab.dirty(count * qStride);
        const part = lab.ints([0, count, 0, start + count]);
        const query = q + start * qStride * 4;
        lab.backend.run("cachedAttention", kvHeads, 1, query, qStride, cache, capacity, out, qStride, part, ...shape);
        expectSameBytes(lab.read(out, count * qStride), lab.read(whole + start * qStride * 4, count * qStride));
      }
    });

    it("attends from a query the same bytes whether decoded alone or prefilled with others", async () => {
      const lab = new Lab(await open(1));
      const random = prng("decode");
      const [length, heads, kvHeads, headSize] = [395, 4, 2, 20];
      const [qStride, kvStride] = [heads * headSize, kvHeads * headSize];
      const q = lab.random(random, length * qStride, -3, 3);
      const k = lab.random(random, length * kvStride, -3, 3);
      const v = lab.random(random, length * kvStride);
      const attend = (start: number, count: number): Float32Array => {
        const out = lab.dirty(count * qStride);
        const lse = lab.dirty(count * heads);
        const segments = lab.ints([0, count, 0, start + count]);
        lab.backend.run(
          "attentionForward",
          heads,
          1,
          q + start * qStride * 4,
          qStride,
          k,
          v,
          kvStride,
          out,
          qStride,
          lse,
          segments,
          heads,
          kvHeads,
          headSize,
        );
        return joined(lab.read(out, count * qStride), lab.read(lse, count * heads));
      };
      const whole = attend(0, length);
      const at = (start: number, count: number): Float32Array =>
        joined(
          whole.subarray(start * qStride, (start + count) * qStride),
          whole.subarray(length * qStride + start * heads, length * qStride + (start + count) * heads),
        );
      for (const [start, count] of [
        [0, 1],
        [1, 1],
        [127, 1],
        [128, 1],
        [394, 1],
        [255, 2],
        [126, 3],
        [120, 17],
        [3, 260],
      ] as const) {
        expectSameBytes(attend(start, count), at(start, count));
      }
    });
  });
}
