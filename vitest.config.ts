import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Run by .ci/run: the package's test builds dist/ anew; a browser, PyTorch, llama.cpp, Slurm or Ray may be missing.
    exclude: ["test/slow/**", "test/browser/**", "test/gguf/**", "test/torch/**", "test/slurm/**", "test/ray/**", "test/vllm/**"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
