/** @file A page's server over a folder, on a free port, with a clock and a process table that a test holds. */
import { nodeFileSystem } from "../../src/adapters/file-system.ts";
import { AppError } from "../../src/core/errors.ts";
import { type PagePorts, PageReader } from "../../src/pipeline/page/page-reader.ts";
import type { RunControlPorts } from "../../src/pipeline/page/run-switches.ts";
import { listen } from "../../src/server/listen.ts";
import { pageApp } from "../../src/server/page/page-app.ts";
import { StudentChats, type StudentChatsOptions } from "../../src/server/page/student-chats.ts";
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

async function refuseChat(): Promise<never> {
  throw new AppError("usage", "this test has no student");
}

/** Nobody is interrupted and nothing started. */
const NO_CONTROL: RunControlPorts = {
  interrupt: () => "not-known",
  start: () => Promise.reject(new AppError("usage", "this test starts no run")),
  outputOf: (run) => `${run}/resume.log`,
  commandOf: ({ folder: run, hasControls }) => `grappa run ${run}${hasControls ? " --controls" : ""}`,
};

/** What reading needs: process 99 is alive, and it is a minute past the last event of a fake run. */
export function portsOver(folder: string): PagePorts {
  return {
    fs: nodeFileSystem(),
    processes: { self: { pid: 7, host: "here", birth: "" }, isAlive: ({ pid }) => pid === 99 },
    control: NO_CONTROL,
    clock: { now: () => performance.now(), date: () => at("10:00:50") },
    bases: { packageFolder: process.cwd(), cacheFolder: folder },
  };
}

/** Serves over {@link portsOver}. */
export async function servePage(
  folder: string,
  open: StudentChatsOptions["open"] = refuseChat,
  control: RunControlPorts = NO_CONTROL,
): Promise<ServedPage> {
  const failures: unknown[] = [];
  const onFailure = (error: unknown): void => void failures.push(error);
  const chats = new StudentChats({ find: async (run) => run, open, idleMs: 60_000, onFailure });
  let port = 0;
  const app = pageApp({
    reader: new PageReader({ ...portsOver(folder), control }, folder),
    chats,
    files: new Map([["/", FILE]]),
    token: TOKEN,
    port: () => port,
    onFailure,
  });
  const listening = await listen(app, { host: "127.0.0.1", port: 0, idleMs: 60_000 });
  port = Number(new URL(listening.url).port);
  const close = async (): Promise<void> => {
    await listening.close(500);
    await chats.close();
  };
  return { url: listening.url, failures, close };
}
