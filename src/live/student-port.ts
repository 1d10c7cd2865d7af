import { liveServer } from "./live-server.ts";
import type { FromStudent, ToStudent } from "./live-protocol.ts";

/** A student somewhere: in a worker, or on the page's own thread. */
export interface StudentPort {
  send(message: ToStudent): void;
}

/**
 * Starts the student in a worker made of the page's own script, so that the page never waits. Where a worker cannot be
 * had (some browsers refuse one to a page opened from a file), it runs on the page's thread and lets go between tokens.
 */
export function openStudentPort(script: string, receive: (message: FromStudent) => void): StudentPort {
  const sent: ToStudent[] = [];
  let deliver: (message: ToStudent) => void;
  const runHere = (): void => {
    deliver = liveServer(receive);
    for (const message of sent.splice(0)) deliver(message);
  };
  try {
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const worker = new Worker(url);
    let hasSpoken = false;
    worker.onmessage = ({ data }: MessageEvent<FromStudent>) => {
      hasSpoken = true;
      sent.length = 0;
      receive(data);
    };
    worker.onerror = ({ message }) => {
      worker.terminate();
      if (hasSpoken) receive({ type: "failed", id: null, message: message || "its thread ended" });
      else runHere();
    };
    deliver = (message) => {
      // Kept until the worker has said something: one that never starts cannot give them back.
      if (!hasSpoken) sent.push(message);
      worker.postMessage(message);
    };
  } catch {
    runHere();
  }
  return { send: (message) => deliver(message) };
}
