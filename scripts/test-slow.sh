#!/usr/bin/env bash
# The slow tier. First, alone, what builds dist/ anew (the package) and what measures time (the storm); then the rest, two files
# at a time. Run by `npm run test:slow`.
set -euo pipefail
cd "$(dirname "$0")/.."
slow=(node node_modules/vitest/vitest.mjs run --config vitest.slow.config.ts)
alone=(test/slow/package.test.ts test/slow/rate-limit-storm.test.ts)
"${slow[@]}" "${alone[@]}" "$@"
"${slow[@]}" "${alone[@]/#/--exclude=}" --fileParallelism --maxWorkers 2 "$@"
