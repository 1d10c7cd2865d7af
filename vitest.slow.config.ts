import { defineConfig } from "vitest/config";

// The slower tier, run by .ci/run after `npm test`: whole runs in child processes, kills, the packed tarball.
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
