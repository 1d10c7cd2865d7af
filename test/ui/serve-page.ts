/** @file A page's server over a folder, on a free port, with a clock and a process table that a test holds. */
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { PageReader } from "../../src/pipeline/page/page-reader.ts";
import { listen } from "../../src/server/listen.ts";
import { pageApp } from "../../src/server/page/page-app.ts";
import type { PageFile } from "../../src/server/page/page-files.ts";
import { at } from "./fake-run.ts";

export const TOKEN = "a-token-of-a-test";

const FILE: PageFile = {
  bytes: new TextEncoder().encode("<!doctype html>"),
  type: "text/html; charset=utf-8",
  tag: '"1"',
  isNamedByContent: false,
};

/** A server, and what it logged. */
export interface ServedPage {
  readonly url: string;
  readonly failures: unknown[];
  close(): Promise<void>;
}

/** Serves; process 99 is alive, and it is a minute past the last event of a fake run. */
export async function servePage(folder: string): Promise<ServedPage> {
  const failures: unknown[] = [];
  const ports = {
    fs: nodeFileSystem(),
    processes: { self: { pid: 7, host: "here", birth: "" }, isAlive: ({ pid }: { pid: number }) => pid === 99 },
    clock: { now: () => performance.now(), date: () => at("10:00:50") },
    bases: { packageFolder: process.cwd(), cacheFolder: folder },
  };
  let port = 0;
  const app = pageApp({
    reader: new PageReader(ports, folder),
    files: new Map([["/", FILE]]),
    token: TOKEN,
    port: () => port,
    onFailure: (error) => failures.push(error),
  });
  const listening = await listen(app, { host: "127.0.0.1", port: 0 });
  port = Number(new URL(listening.url).port);
  return { url: listening.url, failures, close: () => listening.close(500) };
}
