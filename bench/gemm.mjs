// Matrix products beside the ceiling: both measured in turn on the same threads, so that a busy machine slows both.
import { createWasmBackend } from "../dist/adapters/threads/create-backend.js";
import { say } from "./figures.mjs";
import { openPeak } from "./peak-threads.mjs";

const BUDGET_MS = 2500;

/** One whole product n x n x n, the packing of its right side included, as a call. */
function product(backend, n) {
  const f32 = new Float32Array(backend.buffer);
  const [a, b, panels, c] = [0, 1, 2, 3].map((i) => backend.heapBase + i * n * n * 4);
  for (let i = 0; i < 2 * n * n; i++) f32[a / 4 + i] = ((i * 7919) % 1000) / 1000 - 0.5;
  return () => {
    backend.run("packPanels", n / 8, 4, b, n, n, n, 1, panels);
    backend.run("matmul", n, 12, a, n, 1, panels, 0, c, n, n, 0);
  };
}

/** What nine of ten runs stay below: what the machine gives when nothing is in the way, without a single lucky run. */
const fast = (speeds) => [...speeds].sort((a, b) => a - b)[Math.floor(0.9 * (speeds.length - 1))];

/** Fast products in fast runs of the ceiling at 512 and 1024, on one and two threads, and the best GFLOP/s of each. */
export async function measureGemm(figures, build) {
  for (const threads of [1, 2]) {
    const { backend, notes, close } = await createWasmBackend({ threads, memoryBytes: 2 ** 26, build });
    const peak = await openPeak(backend.kernelBuild.replace("wasm-", ""), threads);
    say(notes.join("; "));
    for (const n of [512, 1024]) {
      const call = product(backend, n);
      const flops = 2 * n ** 3;
      const [speeds, limits] = [[], []];
      const end = performance.now() + BUDGET_MS;
      while (performance.now() < end) {
        const start = performance.now();
        call();
        speeds.push(flops / (performance.now() - start) / 1e6);
        limits.push(peak.run(flops));
      }
      const ratio = fast(speeds) / fast(limits);
      const [best, ceiling] = [Math.max(...speeds), Math.max(...limits)];
      const name = `gemm${n}Of${threads}Thread`;
      figures[`${name}Ceiling`] = ratio;
      figures[`${name}GigaflopsPerSecond`] = best;
      figures[`ceilingOf${threads}ThreadGigaflopsPerSecond`] = Math.max(
        ceiling,
        figures[`ceilingOf${threads}ThreadGigaflopsPerSecond`] ?? 0,
      );
      say(
        `  ${n}^3: ${(100 * ratio).toFixed(1)} % of the ceiling; best ${best.toFixed(1)} and ${ceiling.toFixed(1)} GFLOP/s`,
      );
    }
    await peak.close();
    await close();
  }
}
