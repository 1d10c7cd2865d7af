// How fast questions and traces are curated by rule, on one core, with planted duplicates and contamination whose truth is known.
// node bench/curate.mjs [--part whole|decontaminate|near|million] [--rows N] [--json]
import { spawnSync } from "node:child_process";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { prng } from "../dist/core/prng.js";
import { decontaminate, Decontamination } from "../dist/curate/decontaminate.js";
import { dropDuplicates, dropNearDuplicates, findRepresentatives } from "../dist/curate/duplicates.js";
import { buildFunnel } from "../dist/curate/funnel.js";
import { NearTexts } from "../dist/curate/near-texts.js";
import { checkQuality, strictQuality } from "../dist/curate/quality.js";
import { checkQuestions, s1FormatFault, strictFault } from "../dist/curate/question-quality.js";
import { benchmarks, pool, question, questionText, traceText } from "./curate-data.mjs";
import { finish, flag, say } from "./figures.mjs";

const NEAR = 0.8;
const BENCHMARK_QUESTIONS = 1_200;
const rows = (usual) => Number(flag("rows") ?? usual);
const rssMiB = () => process.resourceUsage().maxRSS / 1024;

/** Wall and processor seconds of a piece of work; the second says more on a busy machine. */
function time(work) {
  const [start, before] = [performance.now(), process.cpuUsage()];
  const value = work();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** Reads every unit of a text: the least that any check of all its letters can do. */
function sumOfUnits(text) {
  let sum = 0;
  for (let at = 0; at < text.length; at++) sum = (sum + text.charCodeAt(at)) | 0;
  return sum;
}

/** s1's and open-r1's way, written here in JavaScript: a string for each run of eight words, in a map, looked up one by one. */
function plainDecontamination([{ questions }]) {
  const runsOf = (text) => {
    const words = text.toLowerCase().trim().replace(/\s+/g, " ").split(" ");
    return words.slice(0, Math.max(0, words.length - 7)).map((_, at) => words.slice(at, at + 8).join(" "));
  };
  const known = new Map();
  for (const { id, text } of questions)
    for (const run of runsOf(text)) known.set(run, (known.get(run) ?? new Set()).add(id));
  return (text) => runsOf(text).some((run) => known.has(run));
}

/** 59,029 questions and their traces through everything that is a rule; a trace is made, checked and let go. */
function whole() {
  const count = rows(59_029);
  const [bench] = benchmarks(BENCHMARK_QUESTIONS);
  const { texts, planted } = pool(count, [bench]);
  const questions = texts.map((text) => question(text));
  const sources = Array.from({ length: 16 }, (_, at) => ({
    questions: questions.filter((__, row) => row % 16 === at),
  }));
  const seconds = {};
  const stage = (name, work) => {
    const { value, seconds: wall, cpuSeconds } = time(work);
    seconds[name] = { wall: (seconds[name]?.wall ?? 0) + wall, cpu: (seconds[name]?.cpu ?? 0) + cpuSeconds };
    return value;
  };
  const clean = stage("decontaminate", () => decontaminate(sources, [bench], { nearJaccard: NEAR }));
  const single = stage("exact duplicates", () => dropDuplicates(clean.kept));
  const fit = stage("question checks", () =>
    checkQuestions(single.kept, (one) => s1FormatFault(one.text, "bench") ?? strictFault(one, { language: "en" })),
  );
  const left = stage("near-duplicates", () => dropNearDuplicates(fit.kept, NEAR));
  const steps = [
    ["decontaminate", count, clean],
    ["duplicates", clean.kept.length, single],
    ["quality", single.kept.length, fit],
    ["near-duplicates", fit.kept.length, left],
  ];
  const funnel = steps.map(([name, total, outcome]) => buildFunnel(name, total, outcome));
  const traces = checkTraces(count, stage);
  for (const { stage: name, in: taken, kept, reasons } of funnel)
    say(`  ${name}: ${taken} -> ${kept} ${JSON.stringify(reasons)}`);
  say(`  traces: ${count} of ${traces.meanCharacters} characters, ${traces.dropped} dropped`);
  const sum = (kind) => Object.values(seconds).reduce((total, one) => total + one[kind], 0);
  for (const [name, { wall, cpu }] of Object.entries(seconds))
    say(`  ${name.padEnd(20)} ${wall.toFixed(2)} s, ${cpu.toFixed(2)} s of processor time`);
  const texted = texts.reduce((total, text) => total + text.length, 0);
  const { seconds: readQuestions } = time(() => texts.reduce((total, text) => total ^ sumOfUnits(text), 0));
  const found = new Set(clean.dropped.filter(({ reason }) => reason === "benchmark-overlap").map(({ id }) => id));
  return {
    wholeSeconds59k: sum("wall"),
    wholeCpuSeconds59k: sum("cpu"),
    wholeMillionCharacters: (texted + traces.characters) / 1e6,
    wholeVsPlainRead: sum("wall") / (readQuestions + traces.readSeconds),
    wholePlantedFound: [...planted.runs].filter((at) => found.has(questions[at].id)).length / planted.runs.size,
    peakRssMiB: rssMiB(),
  };
}

/** Checks `count` traces, 500 at a time: so many are in memory. */
function checkTraces(count, stage) {
  const random = prng("curate/traces");
  const context = {
    rules: strictQuality({ requireCorrect: true, maxThinkingTokens: 8_192, language: "en" }),
    gradeOf: () => ({ outcome: "correct", extracted: "42", rule: "bench" }),
    thinkingTokensOf: () => 3_600, // counted once when a trace arrives, and stored; not part of this figure
  };
  let [characters, dropped, readSeconds] = [0, 0, 0];
  for (let done = 0; done < count; done += 500) {
    const traces = Array.from({ length: Math.min(500, count - done) }, () => trace(traceText(random)));
    characters += traces.reduce((sum, { thinking }) => sum + thinking.length, 0);
    dropped += stage("trace checks", () => checkQuality(traces, context)).dropped.length;
    readSeconds += time(() => traces.reduce((sum, { thinking }) => sum ^ sumOfUnits(thinking), 0)).seconds;
  }
  return { characters, dropped, readSeconds, meanCharacters: Math.round(characters / count) };
}

function trace(thinking) {
  const usage = { promptTokens: 0, completionTokens: 0, reasoningTokens: 0, isEstimated: false };
  const id = "0123456789abcdef";
  const about = { schemaVersion: 1, id, questionId: id, provider: "p", model: "m", sampleIndex: 0, provenance: "raw" };
  return { ...about, thinking, answer: "42", finishReason: "stop", usage, costMicroUsd: 0 };
}

/** Questions a second against 1,200 benchmark questions: ours, the plain way, and reading alone, in turn. */
function decontaminateRows() {
  const count = rows(300_000);
  const items = benchmarks(BENCHMARK_QUESTIONS);
  const { texts, planted } = pool(count, items);
  const { value: engine, seconds: buildSeconds } = time(() => new Decontamination(items));
  const near = new Decontamination(items, { nearJaccard: NEAR });
  const plain = plainDecontamination(items);
  const sample = texts.slice(0, Math.ceil(count / 10));
  const best = { ours: 0, oursCpu: 0, plain: 0, read: 0 };
  let [hits, plainHits] = [[], []];
  for (let pass = 0; pass < 3; pass++) {
    const ours = time(() => texts.map((text) => engine.overlapOf(text) !== null));
    const byStrings = time(() => sample.map(plain));
    const read = time(() => texts.reduce((sum, text) => sum ^ sumOfUnits(text), 0));
    [hits, plainHits] = [ours.value, byStrings.value];
    best.ours = Math.max(best.ours, count / ours.seconds);
    best.oursCpu = Math.max(best.oursCpu, count / ours.cpuSeconds);
    best.plain = Math.max(best.plain, sample.length / byStrings.seconds);
    best.read = Math.max(best.read, count / read.seconds);
  }
  const differ = plainHits.filter((hit, at) => hit !== hits[at]).length;
  const light = time(() => sample.map((text) => near.overlapOf(text)));
  const edits = [...planted.edits].filter(([at, item]) => at < sample.length && isLightEdit(texts[at], item));
  const found = edits.filter(([at]) => light.value[at] !== null).length;
  say(
    `  ${Math.round(best.read)} rows/s are read alone, ${Math.round(best.plain)} rows/s the plain way (our own, after open-r1)`,
  );
  say(
    `  ${differ} of ${sample.length} rows judged otherwise than the plain way; index built in ${buildSeconds.toFixed(2)} s`,
  );
  say(`  edits of every seventh word that are still near by their definition: ${found} of ${edits.length} found`);
  return {
    decontaminateRowsPerSecond: best.ours,
    decontaminateRowsPerCpuSecond: best.oursCpu,
    decontaminateVsPlainWay: best.ours / best.plain,
    decontaminateOfPlainRead: best.ours / best.read,
    decontaminatePlantedFound: [...planted.runs].filter((at) => hits[at]).length / planted.runs.size,
    decontaminateOtherwise: differ,
    nearBenchmarkRowsPerSecond: sample.length / light.seconds,
    nearBenchmarkEditsFound: found / edits.length,
  };
}

/** The sets of runs of five symbols, from their definition, for the truth. */
function gramsOf(text) {
  const plain = text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}+\-*/=<>]+/gu, " ")
    .trim();
  return new Set(Array.from({ length: Math.max(1, plain.length - 4) }, (_, at) => plain.slice(at, at + 5)));
}

