"""Trains a student: `python train.py config.json`, alone or under torchrun. See grappa_torch/training.py.

Exit codes: 0 completed or stopped in time, 1 failed (the last event says why), 143 interrupted with a checkpoint saved.
"""

import os
import sys
import time

STARTED = time.time()

from grappa_torch.failures import JobFailure, JobInterrupted  # noqa: E402 - the clock starts before anything
from grappa_torch.training import run  # noqa: E402

INTERRUPTED = 143


def main() -> int:
    """Runs the config named on the command line."""
    if len(sys.argv) != 2:
        print("usage: train.py config.json", file=sys.stderr)
        return 2
    try:
        run(sys.argv[1], started=STARTED)
    except JobInterrupted:
        return INTERRUPTED
    except JobFailure:
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Process groups and loaders are left as they are: taking them down may wait for ranks that have gone.
    os._exit(code)
