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

/** The median ratio of a product to the ceiling right after it, at 512 and 1024, on one and two threads; the best GFLOP/s of each. */
export async function measureGemm(figures, build) {
  for (const threads of [1, 2]) {
    const { backend, notes, close } = await createWasmBackend({ threads, memoryBytes: 2 ** 26, build });
    const peak = await openPeak(backend.kernelBuild.replace("wasm-", ""), threads);
    say(notes.join("; "));
    for (const n of [512, 1024]) {
      const call = product(backend, n);
      const flops = 2 * n ** 3;
      let [best, ceiling] = [0, 0];
      const ratios = [];
      const end = performance.now() + BUDGET_MS;
      while (performance.now() < end) {
        const start = performance.now();
        call();
        const speed = flops / (performance.now() - start) / 1e6;
        const limit = peak.run(flops);
        ratios.push(speed / limit);
        [best, ceiling] = [Math.max(best, speed), Math.max(ceiling, limit)];
      }
      ratios.sort((a, b) => a - b);
      const ratio = ratios[ratios.length >> 1];
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
