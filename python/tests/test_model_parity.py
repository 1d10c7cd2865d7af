"""transformers opens our folders, computes our logits and decodes our tokens; and we open what it saves.

T tokens of a prompt, V rows of the vocabulary.
"""

from pathlib import Path

import pytest
import torch
from conftest import ask_node
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

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


LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LINEAR = {"rope_type": "linear", "rope_theta": 1e4, "factor": 3.0}
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 128}
PLAIN = {"rope_type": "default", "rope_theta": 1e6}
# Class, rotary positions, whether head and embedding are one, and the width of a head.
FAMILIES = {
    "qwen2-tied": (Qwen2Config, PLAIN, True, {}),
    "qwen2-linear": (Qwen2Config, LINEAR, False, {}),
    "qwen2-yarn": (Qwen2Config, YARN, True, {}),
    "qwen3": (Qwen3Config, PLAIN, False, {"head_dim": 24}),
    "qwen3-tied": (Qwen3Config, PLAIN, True, {"head_dim": 128}),
    "llama": (LlamaConfig, LLAMA3, False, {}),
    "llama-tied": (LlamaConfig, LINEAR, True, {"head_dim": 32}),
}


def random_model(family: str) -> PreTrainedModel:
    """A small random model whose biases, norms and logits are far from trivial."""
    kind, rope, is_tied, options = FAMILIES[family]
    config: PreTrainedConfig = kind(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=112,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=is_tied,
        rope_parameters=dict(rope),
        **options,
    )
    generator = torch.Generator().manual_seed(len(family))
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.2 * noise if "norm" in name else 0.12 * noise)
    return model


@pytest.mark.parametrize("shard", [None, "40KB"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_families(tiny_student: Path, tmp_path: Path, family: str, dtype: torch.dtype, shard: str | None) -> None:
    """Small random models of every family as `save_pretrained` writes them, also in shards and in bf16."""
    random_model(family).to(dtype).save_pretrained(tmp_path, **({} if shard is None else {"max_shard_size": shard}))
    assert (tmp_path / "model.safetensors.index.json").exists() == (shard is not None)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(tmp_path)
    prompts = encode_prompts(tiny_student)
    answer = ask_node("node_logits.mjs", {"folder": str(tmp_path), "prompts": prompts, "newTokens": 8})
    assert_same_model(open_model(tmp_path), answer, prompts, len(AutoTokenizer.from_pretrained(tmp_path)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_transformers_opens_what_we_write(tiny_student: Path, tmp_path: Path, family: str, dtype: torch.dtype) -> None:
    """A folder that we read and wrote again is the same model to transformers, weights, positions and value type."""
    before, after = tmp_path / "before", tmp_path / "after"
    random_model(family).to(dtype).save_pretrained(before)
    AutoTokenizer.from_pretrained(tiny_student).save_pretrained(before)
    ask_node("node_copy_student.mjs", {"from": str(before), "to": str(after)})
    first, second = open_model(before), open_model(after)
    assert AutoConfig.from_pretrained(after).dtype == dtype
    for name, value in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], value), name
    ids = torch.arange(3, 200)[None]
    assert torch.equal(first(ids).logits, second(ids).logits)
