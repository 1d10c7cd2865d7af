"""FSDP2 on CPUs, which accelerate's own path silently leaves out: its sharding, called by hand, under our loss.

The model is sharded by the very function that accelerate uses on GPUs, with the config that the trainer gives it.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import torch
from accelerate.utils import FullyShardedDataParallelPlugin
from accelerate.utils.fsdp_utils import fsdp2_prepare_model
from torch import distributed
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.tensor import DTensor
from train_reference import optimizer_of, rate

from grappa_torch.arguments import fsdp_config
from grappa_torch.assemble import plan_of
from grappa_torch.base import layer_classes, load_base
from grappa_torch.batches import MicroBatches
from grappa_torch.config import read_config
from grappa_torch.guards import check_inputs
from grappa_torch.loss import learn_tokens
from grappa_torch.setup import decide, ranks_of_environment


def train_sharded(config_path: str) -> None:
    """Trains a job on all ranks and writes losses and facts of the shards to out/sharded.json, weights beside it."""
    job = read_config(Path(config_path))
    inputs = check_inputs(job)
    base = job.path(job.model)
    if not distributed.is_initialized():
        distributed.init_process_group("gloo")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    plan = plan_of(job, inputs, world)
    batches = MicroBatches(inputs.rows, plan, rank)
    model = load_base(base, job, decide(job, ranks_of_environment()))
    model.train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    learn_tokens(model, torch.float32)
    model = shard(model, fsdp_config(layer_classes(base)), rank)
    fields = json.loads(Path(config_path).read_text())
    optimizer = optimizer_of(model, fields)
    losses = []
    for step in range(1, plan.total_steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate(fields, step)
        total = torch.zeros(())
        for batch in plan.micro_batches(step, rank):
            tensors = batches.tensors(batch)
            weights = tensors.pop("weights")
            loss = (model(**tensors) * weights).sum()
            total += loss.detach()
            (loss * world).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), job.maxGradientNorm)
        optimizer.step()
        optimizer.zero_grad()
        distributed.all_reduce(total)
        losses.append(float(total))
    parameters = list(model.parameters())
    whole = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    if rank == 0:
        job.out.mkdir(parents=True, exist_ok=True)
        torch.save(whole, job.out / "weights.pt")
        facts = {
            "losses": losses,
            "isSharded": all(isinstance(parameter, DTensor) for parameter in parameters),
            "share": sum(p.to_local().numel() for p in parameters) / sum(p.numel() for p in parameters),
            "layers": layer_classes(base),
        }
        (job.out / "sharded.json").write_text(json.dumps(facts))


def shard(model: torch.nn.Module, config: dict, rank: int) -> torch.nn.Module:
    """Accelerate's FSDP2 for a model, by the trainer's `fsdp_config`; on CPUs it needs no more of the accelerator."""
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=config["version"],
        reshard_after_forward=config["reshard_after_forward"],
        auto_wrap_policy="TRANSFORMER_BASED_WRAP",
        transformer_cls_names_to_wrap=config["transformer_layer_cls_to_wrap"],
        cpu_ram_efficient_loading=False,
    )
    accelerator = SimpleNamespace(
        state=SimpleNamespace(fsdp_plugin=plugin),
        mixed_precision="no",
        is_main_process=rank == 0,
        device=torch.device("cpu"),
        torch_device_mesh=None,
    )
    return fsdp2_prepare_model(accelerator, model)
