/** @file Entry of the script inside a report. It runs twice: in the page, and as the worker that the page makes of it. */
import { startLivePage } from "./live-page.ts";
import type { ToStudent } from "./live-protocol.ts";
import { liveServer } from "./live-server.ts";

if (typeof document === "undefined") {
  const receive = liveServer((message) => self.postMessage(message));
  self.onmessage = ({ data }: MessageEvent<ToStudent>) => receive(data);
} else {
  startLivePage();
}
