"""Generate jobs for tests: made by Grappa's own program, run as a launcher does, compared with the embedded engine."""

import json
import os
import subprocess
import sys
from pathlib import Path

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


def start_job(folder: Path, python: str = sys.executable) -> subprocess.Popen:
    env = {**os.environ, "GRAPPA_OUT": str(folder / "out"), "HF_HUB_OFFLINE": "1"}
    command = [python, str(folder / "generate.py"), str(folder / "job.json")]
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
