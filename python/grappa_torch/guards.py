"""What is looked at before anything is loaded: the cheap guards, for which Python's own library is enough."""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

from grappa_torch.config import TrainingJob
from grappa_torch.failures import JobFailure
from grappa_torch.rows import RowStore, open_rows, read_order

# A header of safetensors larger than this is refused, as that library itself does.
HEADER_BYTES = 100_000_000
# What a checkpoint must agree on, for the training to go on from it.
IDENTITY = (
    "revision",
    "epochs",
    "batchSize",
    "totalSteps",
    "warmupSteps",
    "learningRate",
    "beta1",
    "beta2",
    "epsilon",
    "weightDecay",
    "maxGradientNorm",
    "lossReduction",
    "method",
    "lora",
    "seed",
)


@dataclass(frozen=True)
class Inputs:
    """What the guards have read and found good."""

    rows: RowStore
    order: list[list[int]]
    fingerprint: str


def check_inputs(job: TrainingJob) -> Inputs:
    """Examples and order, whole and within the limits."""
    rows = open_rows(job.path(job.examples), job.maxLength)
    order, order_hash = read_order(job.path(job.order), len(rows), job.epochs)
    steps = -(-len(rows) // job.batchSize) * job.epochs
    if steps != job.totalSteps:
        raise JobFailure("error", f"{len(rows)} rows give {steps} steps, but the config says {job.totalSteps}")
    identity = {name: getattr(job, name) for name in IDENTITY}
    text = json.dumps([identity, rows.sha256, order_hash], sort_keys=True)
    return Inputs(rows, order, hashlib.sha256(text.encode()).hexdigest()[:16])


def check_embedding(base: Path, job: TrainingJob, largest_id: int) -> None:
    """Refuses a base whose embedding has no row for an id that the examples or our tokenizer use."""
    rows = embedding_rows(base)
    if rows is not None:
        refuse_ids_beyond(rows, job, largest_id)


def refuse_ids_beyond(rows: int, job: TrainingJob, largest_id: int) -> None:
    """The guard itself: `rows` of the embedding against the ids that are needed."""
    needed = max(largest_id + 1, job.addedIds)
    if needed > rows:
        raise JobFailure(
            "ids-beyond-embedding",
            f"the model's embedding has {rows} rows, but ids up to {needed - 1} are needed",
            "the tokenizer belongs to another model, or tokens were added to it and not to the embedding",
        )


def embedding_rows(base: Path) -> int | None:
    """Rows of the input embedding, from the headers of the weights; None where they do not tell."""
    for file in sorted(base.glob("*.safetensors")):
        for name, entry in safetensors_header(file).items():
            if name.endswith(("embed_tokens.weight", "wte.weight")) and isinstance(entry, dict):
                return int(entry["shape"][0])
    return None


def safetensors_header(file: Path) -> dict:
    """Names, shapes and types of a file of safetensors, without its tensors."""
    with file.open("rb") as opened:
        (size,) = struct.unpack("<Q", opened.read(8))
        if size > HEADER_BYTES:
            raise JobFailure("error", f"{file.name} is no safetensors: a header of {size} bytes")
        return json.loads(opened.read(size))


def check_tokenizer(base: Path, job: TrainingJob) -> None:
    """Encodes the probes with the student's own tokenizer, as `transformers` opens it, and compares with our ids.

    It need not be what tokenizer.json says: transformers 5 replaces the pre-tokenizer of some models with its own.
    """
    if not job.probes:
        return
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    for place, probe in enumerate(job.probes):
        theirs = tokenizer.encode(probe["text"], add_special_tokens=False)
        if theirs != probe["ids"]:
            raise JobFailure(
                "tokenizer-differs",
                f"{type(tokenizer).__name__} of the student encodes probe {place} unlike grappa: "
                + first_difference(probe["ids"], theirs, tokenizer.decode),
                "tokenizer_class PreTrainedTokenizerFast in tokenizer_config.json makes it read tokenizer.json",
            )


def first_difference(ours: list[int], theirs: list[int], decode: object) -> str:
    """The first place at which two lists of ids part, for people."""
    at = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))

    def piece(ids: list[int]) -> str:
        return f"{ids[at]} {decode([ids[at]])!r}" if at < len(ids) else "nothing"

    return f"at token {at} {piece(theirs)}, not {piece(ours)} ({len(theirs)} tokens, not {len(ours)})"
