import { defineConfig } from "vitest/config";

// The launchers with the real trainer, and a checkpoint behind transformers' servers, run by `npm run test:torch`: needs a Python with
// python/requirements-test.txt, which GRAPPA_TORCH_PYTHON names (.venv/bin/python by default).
export default defineConfig({
  test: {
    include: ["test/torch/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
