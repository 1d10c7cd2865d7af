"""A generate job with a real server: the thinking-budget machine makes of it what it makes of our own engine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import ask_node
from transformers import AutoModelForCausalLM

CONTEXT = 1024
SETTINGS = [
    {"mode": "direct", "budgetTokens": 0, "waits": 0},
    {"mode": "think", "budgetTokens": 4, "waits": 0},
    {"mode": "think", "budgetTokens": 16, "waits": 0},
    {"mode": "think", "budgetTokens": 48, "waits": 0},
    {"mode": "think", "budgetTokens": 96, "waits": 0},
    {"mode": "think", "budgetTokens": 96, "waits": 1},
    {"mode": "think", "budgetTokens": 96, "waits": 3},
    {"mode": "think", "budgetTokens": 96, "waits": 2, "silent": True},
]
QUESTIONS = [f"{a}+{a * 7 % 89}-{a * 3 % 17} = ?" for a in range(11, 31)]
# What PyTorch and our engine may round apart: where the two best logits are this close, either may be chosen.
CLOSE = 1e-3


def make_job(folder: Path, model: Path, server: str = "stand-in", **more: object) -> dict:
    request = {
        "folder": str(folder),
        "model": str(model),
        "settings": SETTINGS,
        "questions": QUESTIONS,
        "server": server,
    }
    made = ask_node("node_generate.mjs", {**request, **more})
    (folder / "student").symlink_to(model)
    return made


def start_job(folder: Path) -> subprocess.Popen:
    env = {**os.environ, "GRAPPA_OUT": str(folder / "out"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(folder / "generate.py"), str(folder / "job.json")]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, text=True)


def events_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "out" / "events.jsonl").read_text().splitlines()]


def replies_of(folder: Path) -> list[str]:
    path = folder / "out" / "replies.jsonl"
    return path.read_text().split("\n")[:-1] if path.exists() else []


def first_difference(ours: list[int], theirs: list[int]) -> int:
    return next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))


@torch.inference_mode()
def gap_of_best_two(model: torch.nn.Module, ids: list[int]) -> float:
    best = torch.topk(model(torch.tensor([ids])).logits[0, -1], 2).values
    return float(best[0] - best[1])


def compare(folder: Path, model_folder: Path, made: dict) -> tuple[int, int]:
    """How many rows are the same, and how many are not because the best two logits were as good as equal."""
    replies = ask_node("node_generate.mjs", {"folder": str(folder), "read": True})
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    same, close = 0, 0
    for prompt, ours, theirs in zip(made["prompts"], made["generations"], replies, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            if a == b:
                same += 1
                continue
            at = first_difference(a["ids"], b["ids"])
            gap = gap_of_best_two(model, prompt + a["ids"][:at])
            assert gap < CLOSE, f"they differ at {at}, where the best two logits are {gap} apart"
            close += 1
    return same, close


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


@pytest.mark.skipif("GRAPPA_VLLM_PYTHON" not in os.environ, reason="GRAPPA_VLLM_PYTHON names no Python with vLLM")
def test_replies_of_vllm_are_those_of_our_engine(
    tmp_path: Path, tiny_student: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", os.environ["GRAPPA_VLLM_PYTHON"])
    made = make_job(tmp_path / "job", tiny_student, server="vllm")
    job = start_job(tmp_path / "job")
    out, _ = job.communicate(timeout=1800)
    assert job.returncode == 0, out
    same, close = compare(tmp_path / "job", tiny_student, made)
    print(f"vLLM: {same} rows the same, {close} not, where the best two logits are within {CLOSE}")
    assert close <= 0.02 * (same + close)


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
