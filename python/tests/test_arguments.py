"""What TRL, transformers and accelerate are told, and what they make of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from train_jobs import random_rows, write_job
from transformers import Trainer, TrainingArguments

from grappa_torch.arguments import fsdp_config, sft_arguments
from grappa_torch.config import read_config
from grappa_torch.setup import Ranks, Setup

ALONE = Ranks(rank=0, world_size=1, local_rank=0, nodes=1)


def test_arguments_cut_nothing_and_shard_without_the_string(tmp_path: Path) -> None:
    job = read_config(write_job(tmp_path / "job", tmp_path, random_rows(5), batchSize=4))
    setup = Setup(ALONE, "cpu", "f32", "sdpa", "none")
    arguments = sft_arguments(job, setup, accumulation=2, longest=40_000, layers=["Layer"], output=tmp_path)
    assert arguments["max_length"] >= 40_000
    assert arguments["dataset_kwargs"] == {"skip_prepare_dataset": True}
    assert not arguments["packing"]
    assert not arguments["shuffle_dataset"]
    sharded = sft_arguments(
        job,
        replace(setup, sharding="fsdp2"),
        accumulation=2,
        longest=8,
        layers=["Layer"],
        output=tmp_path,
    )
    assert sharded["fsdp"] is True
    assert fsdp_config(["Layer"])["version"] == 2
    assert sharded["fsdp_config"]["transformer_layer_cls_to_wrap"] == ["Layer"]


@pytest.mark.parametrize(("sharding", "synced"), [("fsdp2", [True, True]), ("ddp", [False, True])])
def test_sharded_gradients_are_summed_after_each_micro_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharding: str, synced: list[bool]
) -> None:
    """Between two micro-batches transformers would keep the whole model's gradients on every rank."""
    setup = Setup(ALONE, "cpu", "f32", "sdpa", sharding)
    job = read_config(write_job(tmp_path / "job", tmp_path, random_rows(5), batchSize=4))
    arguments = sft_arguments(job, setup, accumulation=2, longest=8, layers=["Layer"], output=tmp_path)
    # The rest of FSDP2 needs GPUs.
    kept = {key: arguments[key] for key in ("accelerator_config", "gradient_accumulation_steps") if key in arguments}
    config = TrainingArguments(tmp_path, use_cpu=True, max_steps=1, per_device_train_batch_size=1, report_to=[], **kept)
    model = torch.nn.Linear(1, 1)
    trainer = Trainer(model, config, train_dataset=[{}, {}])
    is_whole = [True]
    found: list[bool] = []

    @contextmanager
    def no_sync(model: torch.nn.Module) -> Iterator[None]:
        is_whole[0] = False
        yield
        is_whole[0] = True

    def step(*_: object) -> torch.Tensor:
        found.append(is_whole[0])
        return torch.zeros(())

    monkeypatch.setattr(trainer.accelerator, "no_sync", no_sync)
    monkeypatch.setattr(trainer, "training_step", step)
    trainer.data_collator = lambda items: {"x": torch.zeros(len(items))}
    trainer.train()
    assert found == synced
