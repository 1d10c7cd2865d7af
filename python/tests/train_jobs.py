"""Jobs for the trainer's tests: random rows of unlike length, written as Grappa writes them, and ways to run them."""

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON_FOLDER = Path(__file__).resolve().parents[1]
IDS = 300
EPOCHS = 5

Row = dict[str, list[int]]


def random_rows(count: int, *, shortest: int = 6, longest: int = 48, seed: int = 7) -> list[Row]:
    """Rows of very unlike length; the first third of each is masked, and some masked tokens stand in the middle."""
    source = random.Random(seed)
    rows = []
    for _ in range(count):
        length = source.randint(shortest, longest)
        ids = [source.randrange(IDS) for _ in range(length)]
        labels = [-100 if at < length // 3 or source.random() < 0.1 else token for at, token in enumerate(ids)]
        labels[-1] = ids[-1]
        rows.append({"inputIds": ids, "labels": labels})
    return rows


def random_order(rows: int, epochs: int = EPOCHS, seed: int = 3) -> list[list[int]]:
    """Another order in each epoch, as Grappa draws it."""
    source = random.Random(seed)
    return [source.sample(range(rows), rows) for _ in range(epochs)]


def write_job(folder: Path, student: Path, rows: list[Row], **changes: Any) -> Path:  # noqa: ANN401
    """Writes examples, order and config.json; returns its path. `changes` are fields of the config."""
    folder.mkdir(parents=True, exist_ok=True)
    order = changes.pop("orders", None) or random_order(len(rows), changes.get("epochs", EPOCHS))
    epochs, batch_size = changes.get("epochs", EPOCHS), changes.get("batchSize", 16)
    steps = -(-len(rows) // batch_size) * epochs
    head = {"schemaVersion": 1, "questionId": "0" * 16, "traceId": "0" * 16, "thinkingTokens": 0}
    write_lines(folder / "examples.jsonl", [{**head, **row} for row in rows])
    lines = [{"schemaVersion": 1, "epoch": epoch, "examples": places} for epoch, places in enumerate(order)]
    write_lines(folder / "order.jsonl", lines)
    config = {
        "schemaVersion": 1,
        "name": "test",
        "model": os.path.relpath(student, folder),
        "revision": None,
        "examples": "examples.jsonl",
        "order": "order.jsonl",
        "probes": [],
        "addedIds": IDS,
        "output": "out",
        "maxLength": 2048,
        "epochs": epochs,
        "batchSize": batch_size,
        "microBatch": 1,
        "totalSteps": steps,
        "warmupSteps": -(-steps // 20),
        "learningRate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.95,
        "epsilon": 1e-8,
        "weightDecay": 1e-4,
        "maxGradientNorm": 1.0,
        "lossReduction": "token",
        "method": "full",
        "lora": {"rank": 4, "alpha": 8, "dropout": 0},
        "precision": "f32",
        "attention": "sdpa",
        "gradientCheckpointing": True,
        "packing": False,
        "sharding": "auto",
        "device": "cpu",
        "checkpointEverySteps": 50,
        "checkpointsKept": 2,
        "seed": 0,
        "stopAfterSeconds": None,
        **changes,
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def write_lines(path: Path, values: list[Any]) -> None:
    """JSON lines."""
    path.write_text("".join(f"{json.dumps(value)}\n" for value in values))


@dataclass
class Outcome:
    """How a run ended and what it told."""

    code: int
    output: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events of one type."""
        return [event for event in self.events if event["type"] == kind]

    def losses(self) -> list[float]:
        """Of the steps; the last told of each counts."""
        by_step = {event["step"]: event["loss"] for event in self.of("step")}
        return [by_step[step] for step in sorted(by_step)]


def read_events(out: Path) -> list[dict[str, Any]]:
    """All of events.jsonl, or nothing."""
    path = out / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def launch(program: list[str], *, processes: int = 1, **environment: str) -> subprocess.Popen:
    """Starts a Python program, under torchrun where there are several processes."""
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    several += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0"]
    command = [sys.executable, *([] if processes == 1 else several), *program]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # One thread: models are tiny, and threads that wait for each other stand still on a busy machine.
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(PYTHON_FOLDER),
            "OMP_NUM_THREADS": "1",
            **environment,
        },
    )


def run_train(config: Path, *, processes: int = 1, timeout: float = 300, **environment: str) -> Outcome:
    """Runs train.py on a config to its end."""
    process = launch([str(PYTHON_FOLDER / "train.py"), str(config)], processes=processes, **environment)
    output, _ = process.communicate(timeout=timeout)
    return Outcome(process.returncode, output, read_events(config.parent / "out"))
