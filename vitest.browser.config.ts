import { defineConfig } from "vitest/config";

// The report in a real browser, run by .ci/run: needs Chromium (test/browser/find-chromium.ts says where it looks).
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 600_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
