#!/usr/bin/env bash
# The Python tier: transformers and PyTorch must open, encode and compute what Grappa does. Run by `npm run test:python`. Where
# python/environment.sh can make no environment for it, it is skipped, and says so; with CI set, that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! bash python/environment.sh; then
  echo "python tier SKIPPED: see above" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi

.venv/bin/ruff check --no-cache python
.venv/bin/ruff format --no-cache --check python
# Most of the time is imports of torch: two files at a time.
exec env PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 .venv/bin/pytest -c python/pytest.ini --rootdir python -n 2 --dist loadfile python/tests "$@"
