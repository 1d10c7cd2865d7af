"""The trainer against training by hand, against the embedded engine, against itself on two processes and after deaths.

All jobs of one process run in one program, and so do those of two: importing trl takes longer than any of them.
"""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from conftest import ask_node
from safetensors.torch import load_file
from train_jobs import (
    Outcome,
    launch,
    random_order,
    random_rows,
    read_events,
    write_job,
)
from train_reference import Reference, train_by_hand
from transformers import AutoModelForCausalLM

TESTS = Path(__file__).parent
# Float32 sums in another order: 5e-7 was measured on losses near 6; the issue asks for 1e-3 on the first three. Where
# the input embedding of the pad token is not trained, as transformers has it, norms differ by 7e-4.
EMBEDDED_TOLERANCE = 1e-5
# The same, grown by updates of Adam at a rate of 1e-3.
STEP_TOLERANCE = 1e-5
TIMEOUT_SECONDS = 900
# 8, 8 and 1 rows: with two ranks one has nothing in each epoch's last step.
UNEVEN = {"batchSize": 8, "epochs": 2}
REDUCTIONS = ["token", "example"]
VARIANTS = {
    "micro1": {"microBatch": 1},
    "micro3": {"microBatch": 3, "gradientCheckpointing": False},
}
WHOLE = {"microBatch": 4, "gradientCheckpointing": False}
LORA = {"method": "lora", "epochs": 3, "learningRate": 3e-2, **WHOLE}
# Masks drawn from the random state, which a checkpoint must bring back.
DROPOUT = {**LORA, "lora": {"rank": 4, "alpha": 8, "dropout": 0.3}}
RESUMED = {"checkpointEverySteps": 4, "checkpointsKept": 2, **WHOLE}


class Jobs:
    """Folders of jobs, and the programs that run them."""

    def __init__(self, root: Path, student: Path) -> None:
        self.root = root
        self.student = student
        self.rows = random_rows(64)
        self.uneven = random_rows(17, shortest=4, longest=90, seed=11)

    def write(self, name: str, rows: list | None = None, **changes: object) -> Path:
        return write_job(self.root / name, self.student, rows or self.rows, **changes)

    def outcome(self, name: str) -> Outcome:
        return Outcome(0, "", read_events(self.root / name / "out"))

    def start(self, names: list[str], processes: int) -> subprocess.Popen:
        """Runs jobs one after another; how, the first word of a name says."""
        configs = [f"{name.split('-')[0]}:{self.root / name / 'config.json'}" for name in names]
        return launch([str(TESTS / "run_jobs.py"), *configs], processes=processes)


def finish(process: subprocess.Popen) -> str:
    try:
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        _kill_tree(process)
        raise
    assert process.returncode == 0, output[-4000:]
    return output


def torn(jobs: Jobs, name: str, step: int) -> None:
    """Leaves a checkpoint behind that died in its writing: later than the last whole one, and without its mark."""
    folder = jobs.root / name / "out" / "checkpoints" / f"checkpoint-{step}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "whole.json").unlink(missing_ok=True)
    (folder / "model.safetensors").write_bytes(b"half of it")
    (folder / "trainer_state.json").write_text("{}")


@pytest.fixture(scope="session")
def jobs(tmp_path_factory: pytest.TempPathFactory, tiny_student: Path) -> Jobs:
    """All jobs, run: first the one that is killed, then everything else in one and in two processes at once."""
    found = Jobs(tmp_path_factory.mktemp("jobs"), tiny_student)
    one, two = _write_all(found)
    killed = found.start(["killed-2"], 2)
    killed.communicate(timeout=TIMEOUT_SECONDS)
    assert killed.returncode != 0
    torn(found, "killed-2", 19)
    # From here on it is a job like others.
    (found.root / "killed-2").rename(found.root / "resumed-2")
    two[two.index("killed-2")] = "resumed-2"
    running = [found.start(one, 1), found.start(two, 2)]
    for process in running:
        finish(process)
    return found


