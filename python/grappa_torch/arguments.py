"""TRL's SFTConfig for a job. Everything that has a default there which is not ours is set here, by name."""

import os
from pathlib import Path
from typing import Any

from grappa_torch.config import TrainingJob
from grappa_torch.setup import Setup


def sft_arguments(
    job: TrainingJob, setup: Setup, *, accumulation: int, longest: int, layers: list[str], output: Path
) -> dict[str, Any]:
    """Keyword arguments of SFTConfig.

    The whole training is one "epoch" of transformers: the plan knows ours, and a resumed run skips by micro-batches.

    Args:
        job: the config.
        setup: what the machine makes of it.
        accumulation: micro-batches of a step.
        longest: tokens of the longest row; TRL's own max_length of 1024 would cut rows silently.
        layers: class names of the transformer layers, which FSDP2 shards one by one.
        output: folder of the checkpoints.
    """
    arguments: dict[str, Any] = {
        "output_dir": str(output),
        "seed": job.seed,
        "max_steps": job.totalSteps,
        "per_device_train_batch_size": job.microBatch,
        "gradient_accumulation_steps": accumulation,
        "learning_rate": job.learningRate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": job.warmupSteps,
        "weight_decay": job.weightDecay,
        "adam_beta1": job.beta1,
        "adam_beta2": job.beta2,
        "adam_epsilon": job.epsilon,
        "max_grad_norm": job.maxGradientNorm,
        "optim": "adamw_torch_fused" if setup.device == "cuda" else "adamw_torch",
        "bf16": setup.precision == "bf16",
        "fp16": False,
        "use_cpu": setup.device == "cpu",
        "ddp_find_unused_parameters": False,
        "gradient_checkpointing": job.gradientCheckpointing,
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
        "max_length": max(longest, job.maxLength),
        "packing": False,
        "loss_type": "nll",
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "shuffle_dataset": False,
        "remove_unused_columns": False,
        "save_strategy": "no",
        "logging_strategy": "no",
        "logging_nan_inf_filter": False,
        "report_to": [],
        "disable_tqdm": True,
        "average_tokens_across_devices": False,
    }
    if setup.device == "cpu" and setup.ranks.world_size > 1:
        arguments["ddp_backend"] = "gloo"
    if setup.sharding == "fsdp2":
        arguments |= {"fsdp": True, "fsdp_config": fsdp_config(layers)}
        # Else every rank holds the gradients of the whole model in float32 between the micro-batches of a step.
        arguments["accelerator_config"] = {"gradient_accumulation_kwargs": {"sync_each_batch": True}}
    return arguments


def fsdp_config(layers: list[str]) -> dict[str, Any]:
    """FSDP2 as transformers wants it said: a mapping; the string form is gone with transformers 5.20."""
    return {
        "version": 2,
        "transformer_layer_cls_to_wrap": layers,
        "reshard_after_forward": True,
        # One rank of a machine reads the weights, the others get their shards from it.
        "cpu_ram_efficient_loading": True,
        # Each rank writes its own part of a checkpoint: the moments of a large model fit no single machine.
        "state_dict_type": "SHARDED_STATE_DICT",
    }


def fsdp_precision(precision: str) -> object | None:
    """FSDP2's types: computed in bf16, summed and kept in f32. accelerate's own would round the loss to bf16."""
    if precision != "bf16":
        return None
    import torch
    from torch.distributed.fsdp import MixedPrecisionPolicy

    return MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)


def announce_fsdp() -> None:
    """Lets `from_pretrained` know that only the first rank of a machine needs real weights."""
    os.environ["ACCELERATE_USE_FSDP"] = "true"
    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "true"
