#!/usr/bin/env bash
# Makes .venv, the environment of the Python tier, where it is not there as python/requirements-test.txt wants it. Needs Python 3.10
# or newer and the package registry: a few minutes, up to 6 GB; set PIP_EXTRA_INDEX_URL to an index with the CPU build of torch to
# make that 2 GB. Says on standard error why it cannot, and ends with 1.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "$1" >&2
  exit 1
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null || fail "no $python"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "$("$python" --version) is older than 3.10"

stamp=$(cat python/requirements.txt python/requirements-test.txt <("$python" --version) | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')
if [ "$(cat .venv/.grappa-stamp 2>/dev/null || true)" != "$stamp" ]; then
  echo "making .venv ..."
  rm -rf .venv
  "$python" -m venv .venv || fail "cannot make a virtual environment"
  .venv/bin/pip install --quiet -r python/requirements-test.txt || fail "requirements cannot be installed"
  echo "$stamp" >.venv/.grappa-stamp
fi