function jaccard(a, b) {
  let shared = 0;
  for (const gram of a) if (b.has(gram)) shared++;
  return shared / (a.size + b.size - shared);
}

/** Whether a text is near to a benchmark's or holds it, from the definition. */
function isLightEdit(text, item) {
  const [own, other] = [gramsOf(text), gramsOf(item)];
  const held = [...other].filter((gram) => own.has(gram)).length / other.size;
  return jaccard(own, other) >= NEAR || (other.size >= 64 && held >= 0.8);
}

/** Near-duplicates of 250,000 questions; recall over planted pairs, and over all pairs of 3,000 of them by brute force. */
function nearDuplicates() {
  const count = rows(250_000);
  const { texts, planted } = pool(count, benchmarks(BENCHMARK_QUESTIONS));
  const work = () => {
    const near = new NearTexts(NEAR);
    for (const text of texts) near.add(text);
    return { ...findRepresentatives(near, texts.keys()), crowded: near.crowded };
  };
  const { value, seconds, cpuSeconds } = time(work);
  const { of } = value;
  const parted = ([a, b]) => of[a] === -1 && of[b] === -1; // both kept although near
  const pairs = [...planted.duplicates].filter(([a, b]) => jaccard(gramsOf(texts[a]), gramsOf(texts[b])) >= NEAR);
  const dropped = [...of.keys()].filter((at) => of[at] >= 0);
  const right = dropped.filter((at) => jaccard(gramsOf(texts[at]), gramsOf(texts[of[at]])) >= NEAR);
  say(
    `  ${pairs.length} planted pairs of Jaccard ${NEAR} or more; ${dropped.length} dropped; crowded ${value.crowded}`,
  );
  const brute = bruteForce(texts, [...planted.duplicates].slice(0, 1_500).flat());
  const missed = brute.pairs.filter(parted).length;
  say(`  ${brute.pairs.length} such pairs among ${brute.texts} texts by brute force, ${missed} of them kept both`);
  return {
    nearDuplicateSeconds250k: seconds,
    nearDuplicateCpuSeconds250k: cpuSeconds,
    nearDuplicateRecall: 1 - pairs.filter(parted).length / pairs.length,
    nearDuplicatePrecision: right.length / dropped.length,
    nearDuplicateBruteForceRecall: 1 - missed / brute.pairs.length,
    nearDuplicateVsBruteForce: (brute.seconds * (count / brute.texts) ** 2) / seconds, // estimated: it grows with the square
    nearDuplicatePeakRssMiB: rssMiB(),
  };
}

