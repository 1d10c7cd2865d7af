"""How many GPUs vLLM gives to a copy of a model: as few as hold it, and never a number that it refuses."""

import json
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch

import gpu_shares

GB = 10**9
QWEN_7B = {"num_attention_heads": 28, "num_key_value_heads": 4}
QWEN_32B = {"num_attention_heads": 40, "num_key_value_heads": 8}


@pytest.fixture(autouse=True)
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards of 80 GB: room for 48 GB of weights each."""
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=80 * GB))


def write_model(folder: Path, config: dict, size: int) -> str:
    """A model of so many bytes, none of which is written."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("model-1.safetensors", "model-2.safetensors"):
        with (folder / name).open("wb") as file:
            file.truncate(size // 2)
    return str(folder)


def flags(share: int, copies: int) -> list[str]:
    more = ["--data-parallel-size", str(copies)] if copies > 1 else []
    return ["--tensor-parallel-size", str(share), *more]


@pytest.mark.parametrize(
    ("config", "size", "count", "share"),
    [
        (QWEN_7B, 15 * GB, 8, 1),
        (QWEN_7B, 60 * GB, 8, 2),
        (QWEN_7B, 900 * GB, 8, 4),  # 28 heads cannot be dealt out to 8
        (QWEN_32B, 65 * GB, 8, 2),
        (QWEN_32B, 65 * GB, 3, 1),  # neither 40 heads to 3 nor 2 of 3 GPUs
        ({"num_attention_heads": 24, "num_key_value_heads": 8}, 900 * GB, 6, 2),  # 8 heads neither to 3 nor to 6
        ({"num_attention_heads": 24, "num_key_value_heads": 2}, 900 * GB, 6, 6),
        ({"text_config": QWEN_7B}, 900 * GB, 8, 4),
    ],
)
def test_as_few_gpus_as_hold_it(tmp_path: Path, config: dict, size: int, count: int, share: int) -> None:
    model = write_model(tmp_path / "model", config, size)
    assert gpu_shares.parallel_flags(None, count, model, None) == flags(share, count // share)


def test_what_the_job_names_is_taken() -> None:
    assert gpu_shares.parallel_flags(4, 8, "no/model", None) == flags(4, 2)
    assert gpu_shares.parallel_flags(16, 8, "no/model", None) == flags(8, 1)
    assert gpu_shares.parallel_flags(None, 1, "no/model", None) == []


def test_a_model_of_the_hub_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its config is fetched, its size asked for: the weights need not be here."""
    folder = Path(write_model(tmp_path / "snapshot", QWEN_7B, 0))
    asked = []

    def download(model: str, name: str, revision: str | None) -> str:
        asked.append((model, name, revision))
        return str(folder / name)

    def info(_: object, model: str, revision: str | None, files_metadata: bool) -> SimpleNamespace:
        asked.append((model, files_metadata, revision))
        sizes = {"model-1.safetensors": 30 * GB, "model-2.safetensors": 30 * GB, "original.bin": 900 * GB}
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name, size=sizes[name]) for name in sizes])

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", info)
    assert gpu_shares.parallel_flags(None, 8, "Qwen/Qwen2.5-7B", "abc") == flags(2, 4)
    assert asked == [("Qwen/Qwen2.5-7B", "config.json", "abc"), ("Qwen/Qwen2.5-7B", True, "abc")]


def test_without_a_network_the_cache_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = tmp_path / "models--Qwen--Qwen2.5-7B"
    commit = "0123456789" * 4
    write_model(cached / "snapshots" / commit, QWEN_7B, 15 * GB)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert gpu_shares.parallel_flags(None, 8, "Qwen/Qwen2.5-7B", None) == flags(1, 8)
    assert gpu_shares.facts_of("Qwen/another", None) == ({}, 0)
