/** @file The load of the acceptance: 256 streams for a minute, on `grappa serve` with the embedded student and in front of an upstream. */
import { afterEach, expect, test } from "vitest";
import { checkLoad } from "../serve/load-check.ts";
import { loadQuestions } from "../serve/load-questions.ts";
import { type ServedProcess, startServed } from "../serve/served-process.ts";

const running: ServedProcess[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const KEYS = ["first-key-of-the-load", "second-key-of-the-load", "third-key-of-the-load", "fourth-key-of-the-load"];
const MEBIBYTE = 1 << 20;

test("256 streams for 60 s on the embedded student", { timeout: 400_000 }, async () => {
  const args = ["demo-base", "--threads", "1", "--slots", "16", "--keys-env", "LOAD_KEYS"];
  const server = await startServed(args, { LOAD_KEYS: KEYS.join() });
  running.push(server);
  // One key has half of the clients: it is to have no more than its turn.
  const clients = [128, 43, 43, 42].map((streams, k) => ({ key: KEYS[k]!, streams }));
  const { served, crowded } = await checkLoad({
    server,
    model: "demo-base",
    clients,
    questions: loadQuestions(),
    seconds: 60,
    warmSeconds: 10,
    abuseEveryMs: 50,
    heapGrowthBytes: 6 * MEBIBYTE,
    peakBytes: 768 * MEBIBYTE,
  });
  expect(crowded).toBe(0);
  // Everybody was served, and each key had about as much as another.
  const totals = served.map((each) => each.reduce((sum, count) => sum + count, 0));
  expect(Math.min(...served.flat())).toBeGreaterThan(0);
  expect(Math.min(...totals) / Math.max(...totals)).toBeGreaterThan(0.7);
  expect(await server.stop()).toBe(0);
});
