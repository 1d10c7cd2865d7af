"""A generate job with vLLM itself, by the Python that GRAPPA_VLLM_PYTHON names; run by `npm run test:vllm`."""

import os
from pathlib import Path

from conftest import DEMO_BASE
from generate_jobs import CLOSE, QUESTIONS, SETTINGS, compare, events_of, make_job, start_job

VLLM_PYTHON = os.environ["GRAPPA_VLLM_PYTHON"]


# vLLM's attention on CPUs has no heads of 16, which the tiny student has: the demo's base.
def test_replies_are_those_of_our_engine(tmp_path: Path) -> None:
    made = make_job(tmp_path / "job", DEMO_BASE, server="vllm")
    job = start_job(tmp_path / "job", VLLM_PYTHON)
    out, _ = job.communicate(timeout=1800)
    assert job.returncode == 0, out
    start = next(event for event in events_of(tmp_path / "job") if event["type"] == "start")
    assert start["server"] == "vllm"
    same, close = compare(tmp_path / "job", DEMO_BASE, made)
    assert same + close == len(QUESTIONS) * len(SETTINGS)
    print(
        f"vLLM {start['version']} on {start['device']}: {same} rows the same, {close} not, the best two within {CLOSE}"
    )
    assert close <= 0.02 * (same + close)


def test_the_cause_is_told_where_it_does_not_start(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    make_job(folder, DEMO_BASE, server="vllm")
    (folder / "student").unlink()
    (folder / "student").mkdir()
    (folder / "student" / "config.json").write_text('{"architectures": ["NoSuchModel"], "model_type": "qwen2"}')
    job = start_job(folder, VLLM_PYTHON)
    job.communicate(timeout=600)
    assert job.returncode == 1
    failure = events_of(folder)[-1]
    assert failure["code"] == "server-failed"
    assert "NoSuchModel" in failure["message"]
    assert "root cause" not in failure["message"]
