// Makes a generate job's folder, and says what our own engine makes of its prompts; or reads what a job replied. JSON on standard
// input: { folder, model, settings, questions } or { folder, read: true }. Answers with generations, prompt by prompt.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTokenSource } from "../../dist/adapters/engine/engine-token-source.js";
import { openEngine } from "../../dist/adapters/engine/open-engine.js";
import { readModelFolder } from "../../dist/adapters/model-folder.js";
import { decodeRows } from "../../dist/decode/generate.js";
import { generationsOf, ReplyBook, rowOf } from "../../dist/decode/generate-replies.js";
import { sweepOrder } from "../../dist/decode/sweep.js";
import { PROGRAMS } from "../../dist/pipeline/stages/launched/generate-bundle.js";
import { thinkingDelimiters } from "../../dist/tokenize/thinking-delimiters.js";

const request = JSON.parse(readFileSync(0, "utf8"));
const lines = (path) => readFileSync(path, "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line));
process.stdout.write(JSON.stringify(request.read ? read(request) : await make(request)));

function read({ folder }) {
  const job = JSON.parse(readFileSync(join(folder, "job.json"), "utf8"));
  const book = new ReplyBook();
  for (const reply of lines(join(folder, "out", "replies.jsonl"))) book.add(reply);
  return lines(join(folder, "prompts.jsonl")).map((prompt) => generationsOf(prompt, job, book.of(prompt)));
}

async function make({ folder, model, settings, questions, server, stopAfterSeconds = null }) {
  const student = await readModelFolder(model);
  const delimiters = thinkingDelimiters(student.tokenizer, "Wait", student.style);
  const ordered = sweepOrder(settings).map((place) => settings[place]);
  const prompts = questions.map((text, i) => ({
    schemaVersion: 1,
    model: "student",
    key: `q${i}`,
    ids: student.chatTemplate.encodePrompt([{ role: "user", content: text }]),
    sampling: { temperature: 0, key: "" },
    settings: ordered,
  }));
  const job = {
    schemaVersion: 1,
    name: "parity",
    models: [{ name: "student", model: "student", revision: null, delimiters }],
    contextTokens: student.config.maxPositions,
    choosableIds: student.tokenizer.vocabularySize,
    answerTokens: 16,
    prompts: "prompts.jsonl",
    output: "out",
    concurrency: 4,
    maxSegmentTokens: 64,
    server: { type: server, device: "cpu", precision: "f32", tensorParallel: null },
    seed: 0,
    stopAfterSeconds,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "job.json"), JSON.stringify(job));
  writeFileSync(join(folder, "prompts.jsonl"), prompts.map((prompt) => `${JSON.stringify(prompt)}\n`).join(""));
  for (const file of PROGRAMS) copyFileSync(join(import.meta.dirname, "..", file), join(folder, file));
  copyFileSync(join(import.meta.dirname, "../../dist/generate/generate.mjs"), join(folder, "generate.mjs"));
  const engine = await openEngine({ threads: 2, memoryBytes: 1 << 28 });
  const size = { slots: 8, contextTokens: job.contextTokens, choosableIds: job.choosableIds };
  const source = await openTokenSource(engine, student, size);
  const rows = prompts.map((prompt) => rowOf(prompt, job));
  const generations = await decodeRows(source, rows, { delimiters });
  await engine.close();
  return { generations, prompts: prompts.map(({ ids }) => ids) };
}
