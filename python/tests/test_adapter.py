"""peft opens our adapters beside their base, and agrees with the weights that we merged."""

import json
from pathlib import Path

import pytest
import torch
from conftest import ask_node
from test_model_parity import FAMILIES, open_model, random_model
from transformers import AutoTokenizer

peft = pytest.importorskip("peft")


@pytest.mark.parametrize("family", FAMILIES)
def test_peft_opens_our_adapter(tiny_student: Path, tmp_path: Path, family: str) -> None:
    base, student = tmp_path / "base", tmp_path / "student"
    random_model(family).save_pretrained(base)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(base)
    answer = ask_node("node_adapter.mjs", {"base": str(base), "to": str(student), "rank": 4, "alpha": 12})

    adapted = peft.PeftModel.from_pretrained(open_model(base), student / "adapter").eval()
    trained = {name.replace(".default.", ".") for name, _ in adapted.named_parameters() if "lora_" in name}
    assert trained == set(answer["names"])
    ids = torch.arange(5, 90)[None]
    with torch.no_grad():
        before = open_model(base)(ids).logits
        wanted = adapted(ids).logits
        merged = open_model(student)(ids).logits
    # The adapters change the model far beyond the tolerance, which is f32's own.
    assert (wanted - before).abs().max() > 0.1
    torch.testing.assert_close(merged, wanted, rtol=0, atol=1e-4)
    for name, value in adapted.merge_and_unload().state_dict().items():
        torch.testing.assert_close(open_model(student).state_dict()[name], value, rtol=0, atol=1e-6)


def test_our_configuration_is_peft_s_own(tiny_student: Path, tmp_path: Path) -> None:
    """Every field that we write is one that peft knows, with the value that it would write for these adapters."""
    ask_node("node_adapter.mjs", {"base": str(tiny_student), "to": str(tmp_path), "rank": 4, "alpha": 12})
    ours = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    config = peft.LoraConfig(r=4, lora_alpha=12, target_modules=ours["target_modules"], task_type="CAUSAL_LM")
    theirs = config.to_dict() | {"base_model_name_or_path": "base", "inference_mode": True}
    for name, value in ours.items():
        wanted = theirs[name]
        assert value == (sorted(wanted) if isinstance(wanted, set) else getattr(wanted, "value", wanted)), name
