#!/usr/bin/env bash
# The Python tier: transformers and PyTorch must open, encode and compute what Grappa does. Needs Python 3.10 or newer and,
# the first time, the package registry (.venv: a few minutes, up to 6 GB; set PIP_EXTRA_INDEX_URL to an index with the CPU
# build of torch to make that 2 GB).
# Run by `npm run test:python`. Without Python it is skipped, and says so; with CI set, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "python tier SKIPPED: $1" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || skip "no $python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip "$("$python" --version) is older than 3.10"

stamp=$(cat python/requirements.txt python/requirements-test.txt <("$python" --version) | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat .venv/.grappa-stamp 2>/dev/null || true)" != "$stamp" ]; then
  echo "making .venv ..."
  rm -rf .venv
  "$python" -m venv .venv || skip "cannot make a virtual environment"
  .venv/bin/pip install --quiet -r python/requirements-test.txt || skip "requirements cannot be installed"
  echo "$stamp" >.venv/.grappa-stamp
fi

.venv/bin/ruff check --no-cache python
.venv/bin/ruff format --no-cache --check python
# Most of the time is imports of torch: two files at a time.
exec env PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 .venv/bin/pytest -c python/pytest.ini --rootdir python -n 2 --dist loadfile python/tests "$@"
