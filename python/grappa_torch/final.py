"""The student as it leaves: Hugging Face layout, the base's own config and tokenizer files beside the new weights."""

import gc
import json
import shutil
from pathlib import Path

import psutil
import torch
from transformers import AutoModelForCausalLM

from grappa_torch.base import TOKENIZER_FILES, stored_dtype
from grappa_torch.trainer import GrappaTrainer

# Below the 2 GiB that Hugging Face Jobs takes of a file (hf-jobs-bundle.ts): the student may be evaluated there.
SHARD_SIZE = "1900MB"
SHARD_BYTES = 1900 * 10**6


def save_student(trainer: GrappaTrainer, base: Path, out: Path) -> str:
    """Saves the student and returns its folder, seen from `out`: `final`, or `adapter` where a merge does not fit.

    A LoRA leaves its adapter in `adapter` (peft's layout) and the merged student in `final`. Every rank must call it:
    sharded weights are gathered.
    """
    is_full = trainer.run.job.method == "full"
    if is_full or trainer.accelerator.is_fsdp2:
        state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    else:
        # peft picks its own; a base in 4 bits is better not gathered.
        state = None
    if not trainer.is_world_process_zero():
        return "final"
    model = trainer.accelerator.unwrap_model(trainer.model_wrapped)
    if is_full:
        save_whole(model, state, base, out / "final")
        return "final"
    save_adapter(model, state, trainer.run.job.model, out / "adapter")
    del model, state
    return merge(trainer, base, out)


def save_whole(model: torch.nn.Module, state: dict[str, torch.Tensor], base: Path, folder: Path) -> None:
    """Weights in the base's type, and the base's config and tokenizer files; the folder appears whole."""
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    dtype = stored_dtype(base)
    # The cast makes two tensors of a shared one, and both would be saved.
    state = {name: value for name, value in state.items() if name not in model.all_tied_weights_keys}
    cast = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state.items()}
    model.save_pretrained(partial, state_dict=cast, max_shard_size=SHARD_SIZE)
    for name in TOKENIZER_FILES:
        if (base / name).is_file():
            shutil.copyfile(base / name, partial / name)
    _write_config(base, partial, dtype)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _write_config(base: Path, folder: Path, dtype: torch.dtype) -> None:
    """The base's config: what was set in it for the training alone (no cache, say) is not the student's."""
    text = (base / "config.json").read_text(encoding="utf-8")
    config = json.loads(text)
    name = str(dtype).removeprefix("torch.")
    key = "dtype" if "dtype" in config else "torch_dtype"
    if config.get(key, "float32") != name:
        text = json.dumps({**config, key: name}, indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")


def save_adapter(model: torch.nn.Module, state: dict | None, base_name: str, folder: Path) -> None:
    """The adapter in peft's layout, without the card and the paths of this machine that peft puts in."""
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, state_dict=state)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "base_model_name_or_path": base_name}, indent=2), encoding="utf-8")


def merge_bytes(parameters: int, stored: torch.dtype) -> int:
    """Memory of a merge: the whole in float32, all of it again in a narrower stored type, a shard on its way."""
    cast = 0 if stored == torch.float32 else parameters * stored.itemsize
    return parameters * 4 + cast + min(SHARD_BYTES, parameters * stored.itemsize)


def merge(trainer: GrappaTrainer, base: Path, out: Path) -> str:
    """Adds the adapter to the base in float32 on this machine's CPU and saves the whole.

    Skipped, with a warning, where the base does not fit into free memory.
    """
    from peft import PeftModel

    gc.collect()
    needed, free = merge_bytes(trainer.run.parameters, stored_dtype(base)), psutil.virtual_memory().available
    if needed > free:
        what = f"needs {needed / 1e9:.1f} GB of free memory where rank 0 runs, which has {free / 1e9:.1f} GB"
        trainer.run.events.emit(
            "warning",
            message=f"the adapter was not merged: that {what}; `adapter` holds it, and there is no `final`",
        )
        return "adapter"
    whole = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, use_safetensors=True)
    merged = PeftModel.from_pretrained(whole, out / "adapter").merge_and_unload()
    save_whole(merged, merged.state_dict(), base, out / "final")
    return "final"
