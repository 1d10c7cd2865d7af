// Answers, as JSON on standard output, how our engine trains for the request on standard input:
// { folder, examples: {inputIds, labels}[], order: number[][], steps, train }: the steps' losses, norms, rates and tokens.
import { readFileSync } from "node:fs";
import { openEngine } from "../../dist/adapters/engine/open-engine.js";
import { readModelFolder } from "../../dist/adapters/model-folder.js";
import { Train } from "../../dist/schema/training-fields.js";
import { runTraining } from "../../dist/train/training-loop.js";

const { folder, examples, order, steps, train } = JSON.parse(readFileSync(0, "utf8"));
const { config, tensors } = await readModelFolder(folder);
const engine = await openEngine({ threads: 1, memoryBytes: 1 << 28 });
await engine.loadTrainer({ config, tensors });
const controller = new AbortController();
const done = [];
const onStep = async (step) => {
  done.push(step);
  if (done.length === steps) controller.abort(new Error("enough"));
};
const recipe = Train.parse(train);
const loop = { examples, order, recipe, doneSteps: 0, signal: controller.signal, onStep };
await runTraining(loop, engine).catch((error) => {
  if (error.message !== "enough") throw error;
});
await engine.close();
process.stdout.write(JSON.stringify({ steps: done }));
