import { Worker } from "node:worker_threads";
import { AppError } from "../../core/errors.ts";
import { compiledUrl } from "../threads/compiled-url.ts";
import { createWasmBackend } from "../threads/create-backend.ts";
import {
  answerCall,
  type EngineApi,
  type EngineCall,
  type EngineMethod,
  type EngineOptions,
  type EngineReply,
} from "./engine-protocol.ts";
import { EngineSession } from "./engine-session.ts";

/** An open engine: its calls, and the end of its life. */
export interface EngineHost extends EngineApi {
  close(): Promise<void>;
}

const METHODS: readonly EngineMethod[] = [
  "describe",
  "loadTrainer",
  "trainStep",
  "exportTrainer",
  "loadDecoder",
  "extend",
  "extendScored",
  "logits",
  "truncate",
  "copySlot",
];

/**
 * Opens an engine in a thread of its own, so that the caller's thread never blocks. Where no thread can be had, the
 * engine runs on the caller's thread, one call per turn of the event loop, and `describe().notes` says so.
 */
export async function openEngine(options: EngineOptions, spawn: typeof spawnWorker = spawnWorker): Promise<EngineHost> {
  const worker = await spawn(options).catch(() => undefined);
  return worker ? threadedHost(worker) : inlineHost(options);
}

function spawnWorker(options: EngineOptions): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(compiledUrl(import.meta.url, "./engine-worker.ts"), { workerData: options });
    worker.once("online", () => resolve(worker));
    worker.once("error", reject);
  });
}

function hostOf(
  call: (method: EngineMethod, args: readonly unknown[]) => Promise<unknown>,
  close: () => Promise<void>,
): EngineHost {
  const api = Object.fromEntries(METHODS.map((method) => [method, (...args: unknown[]) => call(method, args)]));
  return { ...(api as unknown as EngineApi), close };
}

function threadedHost(worker: Worker): EngineHost {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let nextId = 1;
  let failure: AppError | undefined;
  const fail = (error: AppError): void => {
    failure = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.removeAllListeners("error");
  worker.on("error", (cause) =>
    fail(new AppError("engine", `the engine's thread failed: ${cause.message}`, { cause })),
  );
  worker.on("exit", (code) =>
    fail(new AppError("engine", `the engine's thread ended with code ${code}`, { hint: "resume the run" })),
  );
  worker.on("message", (reply: EngineReply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    const { error } = reply;
    if (error)
      call?.reject(new AppError(error.code, error.message, error.hint === undefined ? {} : { hint: error.hint }));
    else call?.resolve(reply.result);
  });
  worker.unref();
  return hostOf(
    (method, args) =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        const call: EngineCall = { id: nextId++, method, args };
        waiting.set(call.id, { resolve, reject });
        worker.ref(); // a call under way keeps the process alive, an idle engine does not
        worker.postMessage(call);
      }),
    async () => {
      worker.removeAllListeners("exit");
      fail(new AppError("engine", "the engine is closed"));
      await worker.terminate();
    },
  );
}

async function inlineHost(options: EngineOptions): Promise<EngineHost> {
  const { backend, notes } = await createWasmBackend({ ...options, threads: 1 });
  const session = new EngineSession(backend, [...notes, "no worker threads: the engine runs on the main thread"]);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return hostOf(
    async (method, args) => {
      await turn();
      return answerCall(session, { id: 0, method, args }).result;
    },
    async () => undefined,
  );
}
