"""The loss of a micro-batch: one number a trained token, weighed outside of the model.

B rows, T tokens of the longest, H hidden size, V rows of the vocabulary, N trained tokens of the micro-batch.

The head is computed for trained tokens alone, in chunks that are computed again in the backward pass, so that V x T
logits never stand in memory (the idea of TRL's `chunked_nll`, which knows no weights and hence no mean of means). The
weights stay outside since FSDP2 would cast them to bf16 on their way into the model.
"""

import types

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

# Logits of one chunk in float32: half a gigabyte.
CHUNK_LOGITS = 1 << 27
# Models whose logits are the head's output and nothing else.
PLAIN_HEADS = {
    "llama",
    "mistral",
    "mixtral",
    "olmo2",
    "phi3",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "smollm3",
}


def learn_tokens(model: torch.nn.Module, compute_dtype: torch.dtype) -> None:
    """Teaches a causal language model to return the losses of single tokens.

    After it, `model(input_ids=(B, T), learnt=(N,), targets=(N,))` returns (N,) nats in float32: `learnt` are places in
    the B x T hidden states, `targets` the ids to learn there. Any other call is the model's own.

    Args:
        model: a causal language model of transformers; changed in place.
        compute_dtype: of the head's matrix product.
    """
    head = model.get_output_embeddings()
    own_forward = model.forward
    is_plain = model.config.model_type in PLAIN_HEADS and isinstance(head, torch.nn.Linear)
    if is_plain:
        # Called as a module, so that sharding gathers its weight before and frees it after.
        own_head = head.forward

        def head_forward(
            self: torch.nn.Linear, hidden: torch.Tensor, targets: torch.Tensor | None = None
        ) -> torch.Tensor:
            if targets is None:
                return own_head(hidden)
            return chunked_nll(hidden.to(compute_dtype), self.weight.to(compute_dtype), self.bias, targets)

        head.forward = types.MethodType(head_forward, head)

    def forward(
        self: torch.nn.Module,
        *args: object,
        learnt: torch.Tensor | None = None,
        targets: torch.Tensor | None = None,
        **kwargs: object,
    ) -> object:
        if learnt is None:
            return own_forward(*args, **kwargs)
        kwargs = {name: value for name, value in kwargs.items() if value is not None and name != "return_dict"}
        if not is_plain:
            logits = own_forward(*args, **kwargs, use_cache=False).logits
            return functional.cross_entropy(logits.flatten(0, 1)[learnt].float(), targets, reduction="none")
        hidden = self.base_model(*args, **kwargs, use_cache=False).last_hidden_state
        return head(hidden.flatten(0, 1)[learnt], targets)

    model.forward = types.MethodType(forward, model)


def chunked_nll(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor
) -> torch.Tensor:
    """Negative log likelihoods (N,) of `targets` after `hidden` (N, H), by a head of `weight` (V, H)."""
    size = max(1, CHUNK_LOGITS // weight.shape[0])
    chunks = [
        checkpoint(_nll, part, weight, bias, wanted, use_reentrant=False)
        for part, wanted in zip(hidden.split(size), targets.split(size), strict=True)
    ]
    return torch.cat(chunks)


def _nll(hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, targets: torch.Tensor) -> torch.Tensor:
    logits = (hidden @ weight.t()).float()
    if bias is not None:
        logits = logits + bias.float()
    return functional.cross_entropy(logits, targets, reduction="none")
