"""A generate job with a real server: the thinking-budget machine makes of it what it makes of our own engine."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from generate_jobs import QUESTIONS, SETTINGS, compare, events_of, make_job, replies_of, start_job

from generate import last_error


def test_replies_are_those_of_our_engine(tmp_path: Path, model_folder: Path) -> None:
    made = make_job(tmp_path / "job", model_folder)
    job = start_job(tmp_path / "job")
    out, _ = job.communicate(timeout=280)
    assert job.returncode == 0, out
    same, close = compare(tmp_path / "job", model_folder, made)
    assert same + close == len(QUESTIONS) * len(SETTINGS)
    assert close <= 0.02 * (same + close)
    start, end = events_of(tmp_path / "job")[0], events_of(tmp_path / "job")[-1]
    assert (start["type"], start["server"], start["device"]) == ("start", "stand-in", "cpu")
    assert (end["type"], end["outcome"]) == ("end", "completed")
    waited = [row for row in made["generations"] if any(g["end"] == "natural" for g in row)]
    assert waited or "tiny" in str(model_folder)


def test_a_killed_job_goes_on_and_asks_for_nothing_twice(tmp_path: Path, tiny_student: Path) -> None:
    folder = tmp_path / "job"
    made = make_job(folder, tiny_student)
    first = start_job(folder)
    wait_for(lambda: len(replies_of(folder)) >= 20)
    os.kill(first.pid, signal.SIGKILL)
    first.wait(timeout=30)
    wait_for(lambda: not server_runs(folder))
    kept = replies_of(folder)
    second = start_job(folder)
    out, _ = second.communicate(timeout=280)
    assert second.returncode == 0, out
    lines = replies_of(folder)
    assert lines[: len(kept)] == kept
    assert len(lines) == len({(line["key"], line["place"]) for line in map(json.loads, lines)})
    same, close = compare(folder, tiny_student, made)
    assert same + close == len(QUESTIONS) * len(SETTINGS)
    elapsed = [event["elapsedSeconds"] for event in events_of(folder)]
    assert elapsed == sorted(elapsed)
    third = start_job(folder)
    third.communicate(timeout=60)
    assert third.returncode == 0
    assert [event["type"] for event in events_of(folder)].count("start") == 2  # no server for what is done


def test_a_job_stops_in_time_and_on_sigterm(tmp_path: Path, tiny_student: Path) -> None:
    folder = tmp_path / "job"
    make_job(folder, tiny_student, stopAfterSeconds=9)
    job = start_job(folder)
    job.communicate(timeout=60)
    assert job.returncode == 0
    assert events_of(folder)[-1]["outcome"] in ("stopped", "completed")
    again = tmp_path / "again"
    make_job(again, tiny_student)
    job = start_job(again)
    wait_for(lambda: len(replies_of(again)) >= 5)
    job.terminate()
    assert job.wait(timeout=30) == 143
    wait_for(lambda: not server_runs(again))


def test_a_server_that_does_not_start_is_told(tmp_path: Path, tiny_student: Path) -> None:
    folder = tmp_path / "job"
    made = tmp_path / "broken"
    shutil.copytree(tiny_student, made)
    make_job(folder, made)
    (made / "model.safetensors").write_bytes(b"no weights")
    job = start_job(folder)
    job.communicate(timeout=200)
    assert job.returncode == 1
    events = events_of(folder)
    assert [event["type"] for event in events] == ["warning", "warning", "failure"]
    assert events[-1]["code"] == "server-failed"


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        ("loading\nready", None),
        ("Traceback\n  File x\nValueError: no room", "ValueError: no room"),
        # As vLLM 0.32 writes it: a worker, the engine above it, the server above that.
        (
            "(W pid=1) ERROR 11-30 [e.py:953] torch.cuda.OutOfMemoryError: 20 of 23 GiB\n"
            "(E pid=2) ERROR 11-30 [c.py:8] Exception: WorkerProc failed. See stack trace for root cause.\n\n"
            "RuntimeError: Engine core initialization failed. See root cause above.",
            "torch.cuda.OutOfMemoryError: 20 of 23 GiB",
        ),
        (
            "a.b.ValidationError: 1 error for M\n  no such model X\n  see y",
            "a.b.ValidationError: 1 error for M | no such model X",
        ),
    ],
)
def test_the_cause_is_read_from_a_log(log: str, cause: str | None) -> None:
    assert last_error(log) == cause


def wait_for(holds: object, seconds: float = 120) -> None:
    until = time.time() + seconds
    while not holds():
        assert time.time() < until, "it did not come in time"
        time.sleep(0.05)


def server_runs(folder: Path) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command and "server" in command:
            return True
    return False
