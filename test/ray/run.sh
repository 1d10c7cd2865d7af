#!/usr/bin/env bash
# The Ray tier: a head and a second raylet on this machine, real jobs, real deaths. Linux; needs Python 3.10 or newer and, the
# first time, the package registry (.tmp/venv-ray; PIP_EXTRA_INDEX_URL may name an index with the CPU build of torch).
# GRAPPA_TORCH_PYTHON names a Python that has everything already. Run by `npm run test:ray`. Where it cannot run it is skipped,
# and says so; with CI set, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  echo "Ray tier SKIPPED: $1" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
}

[ "$(uname)" = Linux ] || skip "two nodes on one machine need Linux"
if [ -z "${GRAPPA_TORCH_PYTHON:-}" ]; then
  python=${PYTHON:-python3}
  command -v "$python" >/dev/null || skip "no $python"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skip "$("$python" --version) is older than 3.10"
  venv=.tmp/venv-ray
  stamp=$(cat python/requirements.txt python/requirements-ray.txt <("$python" --version) | sha256sum | cut -d ' ' -f 1)
  if [ "$(cat $venv/.grappa-stamp 2>/dev/null || true)" != "$stamp" ]; then
    echo "making $venv ..."
    rm -rf $venv
    "$python" -m venv $venv || skip "cannot make a virtual environment"
    $venv/bin/pip install --quiet -r python/requirements.txt -r python/requirements-ray.txt ||
      skip "requirements cannot be installed"
    echo "$stamp" >$venv/.grappa-stamp
  fi
  GRAPPA_TORCH_PYTHON=$PWD/$venv/bin/python
fi
"$GRAPPA_TORCH_PYTHON" -c 'import ray, torch, trl' || skip "$GRAPPA_TORCH_PYTHON has no ray, torch and trl"
export GRAPPA_TORCH_PYTHON
# Whatever becomes of the tests, nothing of their clusters stays: all of it has this in its environment.
export GRAPPA_RAY_RUN="$$-$RANDOM"
sweep() {
  for environment in /proc/[0-9]*/environ; do
    pid=${environment//[!0-9]/}
    if grep -zqxF "GRAPPA_RAY_RUN=$GRAPPA_RAY_RUN" "$environment" 2>/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
  done
}
trap sweep EXIT
node node_modules/vitest/vitest.mjs run --config vitest.ray.config.ts "$@"
