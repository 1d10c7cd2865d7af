// Writes a tiny random student with the demo's tokenizer into the folder given, for machines where none was trained yet.
// Untied, with grouped queries and wide weights, so that logits differ clearly.
import { prng } from "../../dist/core/prng.js";
import { writeModelFolder } from "../../dist/adapters/model-folder.js";
import { studentTensorShapes } from "../../dist/student/checkpoint/student-tensors.js";

const [folder, tokenizerFrom] = process.argv.slice(2);
const config = {
  vocabularySize: 304,
  hiddenSize: 64,
  intermediateSize: 96,
  layers: 2,
  heads: 4,
  kvHeads: 1,
  headSize: 16,
  ropeTheta: 50_000,
  rmsNormEpsilon: 1e-5,
  maxPositions: 1024,
  isTied: false,
};
const random = prng("tiny student");
const tensors = new Map(
  [...studentTensorShapes(config)].map(([name, shape]) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    const [mean, deviation] = name.includes("norm") ? [1, 0.1] : [0, 0.15];
    return [name, { shape, data: Float32Array.from({ length }, () => mean + deviation * random.normal()) }];
  }),
);
await writeModelFolder(folder, { config, tensors, tokenizerFrom, readme: "# A tiny random student, for tests\n" });
