"""Events of a job: printed after a mark, and appended to events.jsonl, by rank zero."""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grappa_torch.config import SCHEMA_VERSION

EVENT_MARK = "@@grappa "
EventListener = Callable[[dict[str, Any]], None]


def finite(value: float | None) -> float | None:
    """The number, or None for what JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None


class EventLog:
    """Writes events of this try. Each carries `elapsedSeconds` of all tries, so that the next one goes on counting."""

    def __init__(self, out: Path, is_writer: bool, started: float, listener: EventListener | None = None) -> None:
        """Opens nothing yet.

        Args:
            out: folder of events.jsonl, made when it is missing.
            is_writer: rank zero; other ranks write nothing but failures that are theirs alone.
            started: Unix seconds at which this process began.
            listener: called with each event that this rank writes, and on every rank with checkpoints.
        """
        self.path = out / "events.jsonl"
        self.is_writer = is_writer
        self.started = started
        self.listener = listener
        self.before = self._seconds_of_earlier_tries()

    def elapsed(self) -> float:
        """Seconds of all tries together, as far as this folder knows."""
        return self.before + time.time() - self.started

    def emit(self, kind: str, **values: Any) -> None:  # noqa: ANN401 - fields differ by kind
        """Prints and appends an event, on rank zero; listeners hear of checkpoints on every rank."""
        event = self._event(kind, values)
        if self.is_writer:
            self._write(event)
        if self.listener is not None and (self.is_writer or kind == "checkpoint"):
            self.listener(event)

    def emit_from_any_rank(self, kind: str, **values: Any) -> None:  # noqa: ANN401
        """As `emit`, from whichever rank met it; for failures that only that rank has seen."""
        event = self._event(kind, values)
        self._write(event)
        if self.listener is not None:
            self.listener(event)

    def has_failed(self) -> bool:
        """Whether a rank of this try has told a failure already."""
        events = self._last_events()
        return any(event.get("type") == "failure" and event.get("time", 0) >= self.started for event in events)

    def _event(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        head = {"type": kind, "schemaVersion": SCHEMA_VERSION, "time": time.time()}
        return {**head, **values, "elapsedSeconds": round(self.elapsed(), 3)}

    def _write(self, event: dict[str, Any]) -> None:
        line = json.dumps(event, allow_nan=False, ensure_ascii=False)
        # One write each: lines of several processes must not mix.
        sys.stdout.write(f"{EVENT_MARK}{line}\n")
        sys.stdout.flush()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)

    def _last_events(self) -> list[dict[str, Any]]:
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 65_536))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        events = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                events.append(event)
        return events

    def _seconds_of_earlier_tries(self) -> float:
        known = [event["elapsedSeconds"] for event in self._last_events() if "elapsedSeconds" in event]
        return float(known[-1]) if known else 0.0
