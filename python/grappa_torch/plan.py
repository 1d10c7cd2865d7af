"""Which rows a step takes, what each weighs in its loss, and which rank computes which of them together.

The batch of a step is Grappa's (src/train/batches.ts): never padded with repeats, the last one of an epoch short. How
the rows of one step are dealt out changes no sum, so it is free to save time: rows of like length go together.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MicroBatch:
    """Rows that one rank computes together, and what one trained token of each weighs. No rows: a rank without work."""

    rows: tuple[int, ...]
    weights: tuple[float, ...]


NOTHING = MicroBatch((), ())


class StepPlan:
    """The whole training as steps of micro-batches. Pure: all ranks compute the same plan."""

    def __init__(
        self,
        *,
        order: Sequence[Sequence[int]],
        lengths: Sequence[int],
        trained: Sequence[int],
        batch_size: int,
        micro_batch: int,
        world_size: int,
        reduction: str,
        pack_tokens: int | None = None,
    ) -> None:
        """Plans all steps.

        Args:
            order: places of the rows, epoch by epoch.
            lengths: tokens of each row.
            trained: of these, with a label after the first.
            batch_size: rows of a step over all ranks.
            micro_batch: rows that go through a rank together.
            world_size: ranks.
            reduction: token (mean over the step's trained tokens) or example (mean of the rows' means).
            pack_tokens: rows are laid end to end up to so many tokens; None: each stands alone.
        """
        self.order = order
        self.lengths = lengths
        self.trained = trained
        self.batch_size = batch_size
        self.micro_batch = micro_batch
        self.world_size = world_size
        self.reduction = reduction
        self.pack_tokens = pack_tokens
        self.steps_per_epoch = -(-len(order[0]) // batch_size)
        self.total_steps = self.steps_per_epoch * len(order)
        self.accumulation = self._accumulation()
        self._latest: tuple[int, list[list[Sequence[int]]]] = (0, [])

    def rows(self, step: int) -> Sequence[int]:
        """Places of the rows of optimizer step `step`, from 1."""
        start = (step - 1) % self.steps_per_epoch * self.batch_size
        return self.order[(step - 1) // self.steps_per_epoch][start : start + self.batch_size]

    def tokens(self, step: int) -> int:
        """Tokens of a step's rows, without padding."""
        return sum(self.lengths[row] for row in self.rows(step))

    def trained_tokens(self, step: int) -> int:
        """Trained tokens of a step's rows."""
        return sum(self.trained[row] for row in self.rows(step))

    def micro_batches(self, step: int, rank: int) -> list[MicroBatch]:
        """What `rank` computes in `step`: always `accumulation` micro-batches, some perhaps empty."""
        batch = self.rows(step)
        total = self.trained_tokens(step)
        found = []
        for place, group in enumerate(self._groups(step)):
            # Every other group is dealt backwards, so that no rank always has the longest rows.
            rows = group[rank if place % 2 == 0 else self.world_size - 1 - rank]
            weights = tuple(
                1 / total if self.reduction == "token" else 1 / (len(batch) * self.trained[row]) for row in rows
            )
            found.append(MicroBatch(tuple(rows), weights) if rows else NOTHING)
        return found + [NOTHING] * (self.accumulation - len(found))

    def _accumulation(self) -> int:
        if self.pack_tokens is None:
            largest = min(self.batch_size, len(self.order[0]))
            return -(-largest // (self.world_size * self.micro_batch))
        return max(len(self._groups_of_step(step)) for step in range(1, self.total_steps + 1))

    def _groups(self, step: int) -> list[list[Sequence[int]]]:
        """As below; the latest is kept, for a loader asks for one micro-batch after another."""
        if self._latest[0] != step:
            self._latest = (step, self._groups_of_step(step))
        return self._latest[1]

    def _groups_of_step(self, step: int) -> list[list[Sequence[int]]]:
        """For each micro-step, for each rank, its rows."""
        rows = sorted(self.rows(step), key=lambda row: -self.lengths[row])
        if self.pack_tokens is not None:
            packs = self._packs(rows, self.pack_tokens)
            return [
                [packs[at + rank] if at + rank < len(packs) else () for rank in range(self.world_size)]
                for at in range(0, len(packs), self.world_size)
            ]
        wide = self.world_size * self.micro_batch
        return [self._deal(rows[at : at + wide]) for at in range(0, len(rows), wide)]

    def _deal(self, rows: Sequence[int]) -> list[Sequence[int]]:
        share = [len(rows) * rank // self.world_size for rank in range(self.world_size + 1)]
        return [rows[share[rank] : share[rank + 1]] for rank in range(self.world_size)]

    def _packs(self, rows: Sequence[int], capacity: int) -> list[list[int]]:
        """First fit, longest first."""
        packs: list[list[int]] = []
        room: list[int] = []
        for row in rows:
            fit = next((place for place, left in enumerate(room) if left >= self.lengths[row]), None)
            if fit is None:
                packs.append([row])
                room.append(capacity - self.lengths[row])
            else:
                packs[fit].append(row)
                room[fit] -= self.lengths[row]
        return packs
