"""The student's files, without training one."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen2ForCausalLM

from grappa_torch import final


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
