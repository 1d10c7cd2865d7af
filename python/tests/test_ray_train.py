"""What `ray_train.py` does without a cluster: one program, its end, its fellows' marks; else `npm run test:ray`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PYTHON_FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PYTHON_FOLDER))

import ray_train  # noqa: E402 - it lies beside the tests' folder


def fields_of(folder: Path, program: str, *, seconds: float | None = None, mark: str = "ours") -> dict:
    control = folder / "job.ray"
    control.mkdir()
    (control / "mark").write_text("ours")
    (folder / "program.py").write_text(program)
    return {
        "program": "program.py",
        "args": ["an argument"],
        "isDistributed": False,
        "timeoutSeconds": seconds,
        "files": str(folder),
        "control": str(control),
        "mark": mark,
    }


def start(folder: Path, fields: dict) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, PYTHON_FOLDER / "ray_train.py"],
        env={**os.environ, "GRAPPA_RAY": json.dumps(fields), "GRAPPA_OUT": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_program_runs_in_the_jobs_folder_and_its_exit_status_is_the_drivers(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), sys.argv[1], flush=True); sys.exit(3)"
    process = start(tmp_path, fields_of(tmp_path, program))
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (3, f"{tmp_path} an argument")


def test_a_program_whose_time_is_up_is_killed(tmp_path: Path) -> None:
    process = start(tmp_path, fields_of(tmp_path, "import time; time.sleep(60)", seconds=1))
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.strip()) == (124, "grappa: stopped after 1 seconds")


def test_a_program_is_told_of_the_drivers_end(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    process = start(tmp_path, fields_of(tmp_path, program))
    assert process.stdout.readline().strip() == "ready"
    process.terminate()
    assert process.wait(60) == 9


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_program_dies_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    process = start(tmp_path, fields_of(tmp_path, program))
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    until = time.monotonic() + 20
    while Path(f"/proc/{child}/cmdline").exists() and Path(f"/proc/{child}/cmdline").read_bytes():
        assert time.monotonic() < until, "the program outlived its driver"
        time.sleep(0.05)


def test_a_storage_that_is_another_folder_ends_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("GRAPPA_OUT", str(tmp_path))
    monkeypatch.setattr(ray_train, "STORAGE_PATIENCE_SECONDS", 0.1)

    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(ray_train, "end", leave)
    job = ray_train.Job(fields_of(tmp_path, "", mark="another"))
    with pytest.raises(SystemExit) as ended:
        job.check_storage()
    assert ended.value.code == ray_train.WRONG_STORAGE
    assert "holds another launcher's mark: `storage` must be one folder" in capsys.readouterr().out
    (tmp_path / "job.ray" / "mark").unlink()
    with pytest.raises(SystemExit):
        job.check_storage()
    assert "does not hold the launcher's mark" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("events", "is_final"),
    [
        ([{"type": "failure", "code": "row-too-long", "time": 11.0}], True),
        ([{"type": "failure", "code": "loss-not-finite", "time": 11.0}], True),
        # The machine's, which another try may not meet.
        ([{"type": "failure", "code": "error", "time": 11.0}], False),
        # An earlier try's.
        ([{"type": "failure", "code": "row-too-long", "time": 9.0}], False),
        ([{"type": "failure", "code": "row-too-long", "time": 11.0}, {"type": "start", "time": 12.0}], False),
        ([], False),
    ],
)
def test_a_failure_that_is_the_jobs_is_told_from_the_machines(tmp_path: Path, events: list, is_final: bool) -> None:
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    assert ray_train.has_failed_for_good(tmp_path, 10.0) is is_final
    assert not ray_train.has_failed_for_good(tmp_path / "nowhere", 10.0)