def _kill_tree(process: subprocess.Popen) -> None:
    """SIGKILL for torchrun and the workers that it started: nothing is saved, nothing is told."""
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    for worker in workers:
        os.kill(int(worker), signal.SIGKILL)
    process.communicate(timeout=TIMEOUT_SECONDS)


def _write_all(jobs: Jobs) -> tuple[list[str], list[str]]:
    for world in (1, 2):
        jobs.write(f"whole-{world}", **WHOLE)
        for reduction in REDUCTIONS:
            for name, changes in VARIANTS.items():
                jobs.write(f"{reduction}-{name}-{world}", jobs.uneven, lossReduction=reduction, **UNEVEN, **changes)
        jobs.write(f"lora-{world}", **LORA)
    for name in ("killed-2", "ended-1", "stopped-1"):
        jobs.write(name, **RESUMED)
    jobs.write("stopped-1", **RESUMED, stopAfterSeconds=0.01)
    jobs.write("long-1", random_rows(3, shortest=1100, longest=1500), batchSize=2, epochs=1)
    jobs.write("nan-1", learningRate=1e30, epochs=1, warmupSteps=0)
    jobs.write("asked-2", **UNEVEN, rows=jobs.uneven, sharding="fsdp2")
    for name in ("dropout-1", "ended-dropout-1"):
        jobs.write(name, **DROPOUT)
    for reduction in REDUCTIONS:
        jobs.write(f"sharded-{reduction}-2", jobs.uneven, lossReduction=reduction, **UNEVEN)
    names = sorted(path.name for path in jobs.root.iterdir())
    return [name for name in names if name.endswith("-1")], [name for name in names if name.endswith("-2")]


@pytest.fixture(scope="session")
def by_hand(jobs: Jobs) -> dict[str, Reference]:
    names = ["whole-1", *(f"{reduction}-micro1-1" for reduction in REDUCTIONS)]
    return {name.split("-")[0]: train_by_hand(jobs.root / name / "config.json") for name in names}


