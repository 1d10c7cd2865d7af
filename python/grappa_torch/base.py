"""The base model: found, fetched if it is on the hub, opened."""

import json
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from grappa_torch.config import TrainingJob
from grappa_torch.setup import Setup

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "generation_config.json",
)


def load_base(base: Path, job: TrainingJob, setup: Setup) -> PreTrainedModel:
    """The model to train, on the CPU (QLoRA: in 4 bits on this rank's GPU).

    A full fine-tune keeps its weights in float32, whatever it computes in: s1's rate of 1e-5 moves most weights by less
    than bf16 can tell. The frozen base of a LoRA stands in the type that is computed in.
    """
    options: dict = {"attn_implementation": setup.attention, "use_safetensors": True, "trust_remote_code": False}
    options["dtype"] = torch.float32 if job.method == "full" or setup.precision == "f32" else torch.bfloat16
    if job.method == "qlora":
        from transformers import BitsAndBytesConfig

        options["device_map"] = {"": setup.ranks.local_rank}
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    model = AutoModelForCausalLM.from_pretrained(base, **options)
    # Else PyTorch never trains the input embedding of the pad token, which in our rows is a token like others.
    model.get_input_embeddings().padding_idx = None
    return model


def layer_classes(base: Path) -> list[str]:
    """Class names of the layers that a base says must not be split; else of its longest list of modules."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))
    named = sorted(getattr(model, "_no_split_modules", None) or [])
    present = {type(module).__name__ for module in model.modules()}
    found = [name for name in named if name in present]
    if found:
        return found
    lists = [module for module in model.modules() if isinstance(module, torch.nn.ModuleList) and len(module) > 0]
    return [type(max(lists, key=len)[0]).__name__]


def stored_dtype(base: Path) -> torch.dtype:
    """The type that the student is saved in: float32 where the base is, else bf16."""
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    name = config.get("dtype") or config.get("torch_dtype") or "float32"
    return torch.float32 if name == "float32" else torch.bfloat16
