"""The yardstick of `npm run bench:engine`: training steps of a student's shape in PyTorch on the CPU, in f32.

Its argument is a JSON object with the shape, the batch and the number of threads. It prints one line about itself, then
runs one step for each line on standard input and prints how many milliseconds it took. Eager PyTorch with what it has
for speed: fused projections, scaled_dot_product_attention, fused AdamW. Sequences of different lengths are padded on
the right to the longest, as trainers collate them; behind a causal mask that changes no other position.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class Layer(nn.Module):
    """One Qwen2 block; q, k, v and gate, up are one projection each, as in the engine."""

    def __init__(self, shape: dict) -> None:
        """Fresh weights."""
        super().__init__()
        hidden, self.size = shape["hiddenSize"], shape["headSize"]
        self.heads, self.kv_heads = shape["heads"], shape["kvHeads"]
        self.input_norm = nn.RMSNorm(hidden, eps=1e-6)
        self.qkv = nn.Linear(hidden, (self.heads + 2 * self.kv_heads) * self.size)
        self.output = nn.Linear(self.heads * self.size, hidden, bias=False)
        self.post_norm = nn.RMSNorm(hidden, eps=1e-6)
        self.gate_up = nn.Linear(hidden, 2 * shape["intermediateSize"], bias=False)
        self.down = nn.Linear(shape["intermediateSize"], hidden, bias=False)

    def forward(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """The residual stream behind the block."""
        rows, length, _ = x.shape
        qkv = self.qkv(self.input_norm(x)).view(rows, length, -1, self.size).transpose(1, 2)
        turned, value = qkv.split([self.heads + self.kv_heads, self.kv_heads], dim=1)
        first, second = turned.chunk(2, dim=-1)
        turned = turned * cos + torch.cat((-second, first), dim=-1) * sin
        query, key = turned.split([self.heads, self.kv_heads], dim=1)
        out = functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, enable_gqa=self.heads != self.kv_heads
        )
        x = x + self.output(out.transpose(1, 2).reshape(rows, length, -1))
        gate, up = self.gate_up(self.post_norm(x)).chunk(2, dim=-1)
        return x + self.down(functional.silu(gate) * up)


class Student(nn.Module):
    """A Qwen2-shaped decoder."""

    def __init__(self, shape: dict) -> None:
        """Fresh weights."""
        super().__init__()
        self.embedding = nn.Embedding(shape["vocabularySize"], shape["hiddenSize"])
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape["layers"]))
        self.norm = nn.RMSNorm(shape["hiddenSize"], eps=1e-6)
        self.head = nn.Linear(shape["hiddenSize"], shape["vocabularySize"], bias=False)
        if shape["isTied"]:
            self.head.weight = self.embedding.weight
        steps = torch.arange(0, shape["headSize"], 2) / shape["headSize"]
        angles = torch.outer(torch.arange(1024), shape["ropeTheta"] ** -steps).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits of every position."""
        x = self.embedding(ids)
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.head(self.norm(x))


def main() -> None:
    """Answers each line with the milliseconds of one training step."""
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    torch.manual_seed(0)
    model = Student(asked["shape"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    rows = [torch.tensor(row) for row in asked["ids"]]
    inputs = nn.utils.rnn.pad_sequence([row[:-1] for row in rows], batch_first=True)
    targets = nn.utils.rnn.pad_sequence([row[1:] for row in rows], batch_first=True, padding_value=-100).reshape(-1)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(json.dumps({"torch": torch.__version__, "parameters": parameters}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(inputs).flatten(0, 1), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print((time.perf_counter() - start) * 1000, flush=True)


main()
