// The student that decoding is measured on, models/demo-base, and questions of its kind.
import { fileURLToPath } from "node:url";
import { openTokenSource } from "../dist/adapters/engine/engine-token-source.js";
import { openEngine } from "../dist/adapters/engine/open-engine.js";
import { readModelFolder } from "../dist/adapters/model-folder.js";
import { prng } from "../dist/core/prng.js";
import { thinkingDelimiters } from "../dist/tokenize/thinking-delimiters.js";

export const FOLDER = fileURLToPath(new URL("../models/demo-base", import.meta.url));
const FIRST_BYTES = 2 ** 26;

/** The model with an embedded engine of so many threads and slots, as `grappa serve` opens it. */
export async function openDemoStudent({ threads, slots }) {
  const model = await readModelFolder(FOLDER);
  const engine = await openEngine({ threads, memoryBytes: FIRST_BYTES });
  const size = { slots, contextTokens: model.config.maxPositions, choosableIds: model.tokenizer.vocabularySize };
  const source = await openTokenSource(engine, model, size);
  const { kernelBuild } = await engine.describe();
  const delimiters = thinkingDelimiters(model.tokenizer, "Wait", model.style);
  return { model, source, delimiters, kernelBuild, close: () => engine.close() };
}

/** Questions of three to six steps, in ids with the header; all of one length where `length` is told. */
export function promptsOf({ chatTemplate }, count, length) {
  const random = prng("bench decode");
  const step = (_, at) => `${"abcdefg"[at]}${"+-*"[random.int(0, 2)]}${random.int(2, 40)}`;
  const prompts = [];
  while (prompts.length < count) {
    const question = `${random.int(1, 99)} ${Array.from({ length: 3 + random.int(0, 3) }, step).join(" ")}`;
    const ids = chatTemplate.encodePrompt([{ role: "user", content: question }]);
    if (length === undefined || ids.length === length) prompts.push(ids);
  }
  return prompts;
}

/** Delimiters that write nothing and that nothing ends: replies of exactly so many tokens, through the same machine. */
export const endless = (delimiters) => ({
  ...delimiters,
  thinkStart: [],
  answerStart: [],
  directStart: [],
  newline: [],
  cutAnswer: [],
  stopIds: { thinkingEnd: -1, imEnd: -1, endOfText: -1 },
});
