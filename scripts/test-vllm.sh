#!/usr/bin/env bash
# The vLLM tier: the thinking-budget machine in front of vLLM itself, and a generate job with it. GRAPPA_VLLM_PYTHON names a Python
# that has vLLM, for GPUs or for CPUs; GRAPPA_TORCH_PYTHON (.venv/bin/python) one with python/requirements-test.txt. Without them it
# is skipped, with CI set too: vLLM is gigabytes for GPUs, and what stands in for it is held to the same replies elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "vLLM tier SKIPPED: $1" >&2
  exit 0
}

[ -n "${GRAPPA_VLLM_PYTHON:-}" ] || skip "GRAPPA_VLLM_PYTHON names no Python with vLLM"
"$GRAPPA_VLLM_PYTHON" -c 'import vllm' 2>/dev/null || skip "$GRAPPA_VLLM_PYTHON has no vLLM"
python=${GRAPPA_TORCH_PYTHON:-.venv/bin/python}
"$python" -c 'import pytest, torch, transformers' 2>/dev/null || skip "$python has not python/requirements-test.txt"
export GRAPPA_VLLM_PYTHON
node node_modules/vitest/vitest.mjs run --config vitest.vllm.config.ts
PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 "$python" -m pytest -c python/pytest.ini --rootdir python -s python/vllm_tests
