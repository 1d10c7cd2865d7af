"""The student's files, without training one."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.serialization._base import parse_size_to_int
from safetensors.torch import load_file
from train_jobs import PYTHON_FOLDER
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from grappa_torch import final

BUNDLE = PYTHON_FOLDER.parent / "src" / "adapters" / "launchers" / "hf-jobs-bundle.ts"


def tiny_model(folder: Path, *, is_tied: bool) -> Qwen2ForCausalLM:
    """A base in bf16 in `folder`, and the same in float32, as the trainer holds it."""
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
    config = Qwen2Config(vocab_size=64, hidden_size=16, intermediate_size=32, tie_word_embeddings=is_tied, **sizes)
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.mark.parametrize("is_tied", [True, False])
def test_a_head_that_is_the_embedding_is_saved_once(tmp_path: Path, is_tied: bool) -> None:
    model = tiny_model(tmp_path / "base", is_tied=is_tied)
    final.save_whole(model, model.state_dict(), tmp_path / "base", tmp_path / "final")
    saved = load_file(tmp_path / "final" / "model.safetensors")
    assert saved["model.embed_tokens.weight"].dtype == torch.bfloat16
    assert ("lm_head.weight" in saved) is not is_tied
    opened = AutoModelForCausalLM.from_pretrained(tmp_path / "final", dtype=torch.float32)
    for name, value in model.state_dict().items():
        torch.testing.assert_close(opened.state_dict()[name], value, rtol=0, atol=0)


def test_files_of_a_student_fit_where_it_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hugging Face Jobs takes no file of a job above a limit; transformers alone makes one of 50 GB."""
    (limit,) = re.findall(r"MAX_FILE_BYTES = (\d+) \* 1024 \*\* (\d+) - 1;", BUNDLE.read_text())
    header = 1_000_000
    assert parse_size_to_int(final.SHARD_SIZE) + header < int(limit[0]) * 1024 ** int(limit[1])
    monkeypatch.setattr(final, "SHARD_SIZE", "4KB")
    model = tiny_model(tmp_path / "base", is_tied=False)
    final.save_whole(model, model.state_dict(), tmp_path / "base", tmp_path / "final")
    index = json.loads((tmp_path / "final" / "model.safetensors.index.json").read_text())
    shards = set(index["weight_map"].values())
    assert len(shards) > 1
    assert {path.name for path in (tmp_path / "final").glob("*.safetensors")} == shards
    tensors = {name for shard in shards for name in load_file(tmp_path / "final" / shard)}
    assert tensors == set(model.state_dict())


def test_an_adapter_that_cannot_be_merged_says_what_memory_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 7B in bf16: 4 bytes a parameter, 2 for what is saved, and a shard."""
    assert parse_size_to_int(final.SHARD_SIZE) == final.SHARD_BYTES
    assert final.merge_bytes(1000, torch.float32) == 8000
    tiny_model(tmp_path / "base", is_tied=False)
    told = []
    events = SimpleNamespace(emit=lambda kind, message: told.append((kind, message)))
    trainer = SimpleNamespace(run=SimpleNamespace(parameters=7_600_000_000, events=events))
    monkeypatch.setattr(final.psutil, "virtual_memory", lambda: SimpleNamespace(available=40 * 10**9))
    assert final.merge(trainer, tmp_path / "base", tmp_path / "out") == "adapter"
    ((kind, message),) = told
    assert kind == "warning"
    assert "needs 47.5 GB of free memory" in message
    assert "has 40.0 GB" in message
