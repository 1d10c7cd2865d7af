/** The recipe that `grappa init` writes: small enough to run in a minute or two, every choice explained. */
export function recipeTemplate(name: string): string {
  return `// A whole experiment. Every field has a default unless this file sets it; docs/recipe.md lists them all, and
// \`grappa run recipe.json --plan\` says what it would do. Editors complete field names from "$schema".
{
  "$schema": "./recipe.schema.json",
  "name": ${JSON.stringify(name)},
  "seed": 0,

  // The small model that is to learn: a folder in Hugging Face's layout, seen from this file; or, as here, the one that
  // comes with grappa.
  "student": { "base": "demo-base" },

  // No request is sent that could pass this sum, in dollars. 0 allows free teachers only.
  "maxUsd": 0,

  // Where questions come from: exact, seeded families.
  "collect": {
    "sources": [
      { "type": "family", "family": "arithmetic", "count": 1200, "difficulty": [2, 5] },
      { "type": "family", "family": "program", "count": 1200, "difficulty": [2, 5] }
    ]
  },

  // Who shows the reasoning. "builtin" is a program that comes with grappa; for a model behind an OpenAI-compatible
  // server: { "type": "openai-compatible", "baseUrl": "https://.../v1", "model": "...", "apiKeyEnv": "MY_KEY" }
  "trace": { "teacher": { "type": "builtin" } },

  // How many examples to train on, and how to choose them.
  "select": { "count": 400, "method": "s1" },

  "train": { "epochs": 5, "batchSize": 16, "learningRate": 0.001 },

  // Held-out questions, along a ladder of thinking budgets and with forced "Wait".
  "evaluate": { "count": 300, "difficulty": [3, 5], "budgets": [32, 64, 128], "waits": [1] }
}
`;
}

/** The README beside it. */
export function readmeTemplate(name: string): string {
  return `# ${name}

\`recipe.json\` is a whole experiment for Grappa: questions, a teacher's reasoning,
the choice of examples, a fine-tune of a small model, and its evaluation at several thinking budgets.

    grappa run recipe.json --plan     # what it would do
    grappa run recipe.json            # do it; stop and go on as you like
    grappa status ${name}-0
    grappa chat ${name}-0             # talk to the student

The run goes to \`runs/${name}-0\`; its \`report.html\` is the result. Change one field for one run with
\`--set train.epochs=3 --run runs/three-epochs\`.
`;
}
