import { defineConfig } from "vitest/config";

// The Ray tier (`npm run test:ray`): a cluster of two nodes on this machine, real jobs, and deaths. test/ray/run.sh says
// when it is skipped.
export default defineConfig({
  test: {
    include: ["test/ray/**/*.test.ts"],
    testTimeout: 1_200_000,
    hookTimeout: 900_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
