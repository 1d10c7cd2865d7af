// How fast traces are bought: journal and ledger on, the teacher a fake in a process of its own, over real sockets.
// node bench/teacher.mjs [--requests 4096] [--concurrency 512] [--latency-ms 2000] [--memory-requests 100000]
//   [--clients FOLDER] [--json]
// --memory-requests 0 leaves the long run out: it writes 2.4 GB of replies into the folder for temporary files.
// --clients FOLDER: a folder where `openai`, `ai` and `@ai-sdk/openai-compatible` are installed, to be measured beside it.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RequestJournal } from "../dist/adapters/journal/request-journal.js";
import { openAICompatibleTeacher } from "../dist/adapters/teacher/openai-compatible.js";
import { systemWaiting } from "../dist/adapters/teacher/retry-delay.js";
import { traceQuestions } from "../dist/adapters/teacher/trace-questions.js";
import { shortHash } from "../dist/core/hash.js";
import { Ledger } from "../dist/ledger/ledger.js";
import { findPrice } from "../dist/ledger/price-book.js";
import { finish, say } from "./figures.mjs";
import { otherClients } from "./teacher-clients.mjs";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "4096" },
    concurrency: { type: "string", default: "512" },
    "latency-ms": { type: "string", default: "2000" },
    "memory-requests": { type: "string", default: "100000" },
    clients: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const requests = Number(values.requests);
const concurrency = Number(values.concurrency);
const latencyMs = Number(values["latency-ms"]);
const memoryRequests = Number(values["memory-requests"]);
/** At no latency more at once only queue; so many keep both processes busy. */
const BUSY = 64;
const MAX_TOKENS = 8192;
const MIB = 2 ** 20;

const fake = fork(fileURLToPath(new URL("./fake-teacher.mjs", import.meta.url)), {
  stdio: ["ignore", "pipe", "inherit", "ipc"],
});
const [port] = await once(fake.stdout, "data");
const origin = `http://127.0.0.1:${Number(String(port))}`;

const question = (n) => {
  const text = `question ${n}`;
  return {
    schemaVersion: 1,
    id: shortHash(text),
    text,
    answer: null,
    family: "f",
    domain: "d",
    difficulty: 1,
    bucket: "train",
    metadata: {},
  };
};

/** Traces so many questions into a folder of its own. */
async function traceAll(count, { atOnce, latency, onProgress = () => undefined }) {
  const folder = await mkdtemp(join(tmpdir(), "grappa-bench-"));
  const journalPath = join(folder, "requests.jsonl");
  const ledger = new Ledger(1_000_000_000_000);
  const journal = await RequestJournal.open(journalPath, {
    onSettled: ({ account, ...settlement }) => ledger.record(account, settlement),
  });
  const teacher = openAICompatibleTeacher({ model: "m", baseUrl: `${origin}/${latency}/v1` });
  const price = findPrice("openai-compatible", "m", { inputUsdPerMillion: 0.3, outputUsdPerMillion: 2 });
  const limits = { samplesPerQuestion: 1, concurrency: atOnce, maxRetries: 0, maxTokens: MAX_TOKENS };
  const questions = Array.from({ length: count }, (_, n) => question(n));
  const ports = { teacher, journal, ledger, price, stage: "trace", waiting: systemWaiting(0) };
  const cpu = process.cpuUsage();
  const start = performance.now();
  let boughtAt = start;
  const progress = (now) => {
    if (now.done === count) boughtAt = performance.now();
    onProgress(now);
  };
  let traces = 0;
  for await (const { type } of traceQuestions(questions, { ...ports, ...limits, onProgress: progress }))
    if (type === "trace") traces += 1;
  const { user, system } = process.cpuUsage(cpu);
  const readSeconds = (performance.now() - boughtAt) / 1000;
  await teacher.close();
  await journal.close();
  const { size } = await stat(journalPath);
  await rm(folder, { recursive: true });
  if (traces !== count) throw new Error(`${traces} traces of ${count}`);
  return { seconds: (boughtAt - start) / 1000, readSeconds, cpuSeconds: (user + system) / 1e6, journalBytes: size };
}

/** The same work by a client that is only a function. */
async function askAll(count, { atOnce, client }) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let left = count;
  const work = async () => {
    while (left-- > 0) await client.ask();
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Memory at the end less memory at a tenth of the way, when all that is needed once is there. */
async function memoryGrowth() {
  let first = 0;
  let last = 0;
  const onProgress = ({ done }) => {
    if (done % 1000 !== 0) return;
    last = process.memoryUsage.rss();
    if (done === Math.ceil(memoryRequests / 10_000) * 1000) first = last;
  };
  const { seconds } = await traceAll(memoryRequests, { atOnce: BUSY, latency: 0, onProgress });
  say(`memory: ${memoryRequests} requests in ${seconds.toFixed(0)} s`);
  return { rssGrowthMiB: (last - first) / MIB, rssMiB: last / MIB };
}

const idealSeconds = (Math.ceil(requests / concurrency) * latencyMs) / 1000;
const perThousand = ({ cpuSeconds }) => (cpuSeconds / requests) * 1000;
const slow = { atOnce: concurrency, latency: latencyMs };
const quick = { atOnce: BUSY, latency: 0 };

await traceAll(500, quick); // everything is compiled once
const memory = memoryRequests === 0 ? {} : await memoryGrowth();
const bought = await traceAll(requests, slow);
say(`grappa: ${requests} at ${latencyMs} ms in ${bought.seconds.toFixed(2)} s, ideal ${idealSeconds} s`);
const busy = await traceAll(requests, quick);
const beside = {};
for (const [name, open] of Object.entries(await otherClients(values.clients))) {
  const slowClient = await open(origin, latencyMs);
  const throughput = await askAll(requests, { atOnce: concurrency, client: slowClient });
  await slowClient.close();
  const quickClient = await open(origin, 0);
  await askAll(200, { atOnce: BUSY, client: quickClient });
  const cpu = await askAll(requests, { atOnce: BUSY, client: quickClient });
  await quickClient.close();
  beside[`${name}ThroughputOfIdeal`] = idealSeconds / throughput.seconds;
  beside[`${name}CpuSecondsPer1000`] = perThousand(cpu);
  say(`${name}: ${throughput.seconds.toFixed(2)} s, ${perThousand(cpu).toFixed(3)} s of CPU per 1,000`);
}
fake.kill();

finish("teacher", {
  requests,
  concurrency,
  latencyMs,
  throughputOfIdeal: idealSeconds / bought.seconds,
  cpuSecondsPer1000: perThousand(busy),
  requestsPerSecondUnhindered: requests / busy.seconds,
  readSeconds: bought.readSeconds,
  journalBytes: bought.journalBytes,
  ...memory,
  ...beside,
});
