"""What this machine makes of the config's `auto`: device, ranks, precision, attention, sharding."""

import os
from dataclasses import dataclass, field
from importlib.util import find_spec

from grappa_torch.config import TrainingJob
from grappa_torch.failures import JobFailure


@dataclass(frozen=True)
class Ranks:
    """This process among all, by torchrun's environment."""

    rank: int
    world_size: int
    local_rank: int
    nodes: int


def ranks_of_environment() -> Ranks:
    """From RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE; alone without them."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local_world = int(os.environ.get("LOCAL_WORLD_SIZE", str(world)))
    return Ranks(
        rank=int(os.environ.get("RANK", "0")),
        world_size=world,
        local_rank=int(os.environ.get("LOCAL_RANK", "0")),
        nodes=max(1, -(-world // max(1, local_world))),
    )


@dataclass(frozen=True)
class Setup:
    """Decided for this run; `sharding` is what is asked of accelerate, the event `start` tells what came of it."""

    ranks: Ranks
    device: str
    precision: str
    attention: str
    sharding: str
    warnings: list[str] = field(default_factory=list)


def decide(job: TrainingJob, ranks: Ranks) -> Setup:
    """Resolves every `auto`; raises JobFailure for what this machine cannot do."""
    warnings: list[str] = []
    device = _device(job, ranks)
    precision = job.precision if job.precision != "auto" else ("bf16" if device == "cuda" else "f32")
    if job.method == "qlora":
        _check_qlora(job, device)
    attention = _attention(job, device, precision)
    if job.packing and attention not in VARLEN_KERNELS:
        raise JobFailure(
            "packing-unsafe",
            f"packing needs an attention kernel that keeps rows apart; this is {attention} on {device}",
            "install flash-attn, or leave packing off",
        )
    return Setup(ranks, device, precision, attention, _sharding(job, device, ranks, warnings), warnings)


# Kernels that take rows of unlike length end to end and never look from one into another.
VARLEN_KERNELS = {"flash_attention_2", "flash_attention_3"}


def _device(job: TrainingJob, ranks: Ranks) -> str:
    import torch

    if job.device == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        if ranks.local_rank >= torch.cuda.device_count():
            raise JobFailure(
                "unsupported",
                f"process {ranks.local_rank} of this machine has no GPU: there are {torch.cuda.device_count()}",
                "start one process a GPU",
            )
        return "cuda"
    if job.device == "cuda":
        raise JobFailure("unsupported", "PyTorch sees no CUDA GPU here", "train.launcher.device: cpu or auto")
    return "mps" if torch.backends.mps.is_available() and ranks.world_size == 1 else "cpu"


def _check_qlora(job: TrainingJob, device: str) -> None:
    if device != "cuda":
        raise JobFailure("unsupported", f"method qlora needs a CUDA GPU; this is {device}", "method lora")
    if find_spec("bitsandbytes") is None:
        raise JobFailure("unsupported", "method qlora needs bitsandbytes, which is not installed", "pip install it")
    if job.sharding == "fsdp2":
        raise JobFailure("unsupported", "method qlora is not sharded", "train.sharding: none, or method lora")


def _attention(job: TrainingJob, device: str, precision: str) -> str:
    if job.attention in {"sdpa", "eager"}:
        return job.attention
    is_fit = device == "cuda" and precision == "bf16"
    kernel = _flash_kernel() if is_fit else None
    if kernel is not None:
        return kernel
    if job.attention == "flash":
        where = f"{precision} on {device}"
        raise JobFailure(
            "unsupported",
            f"flash attention needs bf16 on a CUDA GPU and the package flash-attn; this is {where}",
            "pip install flash-attn, or train.attention: auto",
        )
    return "sdpa"


def _flash_kernel() -> str | None:
    from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

    if is_flash_attn_3_available():
        return "flash_attention_3"
    return "flash_attention_2" if is_flash_attn_2_available() else None


def _sharding(job: TrainingJob, device: str, ranks: Ranks, warnings: list[str]) -> str:
    plain = "none" if ranks.world_size == 1 else "ddp"
    if job.sharding == "none" or (job.sharding == "auto" and job.method != "full"):
        return plain
    if ranks.world_size > 1 and device == "cuda":
        return "fsdp2"
    if job.sharding == "fsdp2":
        why = (
            "there is one process" if ranks.world_size == 1 else "accelerate shards on GPUs alone, and drops it on CPUs"
        )
        warnings.append(f"weights and moments are not sharded: {why}; sharding is {plain}")
    return plain
