"""The runner of Hugging Face Jobs, with folders in place of its mounts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUNNER = Path(__file__).parents[1] / "hf_job.py"

PROGRAM = """
import os, pathlib, sys, time
out = pathlib.Path(os.environ["GRAPPA_OUT"])
tries = out / "tries.txt"
count = int(tries.read_text()) + 1 if tries.exists() else 1
if "silent" not in sys.argv:
    tries.write_text(str(count))
if "checkpoint" in sys.argv:
    for old in out.glob("checkpoint-*"):
        (old / "weights.bin").unlink(); old.rmdir()
    folder = out / f"checkpoint-{count}"
    folder.mkdir(); (folder / "weights.bin").write_bytes(bytes([count]) * 1000)
if "wait" in sys.argv:
    print("waiting", flush=True); time.sleep(60)
print("secret is", os.environ.get("A_SECRET"), "try", count)
sys.exit(int(sys.argv[1]))
"""


class Container:
    """A machine of the fake: its mounts outlive it, its disk does not."""

    def __init__(self, folder: Path) -> None:
        """Nothing is there yet."""
        self.folder = folder
        self.tries = 0

    def prepare(self, args: list[str], **spec: object) -> None:
        """Puts the program and what is to be done with it on the mount."""
        files = self.folder / "in" / "files"
        files.mkdir(parents=True, exist_ok=True)
        (files / "program.py").write_text(PROGRAM)
        launch = {
            "name": "job-a",
            "submission": "s1",
            "program": "program.py",
            "args": args,
            "isDistributed": False,
            "processes": 1,
            "requirements": "",
            "timeoutSeconds": 600,
            "pushEverySeconds": 0.2,
            **spec,
        }
        (self.folder / "in" / "launch.json").write_text(json.dumps(launch))

    def start(self) -> subprocess.Popen[str]:
        """A new machine."""
        self.tries += 1
        environment = {
            **os.environ,
            "GRAPPA_IN": str(self.folder / "in"),
            "GRAPPA_BUCKET": str(self.folder / "bucket"),
            "GRAPPA_WORK": str(self.folder / f"disk-{self.tries}"),
            "A_SECRET": "told",
        }
        return subprocess.Popen([sys.executable, RUNNER], env=environment, stdout=subprocess.PIPE, text=True)

    def run(self) -> tuple[int, str]:
        """Status and output of a try."""
        process = self.start()
        printed, _ = process.communicate(timeout=60)
        return process.returncode, printed

    @property
    def manifest(self) -> dict:
        """What the bucket names."""
        return json.loads((self.folder / "bucket" / "job-a" / "manifest.json").read_text())

    def wait_for(self, name: str) -> None:
        """Until a file is pushed."""
        end = time.time() + 20
        while time.time() < end:
            try:
                if name in self.manifest["files"]:
                    return
            except FileNotFoundError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{name} was never pushed")


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_outputs_are_pushed_and_a_job_that_is_done_is_not_run_again(container: Container) -> None:
    container.prepare(["0", "checkpoint"])
    code, printed = container.run()
    assert code == 0
    assert "secret is told try 1" in printed
    assert set(container.manifest["files"]) == {"tries.txt", "checkpoint-1/weights.bin"}
    assert container.run()[0] == 0
    objects = container.folder / "bucket" / "job-a" / "objects"
    assert {path.name for path in objects.iterdir()} == {
        entry["sha256"] for entry in container.manifest["files"].values()
    }
    assert "not run again" in container.run()[1]


def test_a_machine_that_is_lost_leaves_what_was_pushed(container: Container) -> None:
    container.prepare(["0", "checkpoint", "wait"])
    lost = container.start()
    container.wait_for("checkpoint-1/weights.bin")
    lost.kill()
    lost.wait()
    container.prepare(["0", "checkpoint"])
    code, printed = container.run()
    assert code == 0
    assert "try 2" in printed
    assert set(container.manifest["files"]) == {"tries.txt", "checkpoint-2/weights.bin"}
    # The content of the removed checkpoint takes no room any more.
    assert len(list((container.folder / "bucket" / "job-a" / "objects").iterdir())) == 2


def test_one_that_fails_with_nothing_made_is_not_paid_for_again(container: Container) -> None:
    container.prepare(["3", "silent"])
    assert container.run()[0] == 3
    code, printed = container.run()
    assert code == 3
    assert "not run again" in printed
    # Submitted anew it runs.
    container.prepare(["0"], submission="s2")
    assert container.run()[0] == 0


def test_one_that_failed_after_it_made_something_is_tried_again(container: Container) -> None:
    container.prepare(["3", "checkpoint"])
    assert container.run()[0] == 3
    assert "try 2" in container.run()[1]


def test_a_stop_reaches_the_program_and_what_it_made_is_pushed(container: Container) -> None:
    container.prepare(["0", "checkpoint", "wait"], pushEverySeconds=600)
    process = container.start()
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "waiting"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert "checkpoint-1/weights.bin" in container.manifest["files"]
    assert "exit" not in container.manifest["state"]


def test_all_tries_together_have_one_time_limit(container: Container) -> None:
    container.prepare(["0", "wait"], timeoutSeconds=1)
    assert container.run()[0] != 0
    code, printed = container.run()
    assert code == 124
    assert "all tries together" in printed


def test_a_damaged_content_is_left_out_and_said(container: Container) -> None:
    container.prepare(["3", "checkpoint"])
    container.run()
    entry = container.manifest["files"]["checkpoint-1/weights.bin"]
    (container.folder / "bucket" / "job-a" / "objects" / entry["sha256"]).write_bytes(b"other")
    container.prepare(["0"])
    code, printed = container.run()
    assert code == 0
    assert "checkpoint-1/weights.bin could not be restored" in printed


def test_a_folder_that_is_being_written_is_not_taken_in_part(container: Container, tmp_path: Path) -> None:
    sys.path.insert(0, str(RUNNER.parent))
    from hf_job import Store  # noqa: PLC0415

    out = tmp_path / "out"
    (out / "checkpoint-1").mkdir(parents=True)
    (out / "checkpoint-1" / "a.bin").write_bytes(b"a")
    (out / "events.jsonl").write_text("{}\n")
    store = Store(tmp_path / "bucket")
    store.push(out, {}, quiet_seconds=60)
    assert set(store.manifest["files"]) == {"events.jsonl"}
    store.push(out, {}, quiet_seconds=0)
    assert set(store.manifest["files"]) == {"events.jsonl", "checkpoint-1/a.bin"}


def test_a_folder_that_is_removed_while_it_is_pushed_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.path.insert(0, str(RUNNER.parent))
    import hf_job  # noqa: PLC0415

    out = tmp_path / "out"
    (out / "checkpoint-1").mkdir(parents=True)
    for name in "ab":
        (out / "checkpoint-1" / name).write_text(name)
    (out / "events.jsonl").write_text("{}\n")
    hash_of = hf_job.file_hash

    def hash_and_remove(path: Path) -> str:
        digest = hash_of(path)
        if path.name == "a":
            (out / "checkpoint-1" / "b").unlink()
        return digest

    monkeypatch.setattr(hf_job, "file_hash", hash_and_remove)
    store = hf_job.Store(tmp_path / "bucket")
    store.push(out, {}, quiet_seconds=0)
    assert set(store.manifest["files"]) == {"events.jsonl"}


def test_a_program_that_is_told_to_end_has_the_time_that_other_launchers_give(container: Container) -> None:
    """PyTorch's agent would kill after 30 seconds, which a large checkpoint does not fit into."""
    launchers = RUNNER.parents[1] / "src" / "adapters" / "launchers"
    (grace,) = re.findall(r"GRACE_SECONDS = (\d+);", (launchers / "torchrun-command.ts").read_text())
    container.prepare([])
    program = 'import os; print("agent waits", os.environ["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"])'
    (container.folder / "in" / "files" / "program.py").write_text(program)
    code, printed = container.run()
    assert code == 0
    assert f"agent waits {grace}\n" in printed


def test_a_distributed_program_runs_once_a_process(container: Container) -> None:
    pytest.importorskip("torch")
    container.prepare([], isDistributed=True, processes=2)
    program = 'import os; print("rank", os.environ["RANK"], "of", os.environ["WORLD_SIZE"], flush=True)'
    (container.folder / "in" / "files" / "program.py").write_text(program)
    code, printed = container.run()
    assert code == 0
    assert sorted(line for line in printed.splitlines() if line.startswith("rank")) == ["rank 0 of 2", "rank 1 of 2"]
