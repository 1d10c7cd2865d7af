import { Worker } from "node:worker_threads";
import { AppError } from "../../core/errors.ts";
import { KERNEL_NAMES, type Kernels } from "../../engine/kernels/kernel.ts";
import type { Pool } from "../../engine/kernels/wasm/wasm-backend.ts";
import { type AnyKernel, type CommandBlock, commandBlockOf, computeRanges, spinWhile, WORD } from "./command-block.ts";
import { compiledUrl } from "./compiled-url.ts";

/** What a helper thread is started with. */
export interface HelperData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Its number, from 1; the caller is 0. */
  readonly index: number;
}

/** What a pool is started with. */
export interface KernelPoolOptions {
  readonly module: WebAssembly.Module;
  /** Shared memory. */
  readonly memory: WebAssembly.Memory;
  /** The calling thread's kernels. */
  readonly kernels: Kernels;
  /** Threads that compute, the caller included. */
  readonly threads: number;
  /** How long the caller waits for a helper inside one range before it gives it up for dead. */
  readonly helperTimeoutMs?: number;
  /** The helpers' module, which tests replace by one that misbehaves. */
  readonly helperUrl?: URL;
}

/** The longest range is one head of a segment: seconds at 32k tokens, never minutes. */
const HELPER_TIMEOUT_MS = 120_000;
const START_TIMEOUT_MS = 20_000;

/**
 * Helper threads that share the caller's memory. `run` blocks, so a pool belongs to a thread that may (an engine worker,
 * not a server's main thread). A helper that throws or dies surfaces as AppError("engine") from `run`.
 */
export class KernelPool implements Pool {
  readonly threads: number;
  readonly #block: CommandBlock;
  readonly #table: readonly AnyKernel[];
  readonly #helpers: readonly Worker[];
  readonly #helperTimeoutMs: number;
  #failure: unknown;
  #isClosed = false;

  private constructor(options: KernelPoolOptions, helpers: readonly Worker[]) {
    this.threads = options.threads;
    this.#block = commandBlockOf(options.memory.buffer);
    this.#table = KERNEL_NAMES.map((name) => options.kernels[name] as AnyKernel);
    this.#helpers = helpers;
    this.#helperTimeoutMs = options.helperTimeoutMs ?? HELPER_TIMEOUT_MS;
    for (const helper of helpers) {
      helper.on("message", (message: { failed?: string }) => (this.#failure ??= message.failed));
      helper.on("error", (error) => (this.#failure ??= error));
      helper.on("exit", (code) => {
        if (!this.#isClosed) this.#failure ??= new Error(`a helper thread ended with code ${code}`);
      });
    }
  }

  /**
   * Starts the helpers and waits until each is ready.
   *
   * @throws {AppError} `engine` when one of them does not start.
   */
  static async start(options: KernelPoolOptions): Promise<KernelPool> {
    const helpers: Worker[] = [];
    const url = options.helperUrl ?? compiledUrl(import.meta.url, "./kernel-helper.ts");
    try {
      for (let index = 1; index < options.threads; index++) {
        const data: HelperData = { module: options.module, memory: options.memory, index };
        // No inherited flags: a test runner's loaders have no business in a thread that only runs kernels.
        helpers.push(new Worker(url, { workerData: data, execArgv: [] }));
      }
      await Promise.all(helpers.map(waitUntilReady));
    } catch (cause) {
      await Promise.all(helpers.map((helper) => helper.terminate()));
      throw new AppError("engine", `helper threads did not start: ${String(cause)}`, { cause });
    }
    // The process may end while helpers sleep.
    for (const helper of helpers) helper.unref();
    return new KernelPool(options, helpers);
  }

  run(kernelId: number, items: number, grain: number, args: readonly number[]): void {
    if (this.#failure !== undefined || this.#isClosed) throw this.#error();
    const kernel = this.#table[kernelId];
    if (kernel === undefined) throw new AppError("engine", `no kernel has the id ${kernelId}`);
    this.#open(kernelId, items, grain, args);
    try {
      computeRanges(this.#block, kernel, args);
    } catch (error) {
      this.#failure = error;
    }
    this.#finish();
    if (Atomics.load(this.#block.words, WORD.failed) !== 0) this.#failure ??= "a kernel failed on a helper thread";
    if (this.#failure !== undefined) throw this.#error();
  }

  /** Ends the helpers. The backend must not be used afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const { words } = this.#block;
    Atomics.store(words, WORD.stop, 1);
    Atomics.add(words, WORD.generation, 1);
    Atomics.notify(words, WORD.generation);
    await Promise.all(this.#helpers.map((helper) => helper.terminate()));
  }

  #open(kernelId: number, items: number, grain: number, args: readonly number[]): void {
    const { words, args: slots } = this.#block;
    words[WORD.kernel] = kernelId;
    words[WORD.items] = items;
    words[WORD.range] = grain;
    words[WORD.argumentCount] = args.length;
    slots.set(args);
    Atomics.store(words, WORD.next, 0);
    Atomics.store(words, WORD.open, 1);
    Atomics.add(words, WORD.generation, 1);
    Atomics.notify(words, WORD.generation);
  }

  /** Closes the command and waits for the helpers that are still computing a range of it. */
  #finish(): void {
    const { words } = this.#block;
    // Without this a failed caller would leave ranges for helpers to claim.
    Atomics.store(words, WORD.next, words[WORD.items] ?? 0);
    Atomics.store(words, WORD.open, 0);
    for (;;) {
      const active = Atomics.load(words, WORD.active);
      if (active === 0) return;
      if (spinWhile(words, WORD.active, active)) continue;
      if (Atomics.wait(words, WORD.active, active, this.#helperTimeoutMs) === "timed-out") {
        this.#failure ??= `a helper thread has not answered for ${this.#helperTimeoutMs / 1000} s`;
        return;
      }
    }
  }

  #error(): AppError {
    const what = this.#isClosed ? "the thread pool is closed" : `a kernel thread failed: ${String(this.#failure)}`;
    return new AppError("engine", what, {
      cause: this.#failure,
      hint: "run again with GRAPPA_THREADS=1; if that works, please report this with the machine's processor and Node's version",
    });
  }
}

function waitUntilReady(helper: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer in ${START_TIMEOUT_MS / 1000} s`)), START_TIMEOUT_MS);
    helper.once("message", () => {
      clearTimeout(timer);
      helper.removeAllListeners();
      resolve();
    });
    helper.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    helper.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`it ended with code ${code}`));
    });
  });
}
