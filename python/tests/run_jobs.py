"""Runs several jobs in one process (or in each of several), for `import trl` takes longer than the jobs.

`run_jobs.py CONFIG...`; before a config may stand how it is run:

- `sharded:` with FSDP2's sharding, see train_sharded.py;
- `killed:` rank zero is killed after step 6, with all else;
- `ended:` SIGTERM comes in step 3, and the job is started again.
"""

import os
import signal
import sys
from collections.abc import Callable

from grappa_torch.failures import JobFailure, JobInterrupted
from grappa_torch.training import run


def main() -> None:
    """Runs them one after another; a failed one is told by its events, and the others go on."""
    for argument in sys.argv[1:]:
        how, config = argument.split(":", 1)
        if how == "sharded":
            from train_sharded import train_sharded

            train_sharded(config)
        elif how == "killed":
            run(config, on_event=kill_at(6, signal.SIGKILL))
        elif how == "ended":
            try:
                run(config, on_event=kill_at(3, signal.SIGTERM))
            except JobInterrupted as interruption:
                print(f"{config}: interrupted after step {interruption.step}")
            forget()
            run(config)
        else:
            try:
                run(config)
            except JobFailure as failure:
                print(f"{config}: {failure.code}")
        forget()


def kill_at(step: int, number: int) -> Callable[[dict], None]:
    """A listener that sends this process a signal once it has told of a step."""

    def listen(event: dict) -> None:
        if event["type"] == "step" and event["step"] == step:
            os.kill(os.getpid(), number)

    return listen


def forget() -> None:
    """Lets accelerate begin anew; the process group stays."""
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state()
    GradientState._reset_state()


main()
sys.stdout.flush()
# As train.py ends: an orderly exit may abort while the process group stands (SIGABRT, on a quiet machine).
os._exit(0)
