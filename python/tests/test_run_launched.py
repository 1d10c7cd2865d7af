"""A whole run whose student PyTorch trains on this machine, from recipe to report, by the command line alone."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / "dist/cli/main.js"
STEPS = 12
# Long enough to be interrupted on a quiet machine too: some seconds of training.
LONG = {"epochs": 40, "checkpointEverySteps": 4}
LONG_STEPS = 160

pytestmark = pytest.mark.skipif(not (ROOT / "python/train.py").exists(), reason="the trainer is not in this tree")

FAMILY = {"type": "family", "count": 40, "difficulty": [2, 3]}
TRAIN = {"epochs": 3, "batchSize": 8, "learningRate": 1e-3, "checkpointEverySteps": 2}
LAUNCHER = {"type": "torchrun", "device": "cpu", "processes": 2, "python": sys.executable}
RECIPE = {
    "name": "launched",
    "student": {"base": "demo-base"},
    "collect": {"sources": [{**FAMILY, "family": "arithmetic"}, {**FAMILY, "family": "program"}]},
    "trace": {"teacher": {"type": "builtin", "latencyMs": 1}},
    "select": {"count": 32, "maxThinkingTokens": 200},
    "train": TRAIN,
    "evaluate": {"count": 4, "budgets": [16], "waits": [1]},
}


def recipe_in(folder: Path, **train: object) -> Path:
    """Writes the recipe with changes to its training."""
    path = folder / "recipe.json"
    path.write_text(json.dumps({**RECIPE, "train": {**TRAIN, **train}}))
    return path


def start(folder: Path, *flags: str) -> "subprocess.Popen[str]":
    """Starts a run of the recipe in a folder."""
    command = ["node", str(CLI), "run", "recipe.json", "--run", "run", "--json", *flags]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(folder: Path, *flags: str) -> dict:
    """Runs the recipe to its end; its result."""
    child = start(folder, *flags)
    stdout, stderr = child.communicate(timeout=300)
    assert child.returncode == 0, stderr
    return json.loads(stdout.strip().splitlines()[-1])


def stage_of(folder: Path, name: str) -> Path:
    """The folder of a stage of the run."""
    [found] = (folder / "run/stages").glob(f"{name}-*")
    return found


def losses_of(folder: Path, steps: int = STEPS) -> list[float]:
    """The losses of all steps, in order."""
    rows = [json.loads(line) for line in (stage_of(folder, "train") / "losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, steps + 1))
    return [row["loss"] for row in rows]


def wait_for_step(folder: Path, child: "subprocess.Popen[str]") -> None:
    """Waits until the run has told of some steps of its training, and a checkpoint stands."""
    events = folder / "run/events.jsonl"
    until = time.monotonic() + 240
    while not (events.exists() and re.search(r'"train","done":([5-9]|[1-9]\d)', events.read_text())):
        assert time.monotonic() < until
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def workers_below(folder: Path) -> list[int]:
    """The trainer's processes of the job in a run's folder, by the record of PyTorch's agent."""
    [record] = (folder / "run").glob("**/try-1/child.json")
    return children_of(json.loads(record.read_text())["identity"]["pid"])


def test_a_run_trains_with_torchrun_evaluates_and_reports(tmp_path: Path) -> None:
    here, launched = tmp_path / "here", tmp_path / "launched"
    for folder, train in ((here, {}), (launched, {"launcher": LAUNCHER})):
        folder.mkdir()
        recipe_in(folder, **train)
    run(here, "--until", "train")
    summary = run(launched)
    assert summary["student"]["n"] == 4
    # The same rows in the same order, the same reduction: the first losses are those of the embedded engine.
    assert losses_of(launched)[:3] == pytest.approx(losses_of(here)[:3], abs=1e-3)
    job = json.loads((stage_of(launched, "train") / "job.json").read_text())
    assert (job["launcher"], job["processes"], job["costMicroUsd"]) == ("torchrun", 2, 0)
    report = (launched / "run/report.md").read_text()
    assert re.search(r"\| backend \| PyTorch .* by torchrun", report)


def test_ctrl_c_keeps_a_checkpoint_and_the_same_command_goes_on(tmp_path: Path) -> None:
    recipe_in(tmp_path, launcher=LAUNCHER, **LONG)
    child = start(tmp_path)
    wait_for_step(tmp_path, child)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=60)
    assert child.returncode == 130, stderr
    assert "the training on this machine is stopped" in stderr
    run(tmp_path, "--until", "train")
    assert len(losses_of(tmp_path, LONG_STEPS)) == LONG_STEPS
    job = json.loads((stage_of(tmp_path, "train") / "job.json").read_text())
    assert job["tries"] == 2
    assert not any(str(tmp_path) in line for line in os.popen("ps -eo args").read().splitlines())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the workers by /proc")
def test_a_worker_killed_in_mid_run_is_gone_on_without_by_the_run_itself(tmp_path: Path) -> None:
    recipe_in(tmp_path, launcher=LAUNCHER, **LONG)
    child = start(tmp_path, "--until", "train")
    wait_for_step(tmp_path, child)
    [_, worker] = workers_below(tmp_path)
    os.kill(worker, signal.SIGKILL)
    _, stderr = child.communicate(timeout=300)
    assert child.returncode == 0, stderr
    assert "it is submitted again and goes on from its last checkpoint" in stderr
    assert len(losses_of(tmp_path, LONG_STEPS)) == LONG_STEPS
    job = json.loads((stage_of(tmp_path, "train") / "job.json").read_text())
    assert (job["tries"], job["costMicroUsd"]) == (2, 0)
