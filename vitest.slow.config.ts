import { defineConfig } from "vitest/config";

// The slower tier, run by .ci/run after `npm test`: the packed tarball, installed and run.
export default defineConfig({
  test: {
    include: ["test/slow/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
