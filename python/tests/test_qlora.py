"""QLoRA without its GPU: what becomes of the adapters of a base that says it is in 4 bits."""

import time
from pathlib import Path

import pytest
import torch
from train_jobs import random_rows, write_job
from transformers import PreTrainedModel

from grappa_torch import assemble
from grappa_torch.base import load_base
from grappa_torch.config import read_config
from grappa_torch.events import EventLog
from grappa_torch.guards import check_inputs
from grappa_torch.setup import Ranks, Setup


def test_adapters_and_moments_stand_in_float32(
    tmp_path: Path, tiny_student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TRL makes them bf16 where the base is quantised."""

    def load_marked(*of: object) -> PreTrainedModel:
        model = load_base(*of).to(torch.bfloat16)
        model.is_loaded_in_4bit = True
        model.num_parameters = lambda: 1  # transformers' asks bitsandbytes
        return model

    monkeypatch.setattr(assemble, "load_base", load_marked)
    job = read_config(write_job(tmp_path / "job", tiny_student, random_rows(4), batchSize=4, method="lora"))
    setup = Setup(Ranks(0, 1, 0, 1), "cpu", "f32", "sdpa", "none")
    events = EventLog(tmp_path, True, time.time())
    trainer = assemble.assemble(job, check_inputs(job), setup, tiny_student, events, lambda: False)
    trainable = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    assert trainable
    assert {parameter.dtype for parameter in trainable} == {torch.float32}
    frozen = {parameter.dtype for parameter in trainer.model.parameters() if not parameter.requires_grad}
    assert frozen == {torch.bfloat16}
    for parameter in trainable:
        parameter.grad = torch.ones_like(parameter)
    trainer.create_optimizer().step()
    moments = {state["exp_avg"].dtype for state in trainer.optimizer.state.values()}
    assert moments == {torch.float32}
