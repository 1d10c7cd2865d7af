/** @file What `import ... from "grappa"` gives, through the package's own exports. */
import { expect, test } from "vitest";
import type * as Library from "../src/index.ts";

test("the package's entry offers the library, and a student can be run with it alone", async () => {
  const name = "grappa"; // self-reference through package.json#exports, resolved at run time
  const grappa = (await import(name)) as typeof Library;
  expect(Object.keys(grappa).sort()).toMatchInlineSnapshot(`
    [
      "AppError",
      "Recipe",
      "bucketOf",
      "collectQuestions",
      "defineRecipe",
      "defineTask",
      "defineVerifier",
      "families",
      "forbidden",
      "generate",
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
