"""How vLLM spreads a model over the GPUs of this machine."""

import json
from pathlib import Path
from typing import Any

# Of a GPU's memory; the rest is for the cache of keys and values.
WEIGHTS_SHARE = 0.6
WEIGHTS = "*.safetensors"


def parallel_flags(wanted: int | None, gpus: int, model: str, revision: str | None) -> list[str]:
    """VLLM's flags: as few GPUs to a copy as hold its weights, and as many copies as that leaves.

    Args:
        wanted: GPUs to a copy, where the job says so.
        gpus: of this machine.
        model: a folder, or a name on the hub.
        revision: of a model on the hub.
    """
    if gpus < 2:
        return []
    share = min(wanted, gpus) if wanted is not None else _smallest_share(gpus, model, revision)
    copies = gpus // share
    return ["--tensor-parallel-size", str(share), *(["--data-parallel-size", str(copies)] if copies > 1 else [])]


def _smallest_share(gpus: int, model: str, revision: str | None) -> int:
    import torch

    config, size = facts_of(model, revision)
    room = WEIGHTS_SHARE * torch.cuda.get_device_properties(0).total_memory
    shares = possible_shares(gpus, config)
    # The largest where none is enough, or nobody knows the size: vLLM says what it lacks.
    return next((share for share in shares if 0 < size <= share * room), shares[-1])


def possible_shares(gpus: int, config: dict[str, Any]) -> list[int]:
    """GPUs to a copy that leave none idle and that vLLM takes: heads are dealt out evenly, or repeated evenly."""
    text = config.get("text_config", config)
    heads = text.get("num_attention_heads") or gpus
    kv_heads = text.get("num_key_value_heads") or heads
    fits = [share for share in range(1, gpus + 1) if gpus % share == 0 and heads % share == 0]
    return [share for share in fits if kv_heads % share == 0 or share % kv_heads == 0]


def facts_of(model: str, revision: str | None) -> tuple[dict[str, Any], int]:
    """Config and bytes of the weights; ({}, 0) of what is not to be had, which vLLM will say in its own words."""
    folder = Path(model)
    try:
        if folder.is_dir():
            return _config_of(folder), _size_of(folder)
        from huggingface_hub import HfApi, hf_hub_download

        folder = Path(hf_hub_download(model, "config.json", revision=revision)).parent
        try:
            files = HfApi().model_info(model, revision=revision, files_metadata=True).siblings or []
            size = sum(file.size or 0 for file in files if Path(file.rfilename).match(WEIGHTS))
        except OSError:  # offline: what the cache has
            size = _size_of(folder)
        return _config_of(folder), size
    except (OSError, ValueError):
        return {}, 0


def _config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def _size_of(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob(WEIGHTS))
