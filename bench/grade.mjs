// How fast maths answers are graded, on one core: pairs of generated golds, a long trace, hostile inputs, memory.
// node bench/grade.mjs [--pairs 6000] [--passes 3] [--json]
import { loadavg } from "node:os";
import { compileGold, gradeAnswer } from "../dist/grade/grade-answer.js";
import { importTypeScript } from "../scripts/import-typescript.mjs";
import { finish, flag, say } from "./figures.mjs";

const { generatePairs } = await importTypeScript("test/grade/generate/pairs.ts");
const { HOSTILE } = await importTypeScript("test/grade/generate/hostile.ts");
const passes = Number(flag("passes") ?? 3);
const pairs = generatePairs(0, Number(flag("pairs") ?? 6000));

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

function time(work) {
  const start = performance.now();
  work();
  return performance.now() - start;
}

/** Reads the gold and grades the reply, each time anew, as one row of a file of different questions costs. */
function gradePair(gold, pred) {
  const reading = compileGold(gold);
  return reading.status === "ok" ? gradeAnswer(reading.gold, pred).outcome : "gold_error";
}

/** Milliseconds of processor time so far: the same on a busy machine. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function pass() {
  const times = [];
  const cpuStart = cpuMs();
  let wrong = 0;
  for (const { gold, pred, isCorrect } of pairs) {
    times.push(time(() => (wrong += (gradePair(gold, pred) === "correct") === isCorrect ? 0 : 1)));
  }
  const total = times.reduce((sum, ms) => sum + ms, 0);
  const pairsPerCpuSecond = (1000 * pairs.length) / (cpuMs() - cpuStart);
  return {
    pairsPerSecond: (1000 * pairs.length) / total,
    pairsPerCpuSecond,
    times: times.sort((a, b) => a - b),
    wrong,
  };
}

/** Traces of 24 kB, as models reason: much maths, an answer at the end, early on, or only in passing. */
function traces() {
  const step = (n) =>
    `Wait, let me check. We have $x_{${n}} = \\frac{${n}}{${n + 1}}$, so \\[ x_{${n}}^2 + ${n} = ${n * n} \\] and that is about ${n}.5, or 1,${100 + n}. `;
  let text = "";
  for (let n = 0; text.length < 24_000; n++) text += step(n);
  return {
    "boxed at the end": `${text}\n\n**Final Answer**\n\n$\\boxed{\\frac{3}{56}}$`,
    "final answer at the end": `${text}\nFinal Answer: The final answer is $\\frac{3}{56}$. I hope it is correct.`,
    "boxed at the start": `\\boxed{\\frac{3}{56}} ${text}`,
    "nothing but reasoning": text,
    "plain words": "so the value of it is 12 and then 13, which gives 1,234.5 in all. ".repeat(370),
  };
}

function worst(named, repeats, grade) {
  const rows = Object.entries(named).map(([name, text]) => {
    const times = Array.from({ length: repeats }, () => time(() => grade(text)));
    return { name, ms: median(times) };
  });
  return rows.sort((a, b) => b.ms - a.ms);
}

say(`${pairs.length} pairs of generated golds, ${passes} passes after one to warm up ...`);
pass();
const rssStart = process.memoryUsage.rss();
const runs = Array.from({ length: passes }, pass).sort((a, b) => a.pairsPerSecond - b.pairsPerSecond);
const { pairsPerSecond, pairsPerCpuSecond, times, wrong } = runs[runs.length >> 1];

const gold = compileGold("$\\frac{3}{56}$").gold;
const extraction = worst(traces(), 21, (text) => gradeAnswer(gold, text));
const asReply = worst(HOSTILE, 3, (text) => gradeAnswer(gold, text));
const asGold = worst(HOSTILE, 3, (text) => gradePair(text, text));
const rssGrowth = process.memoryUsage.rss() - rssStart;

const list = (rows) => rows.map(({ name, ms }) => `${name} ${ms.toFixed(2)} ms`).join(", ");
say(`slowest of the 24 kB traces, extraction and comparison together: ${list(extraction.slice(0, 3))}`);
say(`slowest hostile replies: ${list(asReply.slice(0, 4))}`);
say(`slowest hostile golds, graded against themselves: ${list(asGold.slice(0, 4))}`);
say("Math-Verify 0.8.0, measured elsewhere (grading.md), not in this run: 27-44 pairs/s natively, 56 in Pyodide;");
say("  8 of 17 hostile answers there took the full 5 s of its timeout");

finish(
  "grade",
  {
    pairsPerSecond,
    pairsPerCpuSecond,
    medianPairMs: quantile(times, 0.5),
    slowest1PercentMs: quantile(times, 0.99),
    slowestPairMs: times.at(-1),
    extract24kMs: extraction[0].ms,
    worstHostileMs: Math.max(asReply[0].ms, asGold[0].ms),
    rssGrowthMiB: rssGrowth / 2 ** 20,
    pairs: pairs.length,
    wrongVerdicts: wrong,
  },
  { loadAverage: loadavg()[0].toFixed(1) },
);
