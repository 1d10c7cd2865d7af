import { existsSync, readFileSync } from "node:fs";
import { AppError } from "../../core/errors.ts";
import type { Backend } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/kernels/reference/reference-backend.ts";
import { heapBaseOf, scratchOf } from "../../engine/kernels/wasm/memory-layout.ts";
import { WasmBackend } from "../../engine/kernels/wasm/wasm-backend.ts";
import { instantiateKernels, type WasmBuild } from "../../engine/kernels/wasm/wasm-kernels.ts";
import { compiledUrl } from "./compiled-url.ts";
import { KernelPool } from "./kernel-pool.ts";

/** What to make a backend of. */
export interface BackendOptions {
  /** Threads that compute, the caller included; at least 1. */
  readonly threads: number;
  /** Size of the linear memory at first, scratch included; it grows to at most 4 GiB less a page. */
  readonly memoryBytes: number;
  /** Which kernels; by default the fastest on this host. */
  readonly build?: WasmBuild | "reference" | undefined;
}

/** A backend, how it came to be what it is, and how to end it. */
export interface CreatedBackend {
  readonly backend: Backend;
  /** What was chosen and why, for the user. */
  readonly notes: readonly string[];
  /** Ends helper threads. The backend must not be used afterwards. */
  readonly close: () => Promise<void>;
}

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_535;
const MAX_MEMORY_BYTES = MAX_PAGES * PAGE_BYTES;

/**
 * The fastest backend that this host can run: WASM kernels on `threads` threads; on one when helpers cannot be had; the
 * reference kernels when WASM SIMD cannot. Call it on the thread that will run kernels.
 *
 * @throws {AppError} `limit-exceeded` for a memory size out of range, `engine` when an explicitly asked build is missing
 * or refused, or when the memory cannot be allocated.
 */
export async function createWasmBackend(options: BackendOptions): Promise<CreatedBackend> {
  checkMemory(options);
  const notes: string[] = [];
  const chosen = chooseModule(options.build, notes);
  if (chosen === undefined) return { backend: new ReferenceBackend(options.memoryBytes), notes, close: async () => {} };
  const memory = allocate(options.memoryBytes);
  const kernels = instantiateKernels(chosen.module, memory, scratchOf(0));
  const pool = await startPool({ module: chosen.module, memory, kernels, threads: options.threads }, notes);
  const kernelBuild = `wasm-${chosen.build}` as const;
  const backend = new WasmBackend({ kernelBuild, memory, kernels, ...(pool && { pool }) });
  return { backend, notes, close: async () => pool?.close() };
}

function checkMemory({ threads, memoryBytes }: BackendOptions): void {
  const least = heapBaseOf(Math.max(1, threads));
  if (memoryBytes > least && memoryBytes <= MAX_MEMORY_BYTES) return;
  throw new AppError(
    "limit-exceeded",
    `engine memory of ${memoryBytes} bytes is outside ${least} to ${MAX_MEMORY_BYTES}`,
    {
      hint: memoryBytes > MAX_MEMORY_BYTES ? "use a smaller batch or context" : "give the engine more memory",
      data: { memoryBytes, threads },
    },
  );
}

function binaryUrl(build: WasmBuild): URL {
  return compiledUrl(import.meta.url, `../../engine/kernels/wasm/kernels-${build}.wasm`);
}

/** The compiled kernels, or none when the host cannot run them. */
function chooseModule(
  wanted: BackendOptions["build"],
  notes: string[],
): { module: WebAssembly.Module; build: WasmBuild } | undefined {
  if (wanted === "reference") {
    notes.push("kernels: reference, as asked");
    return undefined;
  }
  const build = wanted ?? preferredBuild(notes);
  const url = binaryUrl(build);
  const problem = existsSync(url) ? undefined : `${url.pathname} is missing`;
  const bytes = problem === undefined ? readFileSync(url) : undefined;
  if (bytes !== undefined && WebAssembly.validate(bytes)) {
    notes.push(`kernels: wasm-${build}`);
    return { module: new WebAssembly.Module(bytes), build };
  }
  const reason = problem ?? `this host does not accept the ${build} kernels`;
  if (wanted !== undefined) throw new AppError("engine", reason, { hint: "run `npm run build`, or ask for no build" });
  notes.push(`kernels: reference (slow), because ${reason}`);
  return undefined;
}

/**
 * Relaxed where the host accepts it as shipped. On Node 20 it needs a flag, and is then slower than plain SIMD (25
 * against 35 GFLOP/s, Zen 4, 2026-11-23), so a flag does not count.
 */
function preferredBuild(notes: string[]): WasmBuild {
  const url = binaryUrl("relaxed");
  const isAccepted = existsSync(url) && WebAssembly.validate(readFileSync(url));
  const major = Number(process.versions.node.split(".")[0]);
  if (isAccepted && major >= 21) return "relaxed";
  notes.push(isAccepted ? `relaxed SIMD left aside, slower on Node ${major}` : `no relaxed SIMD in Node ${major}`);
  return "simd";
}

function allocate(memoryBytes: number): WebAssembly.Memory {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  try {
    // Address space for all that may be wanted; pages that nobody touches cost nothing.
    return new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared: true });
  } catch {
    return allocateFixed(pages);
  }
}

/** Where address space is short too. */
function allocateFixed(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const memoryBytes = pages * PAGE_BYTES;
    throw new AppError("engine", `${memoryBytes} bytes of engine memory could not be allocated`, {
      cause,
      hint: "use a smaller batch or context, or free memory",
    });
  }
}

async function startPool(
  options: Parameters<typeof KernelPool.start>[0],
  notes: string[],
): Promise<KernelPool | undefined> {
  if (options.threads <= 1) {
    notes.push("threads: 1");
    return undefined;
  }
  if (!(options.memory.buffer instanceof SharedArrayBuffer)) {
    notes.push("threads: 1, because this host has no SharedArrayBuffer");
    return undefined;
  }
  try {
    const pool = await KernelPool.start(options);
    notes.push(`threads: ${options.threads}`);
    return pool;
  } catch (error) {
    notes.push(`threads: 1, because ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
