"""The job's `config.json`: `TrainingJob` of src/schema/training-job.ts, with the names that stand there."""

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from grappa_torch.failures import JobFailure

# Must be SCHEMA_VERSION of src/schema/schema-version.ts; a test compares.
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class TrainingJob:
    """All fields of config.json, as they stand there (hence the camel case), and where it lies."""

    schemaVersion: int  # noqa: N815
    name: str
    model: str
    revision: str | None
    examples: str
    order: str
    probes: list[dict[str, Any]]
    addedIds: int  # noqa: N815
    output: str
    maxLength: int  # noqa: N815
    epochs: int
    batchSize: int  # noqa: N815
    microBatch: int  # noqa: N815
    totalSteps: int  # noqa: N815
    warmupSteps: int  # noqa: N815
    learningRate: float  # noqa: N815
    beta1: float
    beta2: float
    epsilon: float
    weightDecay: float  # noqa: N815
    maxGradientNorm: float  # noqa: N815
    lossReduction: str  # noqa: N815
    method: str
    lora: dict[str, Any]
    precision: str
    attention: str
    gradientCheckpointing: bool  # noqa: N815
    packing: bool
    sharding: str
    device: str
    checkpointEverySteps: int  # noqa: N815
    checkpointsKept: int  # noqa: N815
    seed: int
    stopAfterSeconds: float | None  # noqa: N815
    folder: Path

    def path(self, name: str) -> Path:
        """A path of the config, seen from the job's folder."""
        return self.folder / name

    @property
    def out(self) -> Path:
        """Folder of all outputs: GRAPPA_OUT, else the config's."""
        return output_folder(self.folder, self.output)


CHOICES = {
    "lossReduction": {"token", "example"},
    "method": {"full", "lora", "qlora"},
    "precision": {"auto", "f32", "bf16"},
    "attention": {"auto", "flash", "sdpa", "eager"},
    "sharding": {"auto", "none", "fsdp2"},
    "device": {"auto", "cuda", "cpu"},
}
POSITIVE = ("maxLength", "epochs", "batchSize", "microBatch", "totalSteps", "checkpointEverySteps", "checkpointsKept")


def output_folder(folder: Path, output: str) -> Path:
    """GRAPPA_OUT where it is set, else `output` seen from `folder`."""
    given = os.environ.get("GRAPPA_OUT")
    return Path(given) if given else folder / output


def read_config(path: Path) -> TrainingJob:
    """Reads and checks config.json; raises JobFailure with the field that is wrong."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise JobFailure("error", f"{path.name} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise JobFailure("unsupported", f"{path.name} is no JSON object")
    if values.get("schemaVersion") != SCHEMA_VERSION:
        found = values.get("schemaVersion")
        raise JobFailure(
            "unsupported",
            f"{path.name} has schema version {found!r}, this trainer knows {SCHEMA_VERSION}",
            "use the train.py that came with this grappa",
        )
    known = {field.name for field in fields(TrainingJob)} - {"folder"}
    odd = sorted(known ^ values.keys())
    if odd:
        raise JobFailure("unsupported", f"{path.name}: fields missing or unknown: {', '.join(odd)}")
    for name, allowed in CHOICES.items():
        if values[name] not in allowed:
            raise JobFailure("unsupported", f"{path.name}: {name} is {values[name]!r}, may be {sorted(allowed)}")
    for name in POSITIVE:
        if not isinstance(values[name], int) or values[name] < 1:
            raise JobFailure("unsupported", f"{path.name}: {name} is {values[name]!r}, must be 1 or more")
    return TrainingJob(**values, folder=path.resolve().parent)
