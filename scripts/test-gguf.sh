#!/usr/bin/env bash
# The GGUF tier: exported students loaded by llama.cpp, through node-llama-cpp, which is no dependency of Grappa. It lies in
# $GRAPPA_LLAMA (a node_modules folder), or is installed into .tmp/llama (85 MB, CPU only, the first time from the registry).
# Run by `npm run test:gguf`. Where it cannot be installed the tier is skipped, and says so; with CI set, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.22.1
if [ -z "${GRAPPA_LLAMA:-}" ]; then
  GRAPPA_LLAMA=$PWD/.tmp/llama/node_modules
  platform=$(node -p '`${{ win32: "win" }[process.platform] ?? process.platform}-${process.arch}`')
  [ "$platform" != darwin-arm64 ] || platform=mac-arm64-metal
  [ "$platform" != darwin-x64 ] || platform=mac-x64
  # Optional packages would bring CUDA and Vulkan: 760 MB.
  if ! grep -qs "\"version\": \"$version\"" "$GRAPPA_LLAMA/node-llama-cpp/package.json"; then
    npm install --prefix .tmp/llama --no-save --no-audit --no-fund --omit=optional --ignore-scripts \
      "node-llama-cpp@$version" "@node-llama-cpp/$platform@$version" >/dev/null || {
      echo "GGUF tier SKIPPED: node-llama-cpp@$version cannot be installed here" >&2
      [ -z "${CI:-}" ] || exit 1
      exit 0
    }
  fi
fi
export GRAPPA_LLAMA
exec npx vitest run --config vitest.gguf.config.ts "$@"
