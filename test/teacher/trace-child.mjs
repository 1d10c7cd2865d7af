// Traces questions in a process that may be killed: node trace-child.mjs FOLDER BASE_URL COUNT CONCURRENCY
import { join } from "node:path";
import { RequestJournal } from "../../dist/adapters/journal/request-journal.js";
import { nodeFileSystem } from "../../dist/adapters/file-system.js";
import { openAICompatibleTeacher } from "../../dist/adapters/teacher/openai-compatible.js";
import { systemWaiting } from "../../dist/adapters/teacher/retry-delay.js";
import { traceQuestions } from "../../dist/adapters/teacher/trace-questions.js";
import { shortHash } from "../../dist/core/hash.js";
import { Ledger } from "../../dist/ledger/ledger.js";
import { findPrice } from "../../dist/ledger/price-book.js";

const [folder, baseUrl, count, concurrency] = process.argv.slice(2);
const questions = Array.from({ length: Number(count) }, (_, n) => {
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
});

const ledger = new Ledger(1_000_000_000);
const journal = await RequestJournal.open(join(folder, "requests.jsonl"), {
  onSettled: (settlement) => ledger.record("trace", settlement),
});
const teacher = openAICompatibleTeacher({ model: "m", baseUrl });
const outcomes = traceQuestions(questions, {
  teacher,
  journal,
  ledger,
  price: findPrice("openai-compatible", "m", { inputUsdPerMillion: 0, outputUsdPerMillion: 1 }),
  stage: "trace",
  samplesPerQuestion: 1,
  concurrency: Number(concurrency),
  maxRetries: 5,
  maxTokens: 1000,
  waiting: systemWaiting(0),
});
const writer = await nodeFileSystem().openWriter(join(folder, "traces.jsonl"));
for await (const outcome of outcomes) await writer.write(`${JSON.stringify(outcome)}\n`);
await writer.close();
await teacher.close();
await journal.close();
process.stdout.write(JSON.stringify(ledger.snapshot()));
