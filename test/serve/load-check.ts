/** @file A load on a server in a process of its own: what must hold of every one, however long. */
import { expect } from "vitest";
import { askAlone, type KeyClients, type LoadOutcome, runLoad } from "./load.ts";
import type { HeldResources, ServedProcess } from "./served-process.ts";

/** What is put on the server, and for how long. */
export interface LoadCheck {
  readonly server: ServedProcess;
  readonly model: string;
  readonly clients: readonly KeyClients[];
  readonly questions: readonly object[];
  readonly seconds: number;
  /** A first load of so many seconds fills caches and compiles: what the second leaves behind is a leak. */
  readonly warmSeconds: number;
  readonly abuseEveryMs: number;
  /** Most that the heap may have grown by, bytes. */
  readonly heapGrowthBytes: number;
  /** Most memory of the process, bytes. */
  readonly peakBytes: number;
}

/** Of the requests, so many are left before their end. */
const LEAVING_SHARE = 0.1;

/** Runs it; everything that must hold is expected here, but who was served how often. */
export async function checkLoad(check: LoadCheck): Promise<LoadOutcome> {
  const { server, model, clients, questions } = check;
  const plan = {
    url: server.url,
    model,
    clients,
    questions,
    leavingShare: LEAVING_SHARE,
    abuseEveryMs: check.abuseEveryMs,
  };
  const first = await server.held();
  const alone = await askAlone(plan, clients[0]!.key);
  await runLoad({ ...plan, seconds: check.warmSeconds });
  const before = await settled(server, first);
  const outcome = await runLoad({ ...plan, seconds: check.seconds });
  const after = await settled(server, first);
  console.info(`${JSON.stringify(summaryOf(outcome))} ${JSON.stringify({ before, after, peak: server.peakBytes() })}`);
  expect(server.isRunning()).toBe(true);
  expect(outcome.faults).toEqual([]);
  for (const [question, replies] of outcome.replies.entries())
    for (const reply of replies) expect(reply).toEqual(alone[question]);
  expect(outcome.left).toBeGreaterThan(0);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(check.heapGrowthBytes);
  expect(after.resources).toEqual(first.resources);
  expect(after.files ?? 0).toBeLessThanOrEqual(first.files ?? 0);
  expect(server.peakBytes() ?? 0).toBeLessThan(check.peakBytes);
  // Neither a failure of its own, nor a key.
  expect(server.output().split("\n").slice(1).join("")).toBe("");
  for (const { key } of clients) expect(server.output()).not.toContain(key);
  return outcome;
}

/** What is held once nothing is under way and connections are closed, to an upstream too. */
async function settled(server: ServedProcess, first: HeldResources): Promise<HeldResources> {
  let held = await server.held();
  for (let tries = 0; tries < 200; tries++) {
    const health = (await (await fetch(`${server.url}/health`, { headers: { connection: "close" } })).json()) as Load;
    await new Promise((settle) => setTimeout(settle, 50));
    held = await server.held();
    const isAtRest = health.active + health.waiting === 0 && (held.resources["TCPSocketWrap"] ?? 0) === 0;
    if (isAtRest && (held.files ?? 0) <= (first.files ?? 0)) return held;
  }
  throw new Error(`the server does not come to rest: ${JSON.stringify(held)}`);
}

interface Load {
  readonly active: number;
  readonly waiting: number;
}

function summaryOf({ replies, served, left, crowded, abuses, healthMs }: LoadOutcome): object {
  return {
    whole: replies.reduce((sum, some) => sum + some.length, 0),
    // Of each key: all, and the least and the most of one stream.
    served: served.map((each) => [each.reduce((sum, count) => sum + count, 0), Math.min(...each), Math.max(...each)]),
    left,
    crowded,
    abuses,
    slowestHealthMs: healthMs.slice(0, 3).map(Math.round),
  };
}
