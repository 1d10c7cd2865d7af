"""Puts the trainer together: plan, arguments, model, adapters."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from datasets import IterableDataset
from transformers import AutoTokenizer
from trl import SFTConfig

from grappa_torch.arguments import announce_fsdp, fsdp_precision, sft_arguments
from grappa_torch.base import layer_classes, load_base
from grappa_torch.batches import MicroBatches
from grappa_torch.config import TrainingJob
from grappa_torch.events import EventLog
from grappa_torch.guards import Inputs
from grappa_torch.loss import learn_tokens
from grappa_torch.plan import StepPlan
from grappa_torch.rows import RowStore
from grappa_torch.setup import Setup
from grappa_torch.trainer import GrappaTrainer, Run


def plan_of(job: TrainingJob, inputs: Inputs, world_size: int) -> StepPlan:
    """The plan of a job; packs are as long as the longest row, which has to fit anyway."""
    return StepPlan(
        order=inputs.order,
        lengths=inputs.rows.lengths,
        trained=inputs.rows.trained,
        batch_size=job.batchSize,
        micro_batch=job.microBatch,
        world_size=world_size,
        reduction=job.lossReduction,
        pack_tokens=max(inputs.rows.lengths) * job.microBatch if job.packing else None,
    )


def assemble(
    job: TrainingJob,
    inputs: Inputs,
    setup: Setup,
    base: Path,
    events: EventLog,
    was_told_to_end: Callable[[], bool],
) -> GrappaTrainer:
    """Everything up to the first step."""
    ranks = setup.ranks
    if setup.device == "cpu" and ranks.world_size > 1:
        # As torchrun does, so that all launchers add up in one order and give the same numbers.
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    plan = plan_of(job, inputs, ranks.world_size)
    output = job.out / "checkpoints"
    output.mkdir(parents=True, exist_ok=True)
    is_sharded = setup.sharding == "fsdp2"
    # Its making joins the process group, which the loading of sharded weights asks about.
    config = SFTConfig(
        **sft_arguments(
            job,
            setup,
            accumulation=plan.accumulation,
            longest=max(inputs.rows.lengths),
            layers=layer_classes(base) if is_sharded else [],
            output=output,
        )
    )
    if is_sharded:
        announce_fsdp()
        config.fsdp_plugin_args["mixed_precision_policy"] = fsdp_precision(setup.precision)
    model = load_base(base, job, setup)
    learn_tokens(model, torch.bfloat16 if setup.precision == "bf16" else torch.float32)
    torch.manual_seed(job.seed)
    run = Run(
        job=job,
        setup=setup,
        plan=plan,
        batches=MicroBatches(inputs.rows, plan, ranks.rank),
        events=events,
        fingerprint=inputs.fingerprint,
        was_told_to_end=was_told_to_end,
        parameters=model.num_parameters(),
    )
    return GrappaTrainer(
        run,
        model=model,
        args=config,
        train_dataset=IterableDataset.from_generator(_examples, gen_kwargs={"store": inputs.rows}),
        processing_class=AutoTokenizer.from_pretrained(base, trust_remote_code=False),
        peft_config=None if job.method == "full" else lora_config(job),
    )


def lora_config(job: TrainingJob) -> object:
    """LoRA on all linear layers but the head, as QLoRA's paper found best."""
    from peft import LoraConfig

    return LoraConfig(
        r=job.lora["rank"],
        lora_alpha=job.lora["alpha"],
        lora_dropout=job.lora["dropout"],
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


def start_event(trainer: GrappaTrainer, resumed_at: int, versions: dict[str, str]) -> None:
    """Tells what was loaded, and what it runs on."""
    run = trainer.run
    device = run.setup.device
    trainable = sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad)
    run.events.emit(
        "start",
        worldSize=run.setup.ranks.world_size,
        nodes=run.setup.ranks.nodes,
        device=device,
        gpu=torch.cuda.get_device_name() if device == "cuda" else None,
        parameters=run.parameters,
        trainableParameters=trainable,
        precision=run.setup.precision,
        attention=run.setup.attention,
        sharding=trainer.sharding(),
        resumedAt=resumed_at,
        totalSteps=run.job.totalSteps,
        versions=versions,
    )


def _examples(store: RowStore) -> Iterator[dict[str, list[int]]]:
    """The rows as TRL knows them; it looks at the first, and trains on the plan's."""
    for place in range(len(store)):
        ids, labels = store.read(place)
        yield {"input_ids": ids, "labels": labels}
