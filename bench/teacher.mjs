// How fast traces are bought: client, journal, ledger and the built-in teacher in one process, over real sockets.
// node bench/teacher.mjs [--requests 4000] [--concurrency 32] [--latency-ms 5] [--no-faults] [--json]
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RequestJournal } from "../dist/adapters/journal/request-journal.js";
import { startBuiltinTeacher } from "../dist/adapters/teacher/builtin-teacher-server.js";
import { openAICompatibleTeacher } from "../dist/adapters/teacher/openai-compatible.js";
import { systemWaiting } from "../dist/adapters/teacher/retry-delay.js";
import { traceQuestions } from "../dist/adapters/teacher/trace-questions.js";
import { shortHash } from "../dist/core/hash.js";
import { Ledger } from "../dist/ledger/ledger.js";
import { BUILTIN_MODEL, BUILTIN_PROVIDER, findPrice } from "../dist/ledger/price-book.js";
import { finish } from "./figures.mjs";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "4000" },
    concurrency: { type: "string", default: "32" },
    "latency-ms": { type: "string", default: "5" },
    "no-faults": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const requests = Number(values.requests);
const rates = values["no-faults"]
  ? { wrongRate: 0, truncateRate: 0, malformedRate: 0, rateLimitRate: 0 }
  : { wrongRate: 0.02, truncateRate: 0.02, malformedRate: 0.01, rateLimitRate: 0.05 };

const thinking = "a+36 62+36:2+6+0=08,6+3+0=09,0+0+0=00>98\n".repeat(5); // about as long as the demo's
const questions = Array.from({ length: requests }, (_, n) => {
  const text = `62 a+36 b+${n}`;
  return {
    schemaVersion: 1,
    id: shortHash(text),
    text,
    answer: "98",
    family: "arithmetic",
    domain: "d",
    difficulty: 2,
    bucket: "train",
    metadata: {},
  };
});

const folder = await mkdtemp(join(tmpdir(), "grappa-bench-"));
const journalPath = join(folder, "requests.jsonl");
const server = await startBuiltinTeacher({
  reason: () => ({ thinking, answer: "98" }),
  faults: { ...rates, latencyMs: Number(values["latency-ms"]) },
  seed: 0,
});

/** One whole pass; the second finds everything in the journal. */
async function pass() {
  const ledger = new Ledger(0);
  const cpu = process.cpuUsage();
  const start = performance.now();
  const journal = await RequestJournal.open(journalPath, {
    onSettled: (settlement) => ledger.record("trace", settlement),
  });
  const teacher = openAICompatibleTeacher({
    provider: BUILTIN_PROVIDER,
    model: BUILTIN_MODEL,
    baseUrl: server.baseUrl,
    apiKey: server.apiKey,
  });
  let traces = 0;
  let failures = 0;
  let retries = 0;
  const outcomes = traceQuestions(questions, {
    teacher,
    journal,
    ledger,
    price: findPrice(BUILTIN_PROVIDER, BUILTIN_MODEL),
    stage: "trace",
    samplesPerQuestion: 1,
    concurrency: Number(values.concurrency),
    maxRetries: 5,
    maxTokens: 4096,
    waiting: systemWaiting(0),
    onTiming: (timing) => (retries += timing.retries),
  });
  for await (const { type } of outcomes) {
    if (type === "trace") traces += 1;
    else failures += 1;
  }
  await teacher.close();
  await journal.close();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { seconds, cpuSeconds: (user + system) / 1e6, traces, failures, retries };
}

const bought = await pass();
const again = await pass();
const { size } = await stat(journalPath);
await server.close();
await rm(folder, { recursive: true });

finish("teacher", {
  requests,
  concurrency: Number(values.concurrency),
  latencyMs: Number(values["latency-ms"]),
  requestsPerSecond: requests / bought.seconds,
  cpuSecondsPer1000: (bought.cpuSeconds / requests) * 1000,
  ...bought,
  secondsFromJournal: again.seconds,
  tracesFromJournal: again.traces,
  journalBytes: size,
  rssMiB: process.memoryUsage.rss() / 2 ** 20,
});
