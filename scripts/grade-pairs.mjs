// Prints generated pairs as JSON lines, for `grappa grade` and for python/oracle: {gold, pred, expected, phenomenon, how}.
// node scripts/grade-pairs.mjs [--seed 0] [--pairs 6000]
import { parseArgs } from "node:util";
import { importTypeScript } from "./import-typescript.mjs";

const { values } = parseArgs({
  options: { seed: { type: "string", default: "0" }, pairs: { type: "string", default: "6000" } },
});
const { generatePairs } = await importTypeScript("test/grade/generate/pairs.ts");
for (const { kind, how, gold, pred, isCorrect } of generatePairs(Number(values.seed), Number(values.pairs))) {
  const expected = isCorrect ? "correct" : "incorrect";
  process.stdout.write(`${JSON.stringify({ gold, pred, expected, phenomenon: kind, how })}\n`);
}
