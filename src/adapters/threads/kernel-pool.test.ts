import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { KERNEL_NAMES } from "../../engine/kernels/kernel.ts";
import { COMMAND_POINTER, heapBaseOf, scratchOf } from "../../engine/kernels/wasm/memory-layout.ts";
import { instantiateKernels } from "../../engine/kernels/wasm/wasm-kernels.ts";
import { WORD } from "./command-block.ts";
import { compiledUrl } from "./compiled-url.ts";
import { createWasmBackend } from "./create-backend.ts";
import { KernelPool, type KernelPoolOptions } from "./kernel-pool.ts";

const ADD = KERNEL_NAMES.indexOf("add");

async function start(
  options: Partial<KernelPoolOptions> = {},
): Promise<{ pool: KernelPool; memory: WebAssembly.Memory }> {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const module = new WebAssembly.Module(
    readFileSync(compiledUrl(import.meta.url, "../../engine/kernels/wasm/kernels-simd.wasm")),
  );
  const kernels = instantiateKernels(module, memory, scratchOf(0));
  return { pool: await KernelPool.start({ module, memory, kernels, threads: 2, ...options }), memory };
}

/** A helper whose whole code is `body`. */
const helper = (body: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`import { parentPort, workerData } from "node:worker_threads"; ${body}`)}`,
  );

function thrownBy(call: () => void): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("kernel pool", () => {
  it("computes every item once, in thousands of commands", async () => {
    const { pool, memory } = await start({ threads: 3 });
    const base = heapBaseOf(3);
    const f32 = new Float32Array(memory.buffer);
    f32.fill(1, base / 4, base / 4 + 5000);
    for (let i = 0; i < 3000; i++) pool.run(ADD, 5000, 100, [base, base + 20_000]);
    expect(f32.subarray(base / 4 + 5000, base / 4 + 10_000).every((value) => value === 3000)).toBe(true);
    await pool.close();
    expect(thrownBy(() => pool.run(ADD, 1, 1, [base, base]))).toMatchObject({ code: "engine" });
  });

  it("surfaces a trap in a kernel, and stays failed", async () => {
    const { pool } = await start();
    const matmul = KERNEL_NAMES.indexOf("matmul");
    const outside = 2 ** 30;
    for (let i = 0; i < 2; i++) {
      const error = thrownBy(() => pool.run(matmul, 64, 4, [outside, 1, 1, outside, 0, outside, 1, 8, 0]));
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: "engine" });
    }
    await pool.close();
  });

  it("surfaces a helper that died", async () => {
    const { pool } = await start({
      helperUrl: helper(`parentPort.postMessage("ready"); setTimeout(() => process.exit(3), 20);`),
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(thrownBy(() => pool.run(ADD, 8, 4, [heapBaseOf(2), heapBaseOf(2)]))).toMatchObject({
      code: "engine",
      message: expect.stringContaining("code 3"),
    });
    await pool.close();
  });

  it("surfaces a helper that vanished inside a range instead of waiting for ever", async () => {
    const count = `Atomics.add(new Int32Array(workerData.memory.buffer, ${COMMAND_POINTER}), ${WORD.active}, 1);`;
    const body = `${count} parentPort.postMessage("ready"); setInterval(() => {}, 1000);`;
    const { pool } = await start({ helperUrl: helper(body), helperTimeoutMs: 50 });
    expect(thrownBy(() => pool.run(ADD, 8, 4, [heapBaseOf(2), heapBaseOf(2)]))).toMatchObject({ code: "engine" });
    await pool.close();
  });

  it("says so when a helper does not start", async () => {
    await expect(start({ helperUrl: helper(`throw new Error("no room");`) })).rejects.toMatchObject({
      code: "engine",
      message: expect.stringContaining("no room"),
    });
  });
});

describe("createWasmBackend", () => {
  it("says what it chose", async () => {
    const { backend, notes, close } = await createWasmBackend({ threads: 2, memoryBytes: 2 ** 22 });
    expect(backend.threads).toBe(2);
    expect(backend.kernelBuild).toMatch(/^wasm-/);
    expect(notes).toContain("threads: 2");
    expect(backend.heapBase % 16).toBe(0);
    await close();
  });

  it("prefers plain SIMD on Node 20 and relaxed where the host has it as shipped", async () => {
    const { backend } = await createWasmBackend({ threads: 1, memoryBytes: 2 ** 22 });
    const major = Number(process.versions.node.split(".")[0]);
    expect(backend.kernelBuild).toBe(major >= 21 ? "wasm-relaxed" : "wasm-simd");
  });

  it("gives the reference kernels when asked", async () => {
    const { backend, notes } = await createWasmBackend({ threads: 2, memoryBytes: 2 ** 22, build: "reference" });
    expect(backend).toMatchObject({ kernelBuild: "reference", threads: 1, heapBase: 16 });
    expect(notes.join()).toContain("reference");
  });

  it.each([0, 2 ** 16, 2 ** 32])("refuses %i bytes of memory", async (memoryBytes) => {
    await expect(createWasmBackend({ threads: 1, memoryBytes })).rejects.toMatchObject({ code: "limit-exceeded" });
  });
});
