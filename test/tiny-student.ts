import { readTokenizerFolder, writeModelFolder } from "../src/adapters/model-folder.ts";
import { initialTensors } from "../src/student/parameters.ts";

const TOKENIZER = "models/demo-base";

/** Writes an untrained student of 28,000 parameters with the demo's tokenizer, or another: all of the machinery, none of the wait. */
export async function writeTinyStudent(folder: string, tokenizerFrom = TOKENIZER): Promise<void> {
  const { tokenizer } = await readTokenizerFolder(tokenizerFrom);
  const config = {
    hiddenSize: 32,
    intermediateSize: 64,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headSize: 16,
    ropeTheta: 10_000,
    rmsNormEpsilon: 1e-6,
    maxPositions: 320,
    isTied: true,
    vocabularySize: Math.ceil(tokenizer.vocabularySize / 16) * 16,
  };
  await writeModelFolder(folder, {
    config,
    tensors: initialTensors(config, 0),
    tokenizerFrom,
    readme: "# tiny\n",
  });
}

/** A recipe that runs every stage on it in a few seconds. */
export function tinyRecipe(base: string): object {
  const family = { type: "family", count: 40, difficulty: [2, 3] };
  return {
    name: "tiny",
    student: { base },
    collect: {
      sources: [
        { ...family, family: "arithmetic" },
        { ...family, family: "program" },
      ],
    },
    trace: { teacher: { type: "builtin", latencyMs: 2 }, concurrency: 4 },
    select: { count: 32, maxThinkingTokens: 200 },
    train: { epochs: 5, batchSize: 4, checkpointEverySteps: 5 },
    evaluate: { count: 4, budgets: [16], waits: [1] },
  };
}
