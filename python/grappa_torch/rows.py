"""The rows that Grappa tokenised. They stay on disk: what is kept of each is where it stands and how long it is."""

import hashlib
import json
import os
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grappa_torch.failures import JobFailure

Row = tuple[list[int], list[int]]


@dataclass
class RowStore:
    """examples.jsonl, open. `lengths` and `trained` count tokens, and tokens that are learnt, of each row."""

    path: Path
    offsets: array = field(default_factory=lambda: array("q"))
    sizes: array = field(default_factory=lambda: array("q"))
    lengths: array = field(default_factory=lambda: array("q"))
    trained: array = field(default_factory=lambda: array("q"))
    largest_id: int = -1
    sha256: str = ""
    _descriptor: int = -1

    def __len__(self) -> int:
        """Rows."""
        return len(self.offsets)

    def read(self, place: int) -> Row:
        """Ids and labels of the row at `place`; read by position, so that forked loaders may share the file."""
        if self._descriptor < 0:
            self._descriptor = os.open(self.path, os.O_RDONLY)
        row = json.loads(os.pread(self._descriptor, self.sizes[place], self.offsets[place]))
        return row["inputIds"], row["labels"]

    def __getstate__(self) -> dict[str, Any]:
        """For loaders that are spawned: the file is opened anew there."""
        return {**self.__dict__, "_descriptor": -1}


def open_rows(path: Path, max_length: int) -> RowStore:
    """Reads examples.jsonl once and refuses what must not be trained on: nothing is cut, nothing is dropped.

    Raises:
        JobFailure: row-too-long, labels-all-masked (the first label predicts nothing and does not count), or error.
    """
    store = RowStore(path)
    digest = hashlib.sha256()
    offset = 0
    try:
        file = path.open("rb")
    except OSError as error:
        raise JobFailure("error", f"{path.name} cannot be read: {error}") from error
    too_long = []
    with file:
        for line in file:
            digest.update(line)
            if line.strip():
                _add_row(store, line, offset)
                if store.lengths[-1] > max_length:
                    too_long.append(len(store) - 1)
            offset += len(line)
    store.sha256 = digest.hexdigest()
    _refuse(store, too_long, max_length)
    return store


def _add_row(store: RowStore, line: bytes, offset: int) -> None:
    place = len(store)
    try:
        row = json.loads(line)
        ids, labels = row["inputIds"], row["labels"]
        largest, smallest = max(ids), min(ids)
    except (ValueError, KeyError, TypeError) as error:
        raise JobFailure("error", f"row {place} of the examples is no example: {error!r}") from error
    if len(ids) != len(labels) or smallest < 0:
        what = f"{len(ids)} ids and {len(labels)} labels, smallest id {smallest}"
        raise JobFailure("error", f"row {place} of the examples has {what}")
    store.offsets.append(offset)
    store.sizes.append(len(line))
    store.lengths.append(len(ids))
    store.trained.append(sum(1 for label in labels[1:] if label >= 0))
    store.largest_id = max(store.largest_id, largest, *labels)


def _refuse(store: RowStore, too_long: list[int], max_length: int) -> None:
    if len(store) == 0:
        raise JobFailure("error", "there are no examples")
    if too_long:
        longest = max(too_long, key=lambda place: store.lengths[place])
        raise JobFailure(
            "row-too-long",
            f"{len(too_long)} of {len(store)} rows exceed {max_length} tokens; row {longest} has"
            f" {store.lengths[longest]}: its reasoning would lose its end",
            "raise the maximum length, or curate with a smaller one",
        )
    masked = [place for place, count in enumerate(store.trained) if count == 0]
    if masked:
        raise JobFailure(
            "labels-all-masked",
            f"{len(masked)} of {len(store)} rows have no label to learn; the first is row {masked[0]}",
            "the mask must leave the thinking and the answer",
        )


def read_order(path: Path, rows: int, epochs: int) -> tuple[list[list[int]], str]:
    """order.jsonl: each epoch's places, each row once; and the file's hash."""
    try:
        text = path.read_bytes()
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        by_epoch = {line["epoch"]: line["examples"] for line in lines}
        order = [by_epoch[epoch] for epoch in range(epochs)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobFailure("error", f"{path.name} gives no order of {epochs} epochs: {error!r}") from error
    for epoch, places in enumerate(order):
        if sorted(places) != list(range(rows)):
            raise JobFailure("error", f"{path.name}: epoch {epoch} does not take each of the {rows} rows once")
    return order, hashlib.sha256(text).hexdigest()
