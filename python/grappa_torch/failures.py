"""How a job fails: with a code that Grappa knows, a message with the values, and a hint."""

MESSAGE_CHARACTERS = 2000


class JobFailure(Exception):  # noqa: N818 - the word of the event that it becomes
    """A failure that can be told: becomes the event `failure`. `code` is one of TrainingEvent's in training-job.ts."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        """Keeps the three; the message is cut to what an event may carry."""
        super().__init__(message)
        self.code = code
        self.message = message[:MESSAGE_CHARACTERS]
        self.hint = hint


class JobInterrupted(Exception):  # noqa: N818 - not an error
    """SIGTERM came: a checkpoint was saved and the job may go on from it later."""

    def __init__(self, step: int) -> None:
        """Keeps the step of the checkpoint."""
        super().__init__(f"interrupted after step {step}")
        self.step = step


def failure_of(error: BaseException) -> JobFailure:
    """Any exception as a failure; those of PyTorch that people can act on get a hint."""
    if isinstance(error, JobFailure):
        return error
    name = type(error).__name__
    hint = None
    if name in {"OutOfMemoryError", "MemoryError"}:
        hint = "train.microBatch 1, gradientCheckpointing, sharding over more GPUs, method lora, or a larger GPU"
    elif isinstance(error, ImportError):
        hint = "install the pinned requirements.txt that lies beside train.py"
    return JobFailure("error", f"{name}: {error}", hint)
