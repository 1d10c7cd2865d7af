"""transformers opens our folders, computes our logits and decodes our tokens; and we open what it saves.

T tokens of a prompt, V rows of the vocabulary.
"""

from pathlib import Path

import pytest
import torch
from conftest import ask_node
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

# Different summation orders in float32; the acceptance line of the issue.
TOLERANCE = 1e-4
# Two tokens as close as this may change places.
NEAR_TIE = 1e-3
NEW_TOKENS = 48
PROMPTS = [
    "<|im_start|>user\n62 a+36 b+27 c*5<|im_end|>\n<|im_start|>assistant\n<|im_start|>think",
    "<|im_start|>user\nn=62;a:n+=36;b:n*=5;c:if(n%2)n-=7;puts(n)<|im_end|>\n<|im_start|>assistant\n<|im_start|>answer",
    "<|im_start|>user\ncare<|im_end|>\n<|im_start|>assistant\n<|im_start|>think\na+36 62+36:2+6+0=08,6+3+0=09",
    "<|im_start|>",
]


def open_model(folder: Path) -> PreTrainedModel:
    """The model in float32; refuses missing or unknown tensors."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert not info["mismatched_keys"]
    return model.eval()


def encode_prompts(folder: Path) -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in PROMPTS]


@torch.no_grad()
def assert_same_model(model: PreTrainedModel, answer: dict, prompts: list[list[int]], choosable: int) -> None:
    """Compares logits (T, V) at every position of every prompt, and greedy tokens along our own sequence."""
    for prompt, ours, generated in zip(prompts, answer["logits"], answer["generated"], strict=True):
        logits = model(torch.tensor([prompt])).logits[0]
        torch.testing.assert_close(torch.tensor(ours), logits, rtol=0, atol=TOLERANCE)
        # Our tokens are fed to both sides, so one near tie does not spoil the rest.
        after = model(torch.tensor([prompt + generated])).logits[0, len(prompt) - 1 : -1, :choosable]
        best = after.max(dim=-1).values
        chosen = after.gather(1, torch.tensor(generated)[:, None])[:, 0]
        assert (best - chosen < NEAR_TIE).all(), (best - chosen).tolist()


def test_logits_and_greedy_tokens(model_folder: Path) -> None:
    prompts = encode_prompts(model_folder)
    answer = ask_node("node_logits.mjs", {"folder": str(model_folder), "prompts": prompts, "newTokens": NEW_TOKENS})
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    assert_same_model(open_model(model_folder), answer, prompts, len(tokenizer))


def test_weights_are_as_safetensors_reads_them(model_folder: Path) -> None:
    state = open_model(model_folder).state_dict()
    tensors = load_file(model_folder / "model.safetensors")
    assert tensors
    for name, value in tensors.items():
        assert value.dtype == torch.float32
        assert torch.equal(state[name], value), name


def test_configuration(model_folder: Path) -> None:
    model = open_model(model_folder)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    assert model.config.vocab_size >= len(tokenizer)
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert model.config.max_position_embeddings >= tokenizer.model_max_length
    generation = GenerationConfig.from_pretrained(model_folder)
    assert generation.eos_token_id == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert not generation.do_sample


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_we_open_what_transformers_saves(tiny_student: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    """Weights, config, tokenizer and template saved by transformers itself, also in half precision."""
    open_model(tiny_student).to(dtype).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(tmp_path)
    prompts = encode_prompts(tiny_student)
    answer = ask_node("node_logits.mjs", {"folder": str(tmp_path), "prompts": prompts, "newTokens": 8})
    assert_same_model(open_model(tmp_path), answer, prompts, len(AutoTokenizer.from_pretrained(tmp_path)))
