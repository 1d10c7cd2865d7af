"""A whole job: guards, model, training, student. Started by train.py, or called by a worker of Ray Train."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from grappa_torch.checkpoints import read_mark, write_whole
from grappa_torch.config import TrainingJob, read_config
from grappa_torch.events import EventListener, EventLog
from grappa_torch.failures import JobFailure, JobInterrupted, failure_of
from grappa_torch.guards import Inputs, check_embedding, check_inputs, check_tokenizer, refuse_ids_beyond
from grappa_torch.setup import Ranks, Setup, decide, ranks_of_environment

DONE = "done.json"
PACKAGES = ("torch", "transformers", "trl", "accelerate", "peft", "datasets", "bitsandbytes", "flash-attn")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.jinja", "*.model"]


def run(config_path: str | Path, *, on_event: EventListener | None = None, started: float | None = None) -> str:
    """Runs the job of a config.json to its end, from its last whole checkpoint if there is one.

    Call it once in each process, with torchrun's variables (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE,
    MASTER_ADDR, MASTER_PORT) where there are several; a process group that stands already, as in a worker of Ray Train,
    is used. Outputs go to GRAPPA_OUT, which all ranks must see as one folder and which must outlive retries.

    Args:
        config_path: the job's config.json; relative paths in it are seen from its folder.
        on_event: called with each event (a dict as in events.jsonl) on rank zero, and with `checkpoint` on every rank,
            after the checkpoint is whole.
        started: Unix seconds at which this try began; default now.

    Returns:
        completed (the student is in `final`), or stopped (by stopAfterSeconds; a checkpoint was saved).

    Raises:
        JobFailure: told in an event already.
        JobInterrupted: SIGTERM came, a checkpoint was saved.
    """
    started = time.time() if started is None else started
    ranks = ranks_of_environment()
    path = Path(config_path)
    events = None
    try:
        events = EventLog(_out_of(path), ranks.rank == 0, started, on_event)
        job = read_config(path)
        inputs = check_inputs(job)
        if _is_done(job, inputs):
            return _tell_end(events, job, "completed", job.totalSteps, read_mark(job.out / DONE)["model"])
        return _prepare_and_train(job, inputs, ranks, events)
    except JobInterrupted:
        raise
    except Exception as error:
        failure = failure_of(error)
        if events is not None:
            # Guards fail alike on all ranks, and rank zero tells; what only one rank has met, it tells itself.
            _tell_failure(events, failure, ranks, is_alone=failure is not error)
        if failure is error:
            raise
        raise failure from error


def _out_of(config: Path) -> Path:
    """Where events go even when the config cannot be read."""
    try:
        return read_config(config).out
    except Exception:  # noqa: BLE001 - told a moment later, by reading it again
        return Path(os.environ.get("GRAPPA_OUT") or config.resolve().parent)


def _tell_failure(events: EventLog, failure: JobFailure, ranks: Ranks, *, is_alone: bool) -> None:
    """One event a try: where one rank has failed, the others soon do, for they cannot reach it."""
    print(f"rank {ranks.rank}: {failure.message}", file=sys.stderr)
    if (ranks.rank == 0 or is_alone) and not events.has_failed():
        events.emit_from_any_rank("failure", code=failure.code, message=failure.message, hint=failure.hint)


def _is_done(job: TrainingJob, inputs: Inputs) -> bool:
    done = read_mark(job.out / DONE)
    return (
        done is not None
        and done.get("fingerprint") == inputs.fingerprint
        and (job.out / str(done.get("model")) / "config.json").is_file()
    )


def _prepare_and_train(job: TrainingJob, inputs: Inputs, ranks: Ranks, events: EventLog) -> str:
    _prepare_environment(job, ranks, events)
    base = resolve_base(job)
    check_embedding(base, job, inputs.rows.largest_id)
    # Slow imports begin here: bad rows and bad settings have been refused by now.
    setup = decide(job, ranks)
    check_tokenizer(base, job)
    return _train(job, inputs, setup, base, events)


def _prepare_environment(job: TrainingJob, ranks: Ranks, events: EventLog) -> None:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if job.path(job.model).is_dir():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if "WORLD_SIZE" not in os.environ and job.device != "cpu":
        # One process would spread its batch over all GPUs it sees (DataParallel), which is slow and pads our batches.
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible[0]


def resolve_base(job: TrainingJob) -> Path:
    """Folder of the base: the job's own, or the hub's, fetched into its cache by each machine once."""
    folder = job.path(job.model)
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(job.model, revision=job.revision, allow_patterns=HUB_FILES))


def _train(job: TrainingJob, inputs: Inputs, setup: Setup, base: Path, events: EventLog) -> str:
    from grappa_torch.assemble import assemble, start_event
    from grappa_torch.final import save_student
    from grappa_torch.trainer import last_checkpoint, raise_if_interrupted

    with SignalFlag() as was_told_to_end:
        trainer = assemble(job, inputs, setup, base, events, was_told_to_end)
        embedding = trainer.model.get_input_embeddings().weight.shape[0]
        refuse_ids_beyond(embedding, job, inputs.rows.largest_id)
        step, checkpoint = last_checkpoint(trainer, Path(trainer.args.output_dir))
        for message in setup.warnings:
            events.emit("warning", message=message)
        start_event(trainer, step, versions())
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        step = trainer.state.global_step
        raise_if_interrupted(trainer)
        if trainer.end == "stopped":
            return _tell_end(events, job, "stopped", step, None)
        model = save_student(trainer, base, job.out)
    if events.is_writer:
        write_whole(job.out / DONE, {"fingerprint": inputs.fingerprint, "step": step, "model": model})
    return _tell_end(events, job, "completed", step, model)


def _tell_end(events: EventLog, job: TrainingJob, outcome: str, step: int, model: str | None) -> str:
    events.emit("end", outcome=outcome, step=step, seconds=events.elapsed(), model=model)
    return outcome


def versions() -> dict[str, str]:
    """Of Python and of what is installed of the packages that matter."""
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class SignalFlag:
    """Turns SIGTERM into a question that is asked between steps, where a checkpoint can be saved."""

    def __init__(self) -> None:
        """No signal has come."""
        self.has_come = False
        self.before: Any = None

    def __call__(self) -> bool:
        """Whether it has come."""
        return self.has_come

    def __enter__(self) -> Callable[[], bool]:
        """Listens; only a main thread can, and workers of Ray Train run in another."""
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the signal back."""
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)

    def _note(self, *_: object) -> None:
        self.has_come = True
