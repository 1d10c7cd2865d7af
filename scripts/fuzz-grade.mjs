// Fuzzes the maths grader: node scripts/fuzz-grade.mjs [--seed 0] [--inputs 100000] [--limit-ms 250]
// Every input is made from the seed and its number. Exit status 1 where one throws, takes longer than the limit, gets two
// verdicts, or is a gold that is not correct against itself; it is printed as small as simple shrinking makes it. The limit is
// for hangs on machines of any speed; how fast the grader is on hostile input, bench/grade.mjs measures.
import { parseArgs } from "node:util";
import { answerClass, compileGold, gradeAnswer } from "../dist/grade/grade-answer.js";
import { importTypeScript } from "./import-typescript.mjs";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    inputs: { type: "string", default: "100000" },
    "limit-ms": { type: "string", default: "250" },
  },
});
const [seed, inputs, limitMs] = [values.seed, values.inputs, values["limit-ms"]].map(Number);
const { fuzzGrader } = await importTypeScript("test/grade/generate/fuzz-grader.ts");

const start = performance.now();
/** Time of the processor, not of the wall: a busy machine is no failure of the grader. */
const now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const grader = { compileGold, gradeAnswer, answerClass, now };
const report = fuzzGrader(grader, { seed, inputs, limitMs });
const seconds = ((performance.now() - start) / 1000).toFixed(1);
const counts = Object.entries(report.outcomes).sort(([, a], [, b]) => b - a);
console.log(
  `${report.inputs} inputs of seed ${seed} in ${seconds} s, slowest call ${report.slowestMs.toFixed(1)} ms of processor time`,
);
console.log(counts.map(([outcome, count]) => `${outcome} ${count}`).join(", "));
for (const failure of report.failures) console.log(JSON.stringify(failure, null, 2));
console.log(report.failures.length === 0 ? "nothing failed" : `${report.failures.length} failures`);
process.exitCode = report.failures.length === 0 ? 0 : 1;
