import { defineConfig } from "vitest/config";

// The machine in front of vLLM itself, run by scripts/test-vllm.sh.
export default defineConfig({
  test: {
    include: ["test/vllm/**/*.test.ts"],
    testTimeout: 1_800_000,
    hookTimeout: 900_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
