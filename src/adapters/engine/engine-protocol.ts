import type { AppError } from "../../core/errors.ts";
import type { EngineSession } from "./engine-session.ts";

/** How an engine is opened. */
export interface EngineOptions {
  /** Threads that compute, the engine's own included. */
  readonly threads: number;
  /** Linear memory of the engine at first, bytes; it grows to what a student needs, up to 4 GiB. */
  readonly memoryBytes: number;
  /** Forces a kernel build; by default the fastest that this Node has. */
  readonly build?: "reference" | "simd" | "relaxed";
}

/** A method of the session and its arguments. */
export interface EngineCall {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

/** A method's result, or what went wrong. */
export interface EngineReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?:
    | { readonly code: AppError["code"]; readonly message: string; readonly hint: string | undefined }
    | undefined;
}

/** Names of everything that can be called over the port. */
export type EngineMethod = Exclude<keyof EngineSession, symbol>;

/** The session's methods as seen from another thread: same arguments, results in promises. */
export type EngineApi = {
  [Method in EngineMethod]: (...args: Parameters<EngineSession[Method]>) => Promise<ReturnType<EngineSession[Method]>>;
};

/** Runs one call. The cast is the port's boundary: both sides are compiled against {@link EngineApi}. */
export function answerCall(session: EngineSession, call: EngineCall): EngineReply {
  const method = session[call.method] as (...args: readonly unknown[]) => unknown;
  return { id: call.id, result: method.apply(session, [...call.args]) };
}
