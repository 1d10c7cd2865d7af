"""Folders under test, and the way to ask Node."""

import json
import os
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DEMO_BASE = ROOT / "models" / "demo-base"


def ask_node(script: str, request: dict) -> dict:
    """Runs a script of this folder on a JSON request and returns its JSON answer."""
    command = ["node", str(HERE / script)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def newest_student() -> Path | None:
    """The student to open: $GRAPPA_STUDENT, or the newest that a run here trained; None without one."""
    if "GRAPPA_STUDENT" in os.environ:
        return Path(os.environ["GRAPPA_STUDENT"])
    students = [path.parent for path in (ROOT / "runs").glob("*/stages/train-*/student/config.json")]
    return max(students, key=lambda path: (path / "config.json").stat().st_mtime, default=None)


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random student that Node writes now."""
    folder = tmp_path_factory.mktemp("tiny") / "student"
    command = ["node", str(HERE / "make_tiny_student.mjs"), str(folder), str(DEMO_BASE)]
    subprocess.run(command, check=True, timeout=60)
    return folder


@pytest.fixture(scope="session", params=["tiny", "base", "student"])
def model_folder(request: pytest.FixtureRequest, tiny_student: Path) -> Path:
    """Each folder that Grappa wrote, in turn."""
    if request.param == "tiny":
        return tiny_student
    if request.param == "base":
        if not (DEMO_BASE / "config.json").exists():
            pytest.skip(f"{DEMO_BASE} has no weights yet: npm run pretrain:demo")
        return DEMO_BASE
    folder = newest_student()
    if folder is None:
        pytest.skip("no trained student: run the demo first, or set GRAPPA_STUDENT")
    return folder