function bruteForce(texts, places) {
  const chosen = [...new Set(places)].slice(0, 3_000);
  const sets = chosen.map((at) => gramsOf(texts[at]));
  const { value, seconds } = time(() => {
    const pairs = [];
    for (let a = 0; a < sets.length; a++)
      for (let b = a + 1; b < sets.length; b++) {
        const [small, large] = sets[a].size < sets[b].size ? [sets[a], sets[b]] : [sets[b], sets[a]];
        if (small.size >= NEAR * large.size && jaccard(small, large) >= NEAR) pairs.push([chosen[a], chosen[b]]);
      }
    return pairs;
  });
  return { pairs: value, seconds, texts: chosen.length };
}

/** A million questions, each made, looked at and let go: what stays is what the stages keep of it. */
function million() {
  const count = rows(1_000_000);
  const engine = new Decontamination(benchmarks(BENCHMARK_QUESTIONS));
  const near = new NearTexts(NEAR);
  const random = prng("curate/million");
  let overlaps = 0;
  let generating = 0;
  const { value, seconds } = time(() => {
    for (let done = 0; done < count; done += 10_000) {
      const made = time(() => Array.from({ length: Math.min(10_000, count - done) }, () => questionText(random)));
      generating += made.seconds;
      for (const text of made.value) {
        if (engine.overlapOf(text) !== null || s1FormatFault(text, "bench") !== null) overlaps++;
        else near.add(text);
      }
    }
    return findRepresentatives(near, Array(near.size).keys());
  });
  const dropped = value.of.reduce((sum, of) => sum + (of >= 0 ? 1 : 0), 0);
  say(`  ${count} questions: ${overlaps} dropped by decontamination and format, ${dropped} near-duplicates`);
  return { millionSeconds: seconds - generating, millionPeakRssMiB: rssMiB() };
}

const PARTS = { whole, decontaminate: decontaminateRows, near: nearDuplicates, million };
const part = flag("part");
if (part !== undefined) finish(`curate/${part}`, PARTS[part](), { loadAverage: loadavg()[0].toFixed(1) });
else {
  // A process for each, so that the memory of one is not another's.
  const figures = {};
  for (const name of Object.keys(PARTS)) {
    say(`${name}:`);
    const count = flag("rows") === undefined ? [] : ["--rows", flag("rows")];
    const own = [fileURLToPath(import.meta.url), "--part", name, "--json", ...count];
    const { stdout, status } = spawnSync(process.execPath, own, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (status !== 0) throw new Error(`part ${name} ended with status ${status}`);
    for (const [figure, value] of Object.entries(JSON.parse(stdout).figures))
      if (value !== null) figures[figure] = value; // null: nothing of the kind among so few rows
  }
  finish("curate", figures, { loadAverage: loadavg()[0].toFixed(1) });
}
