"""Runs several jobs in one process (or in each of several), for `import trl` takes longer than the jobs.

`run_jobs.py CONFIG...`; a config named `sharded:PATH` trains by hand with FSDP2's sharding instead, see train_sharded.py.
"""

import sys

from grappa_torch.failures import JobFailure
from grappa_torch.training import run


def main() -> None:
    """Runs them one after another; a failed one is told by its events, and the others go on."""
    for config in sys.argv[1:]:
        if config.startswith("sharded:"):
            from train_sharded import train_sharded

            train_sharded(config.removeprefix("sharded:"))
            continue
        try:
            run(config)
        except JobFailure as failure:
            print(f"{config}: {failure.code}")
        forget()


def forget() -> None:
    """Lets accelerate begin anew; the process group stays."""
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state()
    GradientState._reset_state()


main()
