/** @file Entry of the engine's own thread: one EngineSession that answers calls in order. */
import { parentPort, workerData } from "node:worker_threads";
import { AppError } from "../../core/errors.ts";
import { createWasmBackend } from "../threads/create-backend.ts";
import type { EngineCall, EngineOptions, EngineReply } from "./engine-protocol.ts";
import { answerCall } from "./engine-protocol.ts";
import { EngineSession } from "./engine-session.ts";

const port = parentPort;
if (port) {
  const ready = createWasmBackend(workerData as EngineOptions).then(
    ({ backend, notes }) => new EngineSession(backend, notes),
  );
  ready.catch(() => undefined); // each call reports the failure itself
  port.on("message", (call: EngineCall) => {
    void ready
      .then((session) => answerCall(session, call))
      .catch((error: unknown): EngineReply => ({ id: call.id, error: describeError(error) }))
      .then((reply) => port.postMessage(reply));
  });
}

function describeError(error: unknown): EngineReply["error"] {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  return {
    code: "engine",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    hint: undefined,
  };
}
