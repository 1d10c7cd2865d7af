import { defineConfig } from "vitest/config";

// A Slurm of two virtual nodes on this machine, run by `npm run test:slurm`: needs Slurm's packages (scripts/start-slurm.sh says which) and
// a Python with python/requirements.txt, which GRAPPA_TORCH_PYTHON names (.venv/bin/python by default).
export default defineConfig({
  test: {
    include: ["test/slurm/**/*.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
  },
});
