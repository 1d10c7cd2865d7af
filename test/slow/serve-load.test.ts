/** @file The load of the acceptance: 256 streams for a minute, on `grappa serve` with the embedded student and in front of an upstream. */
import { afterEach, expect, test } from "vitest";
import { checkLoad } from "../serve/load-check.ts";
import { loadQuestions } from "../serve/load-questions.ts";
import { readTokenizerFolder } from "../../src/adapters/model-folder.ts";
import { startUpstream } from "../serve/fake-upstream.ts";
import { type ServedProcess, startServed } from "../serve/served-process.ts";

const running: ServedProcess[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});
const KEYS = ["first-key-of-the-load", "second-key-of-the-load", "third-key-of-the-load", "fourth-key-of-the-load"];
const MEBIBYTE = 1 << 20;
const UPSTREAM_KEY = "upstream-key-of-the-load";
const ENDS = (await readTokenizerFolder("models/demo-base")).tokenizer.controlIds;

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

/** Hashes of what it read: words, and now and then an end. */
function chooseByHash(ids: readonly number[], forbidden: readonly number[]): number {
  let hash = 2166136261;
  for (const id of ids) hash = Math.imul(hash ^ id, 16777619) >>> 0;
  const ends = [ENDS.imStart, ENDS.imEnd].filter((id): id is number => id !== null && !forbidden.includes(id));
  return hash % 11 === 0 && ends.length > 0 ? ends[hash % ends.length]! : 40 + (hash % 50);
}

test("256 streams for 20 s in front of an upstream whose streams break off", { timeout: 300_000 }, async () => {
  const upstream = await startUpstream({ choose: chooseByHash, apiKey: UPSTREAM_KEY });
  upstream.faults.pauseMs = 2;
  const args = ["student", "--upstream", upstream.baseUrl, "--tokenizer", "models/demo-base"];
  const keys = ["--keys-env", "LOAD_KEYS", "--upstream-key-env", "UPSTREAM_KEY", "--slots", "64"];
  const server = await startServed([...args, ...keys], { LOAD_KEYS: KEYS.join(), UPSTREAM_KEY });
  running.push(server);
  try {
    const clients = [128, 43, 43, 42].map((streams, k) => ({ key: KEYS[k]!, streams }));
    upstream.faults.breaksAfter = 7;
    const { served, crowded } = await checkLoad({
      server,
      model: "student",
      clients,
      questions: loadQuestions().filter((question) => !("temperature" in question)), // draws are the upstream's
      seconds: 20,
      warmSeconds: 10,
      abuseEveryMs: 50,
      heapGrowthBytes: 6 * MEBIBYTE,
      peakBytes: 768 * MEBIBYTE,
    });
    expect(crowded).toBe(0);
    expect(Math.min(...served.flat())).toBeGreaterThan(0);
    expect(upstream.counts.active).toBe(0);
    expect(server.output()).not.toContain(UPSTREAM_KEY);
    expect(await server.stop()).toBe(0);
  } finally {
    await upstream.close();
  }
});
