import { defineConfig } from "vitest/config";

// The GGUF tier, run by `npm run test:gguf`: what is exported, loaded by llama.cpp.
export default defineConfig({
  test: {
    include: ["test/gguf/**/*.test.ts"],
    testTimeout: 120_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
