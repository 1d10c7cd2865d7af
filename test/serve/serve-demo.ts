/** @file A server over the demo's base or a scripted model, for tests. */
import { BearerKeys } from "../../src/server/bearer-keys.ts";
import { type Listening, listen } from "../../src/server/listen.ts";
import { defaultsOf, openServedModel } from "../../src/server/open-served-model.ts";
import { serveApp, type ServeApp, type ServeLimits } from "../../src/server/serve-app.ts";
import { ReplyMaker, type ServedModel } from "../../src/server/served-model.ts";

/** How a test's server differs from the usual one. */
export interface TestServer {
  readonly keys?: readonly string[];
  readonly limits?: Partial<ServeLimits>;
  readonly model?: ServedModel;
  readonly slots?: number;
  readonly idleMs?: number;
}

/** A running server, the app below it, and what it told of its failures. */
export interface RunningServer extends Listening {
  readonly app: ServeApp;
  readonly model: ServedModel;
  readonly failures: unknown[];
  /** Address of its API. */
  readonly api: string;
  stop(): Promise<void>;
}

/** Serves the demo's base with the embedded engine, on loopback. */
export async function serveForTest({
  keys = [],
  limits = {},
  model: given,
  slots = 4,
  idleMs = 120_000,
}: TestServer = {}): Promise<RunningServer> {
  const usual = { threads: 1, waits: 0, waitText: "Wait" };
  const model = given ?? (await openServedModel({ ...usual, folder: "models/demo-base", id: "demo-base", slots }));
  const failures: unknown[] = [];
  let count = 0;
  const app = serveApp({
    maker: new ReplyMaker(model, () => `draw-${count++}`),
    keys: new BearerKeys(keys),
    limits: { maxBodyBytes: 1 << 20, maxWaiting: 512, maxSeconds: 60, ...limits },
    now: () => Date.now(),
    newId: () => String(count++),
    onFailure: (error) => failures.push(error),
    hostNames: ["127.0.0.1", "localhost"],
  });
  const listening = await listen(app, { host: "127.0.0.1", port: 0, idleMs });
  const stop = async (): Promise<void> => {
    await listening.close(0);
    await model.runtime.close();
  };
  return { ...listening, app, model, failures, api: `${listening.url}/v1`, stop };
}

export { defaultsOf };
