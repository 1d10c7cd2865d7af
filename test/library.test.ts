/** @file What `import ... from "grappa"` gives, through the package's own exports. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type * as Library from "../src/index.ts";

const name = "grappa"; // self-reference through package.json#exports, resolved at run time
const library = async () => (await import(name)) as typeof Library;

test("the package's entry offers the library, and a student can be run with it alone", async () => {
  const grappa = await library();
  expect(Object.keys(grappa).sort()).toMatchInlineSnapshot(`
    [
      "AppError",
      "Recipe",
      "answerClass",
      "bucketOf",
      "collectQuestions",
      "compileGold",
      "defineRecipe",
      "defineTask",
      "defineVerifier",
      "families",
      "forbidden",
      "generate",
      "gradeAnswer",
      "gradeInteger",
      "loadCutTask",
      "loadTask",
      "majorityVote",
      "openEngine",
      "openTokenSource",
      "parseTaskSpec",
      "readModelFolder",
      "records",
      "startThinking",
      "step",
      "sweep",
      "thinkingDelimiters",
      "writeModelFolder",
    ]
  `);
  const model = await grappa.readModelFolder("models/demo-base");
  const engine = await grappa.openEngine({ threads: 1, memoryBytes: 256 << 20 });
  const size = { slots: 1, contextTokens: 128, choosableIds: model.tokenizer.vocabularySize };
  const source = await grappa.openTokenSource(engine, model, size);
  const promptIds = model.chatTemplate.encodePrompt([{ role: "user", content: "list 62 a+36 b+27" }]);
  const request = {
    promptIds,
    setting: { mode: "think", budgetTokens: 32, waits: 0 },
    answerTokens: 8,
    sampling: { temperature: 0, key: "" },
  } as const;
  const [reply] = await grappa.generate(source, [request], { delimiters: grappa.thinkingDelimiters(model.tokenizer) });
  await engine.close();
  // The base was taught to list a question's items; that it does so is a small sign of life.
  expect(model.tokenizer.decode(reply!.thinkingIds)).toContain("a+36\nb+27");
});

test("a task and a verifier of one's own, with the maths grader in it, as a library", async () => {
  const { compileGold, defineTask, defineVerifier, gradeAnswer, loadTask } = await library();
  const verifier = defineVerifier({
    name: "same-value",
    version: "1",
    verify: ({ reply, row }) => {
      const reading = compileGold(String(row["wanted"]));
      if (reading.status === "error") throw new Error(reading.reason);
      const { outcome, extracted } = gradeAnswer(reading.gold, reply);
      return { outcome, extracted };
    },
  });
  const task = defineTask({ name: "halves", data: "halves.jsonl", prompt: "What is {q}?", verifier });
  expect(task.verifier).toMatchObject({ type: "function", name: "same-value" });

  // What a user has on disk is a module; here it re-exports the value above.
  const folder = await mkdtemp(join(tmpdir(), "grappa-library-"));
  (globalThis as { halves?: unknown }).halves = task;
  await writeFile(join(folder, "halves.mjs"), "export default globalThis.halves;\n");
  await writeFile(join(folder, "halves.jsonl"), '{"q":"1/2","wanted":"0.5"}\n{"q":"1/0","wanted":"\\\\frac{"}\n');
  const options = { name: "halves.mjs", seed: 0, workingFolder: folder, signal: new AbortController().signal };
  const { profile, questions } = await loadTask(options);
  await rm(folder, { recursive: true });
  expect([profile, questions.map(({ prompt }) => prompt)]).toEqual(["same-value@1", ["What is 1/2?", "What is 1/0?"]]);
  const [half, broken] = questions;
  expect(await half!.verify("The answer is $\\frac{2}{4}$.", {}, options.signal)).toMatchObject({ outcome: "correct" });
  expect(await half!.verify("The answer is 0.6.", {}, options.signal)).toMatchObject({ outcome: "incorrect" });
  // A verifier that throws says nothing of the model.
  expect(await broken!.verify("1", {}, options.signal)).toMatchObject({ outcome: "unscored" });
});