@pytest.mark.parametrize("world", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_loss_reduction_is_exact(
    jobs: Jobs, by_hand: dict[str, Reference], reduction: str, variant: str, world: int
) -> None:
    """Unlike lengths, short last batches, ranks without a row, with and without accumulation."""
    outcome = jobs.outcome(f"{reduction}-{variant}-{world}")
    expected = by_hand[reduction]
    assert len(expected.losses) == 6
    torch.testing.assert_close(outcome.losses(), expected.losses, rtol=0, atol=STEP_TOLERANCE)
    norms = [event["gradientNorm"] for event in outcome.of("step")]
    torch.testing.assert_close(norms, expected.norms, rtol=1e-4, atol=0)
    assert [event["tokens"] for event in outcome.of("step")] == _tokens(jobs, f"{reduction}-{variant}-{world}")


def _tokens(jobs: Jobs, name: str) -> list[int]:
    """Tokens of each step, counted from the files."""
    folder = jobs.root / name
    lengths = [len(json.loads(line)["inputIds"]) for line in (folder / "examples.jsonl").read_text().splitlines()]
    order = [json.loads(line)["examples"] for line in (folder / "order.jsonl").read_text().splitlines()]
    return [sum(lengths[place] for place in places[at : at + 8]) for places in order for at in range(0, len(places), 8)]


def test_reductions_differ(by_hand: dict[str, Reference]) -> None:
    """Else the test above could not tell one from the other."""
    assert abs(by_hand["token"].losses[0] - by_hand["example"].losses[0]) > 10 * STEP_TOLERANCE


def test_embedded_engine_gives_the_same_losses(jobs: Jobs) -> None:
    """64 examples, 5 epochs; one process and two."""
    request = {
        "folder": str(jobs.student),
        "examples": jobs.rows,
        "order": random_order(64),
        "steps": 8,
        "train": {"learningRate": 1e-3, "epochs": 5, "batchSize": 16},
    }
    steps = ask_node("node_train.mjs", request)["steps"]
    for world in (1, 2):
        theirs = jobs.outcome(f"whole-{world}").of("step")[: len(steps)]
        for key in ("loss", "gradientNorm", "learningRate", "epoch", "tokens"):
            # The engine leaves the last token of each of the 16 rows out: it predicts nothing.
            ours = [float(step[key]) + (16 if key == "tokens" else 0) for step in steps]
            torch.testing.assert_close([float(step[key]) for step in theirs], ours, rtol=0, atol=EMBEDDED_TOLERANCE)


def test_two_processes_train_like_one(jobs: Jobs, by_hand: dict[str, Reference]) -> None:
    one, two = jobs.outcome("whole-1"), jobs.outcome("whole-2")
    assert len(one.losses()) == 20
    torch.testing.assert_close(one.losses(), two.losses(), rtol=0, atol=STEP_TOLERANCE)
    torch.testing.assert_close(one.losses(), by_hand["whole"].losses, rtol=0, atol=STEP_TOLERANCE)
    assert two.of("start")[0]["worldSize"] == 2
    assert two.of("start")[0]["sharding"] == "ddp"
    assert one.of("start")[0]["sharding"] == "none"


def test_final_student_is_what_was_trained(jobs: Jobs, by_hand: dict[str, Reference]) -> None:
    """Weights as trained by hand, the base's own config and tokenizer files, and transformers opens it."""
    for world in (1, 2):
        folder = jobs.root / f"whole-{world}" / "out" / "final"
        tensors = load_file(folder / "model.safetensors")
        for name, value in by_hand["whole"].weights.items():
            torch.testing.assert_close(tensors[name], value, rtol=0, atol=1e-4)
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            assert (folder / name).read_bytes() == (jobs.student / name).read_bytes(), name
        assert jobs.outcome(f"whole-{world}").of("end")[-1]["model"] == "final"
    ask_node("node_logits.mjs", {"folder": str(folder), "prompts": [[1, 2, 3]], "newTokens": 1})


def test_events_are_what_grappa_reads(jobs: Jobs) -> None:
    """Every event of every job passes the zod schema, and so do the configs of these tests."""
    logs = sorted(jobs.root.glob("*/out/events.jsonl"))
    read = [
        {"config": (log.parents[1] / "config.json").read_text(), "events": log.read_text().splitlines()} for log in logs
    ]
    types = ask_node("check_training_events.mjs", {"jobs": read})["types"]
    assert {kind for found in types for kind in found} == {"start", "step", "checkpoint", "warning", "end", "failure"}


@pytest.mark.parametrize(("name", "resumed_at"), [("resumed-2", 4), ("ended-1", 4)])
def test_resumes_without_a_trace(jobs: Jobs, name: str, resumed_at: int) -> None:
    """Killed after step 6, or told to end in step 4: the losses are an undisturbed run's, no more is lost."""
    outcome = jobs.outcome(name)
    undisturbed = jobs.outcome(f"whole-{name[-1]}")
    assert [start["resumedAt"] for start in outcome.of("start")] == [0, resumed_at]
    assert outcome.losses() == undisturbed.losses()
    (end,) = outcome.of("end")
    assert (end["outcome"], end["step"]) == ("completed", 20)
    assert end["seconds"] > outcome.of("step")[resumed_at]["elapsedSeconds"]
    kept = sorted(path.name for path in (jobs.root / name / "out" / "checkpoints").iterdir() if _is_whole(path))
    assert kept == ["checkpoint-12", "checkpoint-16"]


def test_lora_resumes_with_its_dropout(jobs: Jobs) -> None:
    ended, undisturbed = jobs.outcome("ended-dropout-1"), jobs.outcome("dropout-1")
    assert [start["resumedAt"] for start in ended.of("start")] == [0, 4]
    assert ended.losses() == undisturbed.losses()
    assert undisturbed.losses()[:4] != jobs.outcome("lora-1").losses()


def _is_whole(folder: Path) -> bool:
    return (folder / "whole.json").exists()


def test_stops_in_time_and_keeps_its_checkpoint(jobs: Jobs) -> None:
    outcome = jobs.outcome("stopped-1")
    (end,) = outcome.of("end")
    assert (end["outcome"], end["step"], end["model"]) == ("stopped", 1, None)
    assert [event["path"] for event in outcome.of("checkpoint")] == ["checkpoints/checkpoint-1"]
    assert _is_whole(jobs.root / "stopped-1" / "out" / "checkpoints" / "checkpoint-1")


def test_long_rows_are_trained_whole(jobs: Jobs) -> None:
    """TRL's own max_length of 1024 would cut them, with their ends of thinking."""
    outcome = jobs.outcome("long-1")
    rows = [json.loads(line) for line in (jobs.root / "long-1" / "examples.jsonl").read_text().splitlines()]
    assert sum(event["tokens"] for event in outcome.of("step")) == sum(len(row["inputIds"]) for row in rows)
    expected = train_by_hand(jobs.root / "long-1" / "config.json")
    torch.testing.assert_close(outcome.losses(), expected.losses, rtol=0, atol=STEP_TOLERANCE)


def test_a_loss_that_is_no_number_ends_the_job(jobs: Jobs) -> None:
    outcome = jobs.outcome("nan-1")
    (failure,) = outcome.of("failure")
    assert failure["code"] == "loss-not-finite"
    assert outcome.of("step")[-1]["loss"] is None
    assert not outcome.of("end")
    assert not (jobs.root / "nan-1" / "out" / "final").exists()


def test_never_claims_a_sharding_that_is_not_there(jobs: Jobs) -> None:
    """It is dropped on CPUs without a word by accelerate; the trainer says it."""
    outcome = jobs.outcome("asked-2")
    assert outcome.of("start")[0]["sharding"] == "ddp"
    assert any("not sharded" in event["message"] for event in outcome.of("warning"))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_fsdp2_trains_like_the_unsharded(jobs: Jobs, by_hand: dict[str, Reference], reduction: str) -> None:
    out = jobs.root / f"sharded-{reduction}-2" / "out"
    facts = json.loads((out / "sharded.json").read_text())
    assert facts["isSharded"]
    assert facts["layers"] == ["Qwen2DecoderLayer"]
    assert facts["share"] == pytest.approx(0.5, abs=0.02)
    torch.testing.assert_close(facts["losses"], by_hand[reduction].losses, rtol=0, atol=STEP_TOLERANCE)
    weights = torch.load(out / "weights.pt")
    assert weights.keys() == by_hand[reduction].weights.keys()


@pytest.mark.parametrize("world", [1, 2])
def test_lora_leaves_an_adapter_and_a_merged_student(jobs: Jobs, world: int) -> None:
    outcome = jobs.outcome(f"lora-{world}")
    start = outcome.of("start")[0]
    assert 0 < start["trainableParameters"] < start["parameters"] / 2
    first, last = outcome.losses()[:4], outcome.losses()[-4:]
    assert sum(last) / 4 < sum(first) / 4 - 0.1
    torch.testing.assert_close(outcome.losses(), jobs.outcome("lora-1").losses(), rtol=0, atol=STEP_TOLERANCE)
    out = jobs.root / f"lora-{world}" / "out"
    adapter = load_file(out / "adapter" / "adapter_model.safetensors")
    config = json.loads((out / "adapter" / "adapter_config.json").read_text())
    assert str(jobs.student) not in json.dumps(config)
    merged, base = load_file(out / "final" / "model.safetensors"), load_file(jobs.student / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj"
    prefix = f"base_model.model.{name}"
    delta = adapter[f"{prefix}.lora_B.weight"] @ adapter[f"{prefix}.lora_A.weight"] * (8 / 4)
    assert delta.abs().max() > 1e-3
    torch.testing.assert_close(merged[f"{name}.weight"], base[f"{name}.weight"] + delta)
    torch.testing.assert_close(merged["lm_head.weight"], base["lm_head.weight"], rtol=0, atol=0)
    AutoModelForCausalLM.from_pretrained(out / "final")


def test_a_finished_job_is_not_trained_again(jobs: Jobs) -> None:
    """A launcher that retries a job whose end it missed pays seconds."""
    from grappa_torch.training import run

    config = jobs.root / "whole-1" / "config.json"
    steps = len(jobs.outcome("whole-1").of("step"))
    assert run(config) == "completed"
    assert len(jobs.outcome("whole-1").of("step")) == steps
