"""Training by hand: row after row through the plain model, each rule written out. What the trainer must agree with."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, PreTrainedModel


@dataclass
class Reference:
    """Loss and gradient norm of each step, and the weights after the last."""

    losses: list[float]
    norms: list[float]
    weights: dict[str, torch.Tensor]


def train_by_hand(config_path: Path) -> Reference:
    """Full fine-tune of a job in float32, without batches, padding, chunks or ranks."""
    torch.set_num_threads(1)
    job = json.loads(config_path.read_text())
    rows = read_lines(config_path.parent / job["examples"])
    order = [line["examples"] for line in read_lines(config_path.parent / job["order"])]
    model = AutoModelForCausalLM.from_pretrained(config_path.parent / job["model"], dtype=torch.float32)
    model.get_input_embeddings().padding_idx = None
    optimizer = optimizer_of(model, job)
    losses, norms, step = [], [], 0
    for places in order:
        for at in range(0, len(places), job["batchSize"]):
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = rate(job, step)
            loss = batch_loss(
                model, [rows[place] for place in places[at : at + job["batchSize"]]], job["lossReduction"]
            )
            optimizer.zero_grad()
            loss.backward()
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), job["maxGradientNorm"]).item())
            optimizer.step()
            losses.append(loss.item())
    return Reference(losses, norms, model.state_dict())


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rate(job: dict, step: int) -> float:
    """Linear from 0, then a cosine to 0; the first step has rate 0 where there is a warm-up."""
    index, warmup = step - 1, job["warmupSteps"]
    if index < warmup:
        return job["learningRate"] * index / warmup
    progress = (index - warmup) / max(1, job["totalSteps"] - warmup)
    return job["learningRate"] * 0.5 * (1 + math.cos(math.pi * progress))


def optimizer_of(model: PreTrainedModel, job: dict) -> torch.optim.AdamW:
    """Decay on matrices, none on norms and biases."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": job["weightDecay"]}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(job["beta1"], job["beta2"]), eps=job["epsilon"])


def batch_loss(model: PreTrainedModel, rows: list[dict], reduction: str) -> torch.Tensor:
    """Mean over the batch's trained tokens, or mean of the rows' means."""
    sums, counts = [], []
    for row in rows:
        logits = model(torch.tensor([row["inputIds"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        sums.append(functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum"))
        counts.append(int((labels >= 0).sum()))
    if reduction == "token":
        return sum(sums) / sum(counts)
    return sum(total / count for total, count in zip(sums, counts, strict=True)) / len(rows)
