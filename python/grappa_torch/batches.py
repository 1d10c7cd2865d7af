"""Micro-batches as tensors, in the plan's order. The loader neither shuffles nor deals out: the plan has done both."""

from collections.abc import Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from grappa_torch.plan import MicroBatch, StepPlan
from grappa_torch.rows import Row, RowStore

# What a rank without a row computes, so that all take part in each exchange: two tokens that weigh nothing.
FILLER_TOKENS = 2


class MicroBatches(Dataset):
    """All micro-batches of one rank over the whole training: item `(step - 1) * accumulation + place`."""

    def __init__(self, store: RowStore, plan: StepPlan, rank: int) -> None:
        """Of `rank`; nothing is read before it is asked for."""
        self.store = store
        self.plan = plan
        self.rank = rank

    def __len__(self) -> int:
        """Micro-batches."""
        return self.plan.total_steps * self.plan.accumulation

    def __getitem__(self, item: int) -> dict[str, torch.Tensor]:
        """Tensors of one micro-batch; see `collate`."""
        step, place = divmod(item, self.plan.accumulation)
        return self.tensors(self.plan.micro_batches(step + 1, self.rank)[place])

    def tensors(self, batch: MicroBatch) -> dict[str, torch.Tensor]:
        """As an item, of any micro-batch."""
        if not batch.rows:
            ids, _ = self.store.read(0)
            ids = ids[:FILLER_TOKENS]
            return collate([(ids, [-100, ids[-1]])], [0.0], is_packed=self.plan.pack_tokens is not None)
        rows = [self.store.read(row) for row in batch.rows]
        return collate(rows, batch.weights, is_packed=self.plan.pack_tokens is not None)


def collate(rows: Sequence[Row], weights: Sequence[float], *, is_packed: bool) -> dict[str, torch.Tensor]:
    """Rows beside each other, padded at the right, or laid end to end in one row with positions that start anew.

    There is no attention mask: attention is causal, so no token sees the padding after its row, and the padding learns
    nothing.

    Returns:
        input_ids (B, T); learnt (N,) places in B x T that learn something; targets (N,) what; weights (N,) how much;
        and position_ids (1, T) when packed.
    """
    width = max(len(ids) for ids, _ in rows)
    learnt: list[int] = []
    targets: list[int] = []
    weighed: list[float] = []
    flat: list[int] = []
    positions: list[int] = []
    for (ids, labels), weight in zip(rows, weights, strict=True):
        start = len(flat)
        for at, label in enumerate(labels[1:]):
            if label >= 0:
                learnt.append(start + at)
                targets.append(label)
                weighed.append(weight)
        flat.extend(ids)
        positions.extend(range(len(ids)))
        if not is_packed:
            flat.extend([0] * (width - len(ids)))
    tensors = {
        "input_ids": torch.tensor(flat).view(1 if is_packed else len(rows), -1),
        "learnt": torch.tensor(learnt),
        "targets": torch.tensor(targets),
        "weights": torch.tensor(weighed, dtype=torch.float32),
    }
    return {**tensors, "position_ids": torch.tensor([positions])} if is_packed else tensors


def loader_of(batches: MicroBatches, *, workers: int, pins_memory: bool) -> DataLoader:
    """A loader of one micro-batch an item, whose first ones can be skipped by accelerate when a training goes on."""
    return DataLoader(
        batches,
        batch_sampler=[[item] for item in range(len(batches))],
        collate_fn=_only,
        num_workers=workers,
        pin_memory=pins_memory,
    )


def _only(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    return items[0]
