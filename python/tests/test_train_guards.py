"""What the trainer refuses, before it loads anything: each guard of it, and the plan that all ranks follow."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from train_jobs import PYTHON_FOLDER, random_order, random_rows, read_events, write_job
from transformers import AutoModelForCausalLM

from grappa_torch.batches import MicroBatches, collate
from grappa_torch.checkpoints import remove_old, seal, whole_checkpoints
from grappa_torch.config import SCHEMA_VERSION, read_config
from grappa_torch.events import EventLog
from grappa_torch.failures import JobFailure, JobInterrupted
from grappa_torch.guards import check_embedding, check_inputs, check_tokenizer
from grappa_torch.loss import chunked_nll, learn_tokens
from grappa_torch.plan import StepPlan
from grappa_torch.rows import RowStore
from grappa_torch.setup import Ranks, decide
from grappa_torch.training import run

ROOT = PYTHON_FOLDER.parent
ALONE = Ranks(rank=0, world_size=1, local_rank=0, nodes=1)


@pytest.fixture
def student(tmp_path: Path) -> Path:
    """A folder that is no model: guards that come first must not open it."""
    folder = tmp_path / "student"
    folder.mkdir()
    return folder


def refused(config: Path) -> dict:
    """The failure event of a job that must not train."""
    with pytest.raises(JobFailure):
        run(config)
    events = read_events(config.parent / "out")
    assert [event["type"] for event in events] == ["failure"]
    return events[0]


def test_schema_version_is_grappas() -> None:
    text = (ROOT / "src" / "schema" / "schema-version.ts").read_text()
    assert f"SCHEMA_VERSION = {SCHEMA_VERSION};" in text


def test_a_row_that_is_too_long(tmp_path: Path, student: Path) -> None:
    rows = random_rows(5)
    rows[3] = {"inputIds": list(range(65)), "labels": list(range(65))}
    failure = refused(write_job(tmp_path / "job", student, rows, maxLength=64, batchSize=4))
    assert failure["code"] == "row-too-long"
    assert "row 3 has 65" in failure["message"]


def test_a_row_without_labels(tmp_path: Path, student: Path) -> None:
    """Its first label does not count: no token comes before it."""
    rows = random_rows(5)
    rows[2]["labels"] = [rows[2]["inputIds"][0], *[-100] * (len(rows[2]["inputIds"]) - 1)]
    failure = refused(write_job(tmp_path / "job", student, rows, batchSize=4))
    assert failure["code"] == "labels-all-masked"
    assert "1 of 5 rows" in failure["message"]
    assert "row 2" in failure["message"]


def test_an_order_that_repeats_or_leaves_out(tmp_path: Path, student: Path) -> None:
    orders = random_order(5, 2)
    orders[1] = [0, 1, 2, 3, 3]
    failure = refused(write_job(tmp_path / "job", student, random_rows(5), orders=orders, epochs=2, batchSize=4))
    assert "epoch 1 does not take each of the 5 rows once" in failure["message"]


def test_bad_jobs_fail_before_the_slow_imports(tmp_path: Path, student: Path) -> None:
    """In a process of its own, since this one has imported them."""
    config = write_job(tmp_path / "job", student, random_rows(5), maxLength=3, batchSize=4)
    program = (
        "import sys; from grappa_torch.training import run\n"
        "try: run(sys.argv[1])\n"
        "except Exception as error: print(error.code, 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=PYTHON_FOLDER)
    assert done.stdout.splitlines()[-1] == "row-too-long False False"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schemaVersion": 2}, "schema version 2"),
        ({"shuffle": True}, "shuffle"),
        ({"lossReduction": "mean"}, "lossReduction"),
        ({"totalSteps": 7}, "the config says 7"),
    ],
)
def test_configs_of_another_grappa(tmp_path: Path, student: Path, changes: dict, message: str) -> None:
    config = write_job(tmp_path / "job", student, random_rows(5), batchSize=4)
    config.write_text(json.dumps({**json.loads(config.read_text()), **changes}))
    with pytest.raises(JobFailure, match=message):
        run(config)


def test_an_embedding_without_a_row_for_an_id(tmp_path: Path, tiny_student: Path) -> None:
    """The tiny student has 304 rows."""
    job = read_config(write_job(tmp_path / "job", tiny_student, random_rows(5), batchSize=4, addedIds=304))
    check_embedding(tiny_student, job, 303)
    for added, largest in [(305, 0), (0, 304)]:
        beyond = read_config(write_job(tmp_path / "job", tiny_student, random_rows(5), batchSize=4, addedIds=added))
        with pytest.raises(JobFailure, match="304 rows") as caught:
            check_embedding(tiny_student, beyond, largest)
        assert caught.value.code == "ids-beyond-embedding"


def test_a_tokenizer_that_differs(tmp_path: Path, tiny_student: Path) -> None:
    """The first difference is named: its place, both pieces."""
    probe = {"text": "<|im_start|>user\n62 a+36", "ids": []}
    good = json.loads(_encode(tiny_student, probe["text"]))
    for ids, is_good in [(good, True), ([*good[:3], 7, *good[4:]], False)]:
        probes = [{"text": probe["text"], "ids": ids}]
        job = read_config(write_job(tmp_path / "job", tiny_student, random_rows(5), batchSize=4, probes=probes))
        if is_good:
            check_tokenizer(tiny_student, job)
            continue
        with pytest.raises(JobFailure, match=rf"at token 3 {good[3]} .*, not 7 ") as caught:
            check_tokenizer(tiny_student, job)
        assert caught.value.code == "tokenizer-differs"


def _encode(folder: Path, text: str) -> str:
    """Ids of Grappa's own tokenizer."""
    request = {"folder": str(folder), "userTexts": [], "controlTexts": [text], "idLists": [], "chats": []}
    from conftest import ask_node

    return json.dumps(ask_node("node_tokenize.mjs", request)["control"][0])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"packing": True}, "packing-unsafe"),
        ({"packing": True, "attention": "eager"}, "packing-unsafe"),
        ({"attention": "flash"}, "unsupported"),
        ({"method": "qlora"}, "unsupported"),
        ({"device": "cuda"}, "unsupported"),
    ],
)
def test_what_a_cpu_cannot_do(tmp_path: Path, student: Path, changes: dict, code: str) -> None:
    if torch.cuda.is_available() and "device" in changes:
        pytest.skip("there is a GPU here")
    job = read_config(write_job(tmp_path / "job", student, random_rows(5), batchSize=4, **changes))
    with pytest.raises(JobFailure) as caught:
        decide(job, ALONE)
    assert caught.value.code == code


def test_outputs_go_where_the_launcher_says(
    tmp_path: Path, student: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """And the printed event is the appended one, after its mark."""
    monkeypatch.setenv("GRAPPA_OUT", str(tmp_path / "elsewhere"))
    with pytest.raises(JobFailure):
        run(write_job(tmp_path / "job", student, random_rows(5), maxLength=3, batchSize=4))
    (event,) = read_events(tmp_path / "elsewhere")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("@@grappa ")]
    assert json.loads(line.removeprefix("@@grappa ")) == event
    assert not (tmp_path / "job" / "out").exists()


@pytest.mark.parametrize(
    ("outcome", "code"), [(None, 0), (JobFailure("error", "it broke"), 1), (JobInterrupted(3), 143)]
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, outcome: Exception | None, code: int) -> None:
    import train

    def fake_run(*_: object, **__: object) -> str:
        if outcome is not None:
            raise outcome
        return "completed"

    monkeypatch.setattr(train, "run", fake_run)
    monkeypatch.setattr(sys, "argv", ["train.py", "config.json"])
    assert train.main() == code


def test_one_failure_a_try(tmp_path: Path) -> None:
    """When a rank has died the others fail soon after, for another reason: the first one told is the reason."""
    now = time.time()
    first, second = EventLog(tmp_path, False, now), EventLog(tmp_path, True, now)
    first.emit_from_any_rank("failure", code="error", message="out of memory", hint=None)
    assert second.has_failed()
    later = EventLog(tmp_path, True, time.time() + 1)
    assert not later.has_failed()
    assert later.before == read_events(tmp_path)[-1]["elapsedSeconds"]


def plan_for(lengths: list[int], **changes: object) -> StepPlan:
    options = {
        "order": random_order(len(lengths), 3),
        "lengths": lengths,
        "trained": [max(1, length // 2) for length in lengths],
        "batch_size": 8,
        "micro_batch": 2,
        "world_size": 2,
        "reduction": "token",
        **changes,
    }
    return StepPlan(**options)


@pytest.mark.parametrize("reduction", ["token", "example"])
@pytest.mark.parametrize("world_size", [1, 2, 3, 16])
@pytest.mark.parametrize("pack_tokens", [None, 64])
def test_plan_takes_each_row_once_and_weighs_to_one(reduction: str, world_size: int, pack_tokens: int | None) -> None:
    """Whatever the ranks: a step's rows are Grappa's, none twice, and their weights are the reduction's."""
    lengths = [random.Random(5).randint(2, 64) for _ in range(21)] + [64]
    plan = plan_for(lengths, reduction=reduction, world_size=world_size, pack_tokens=pack_tokens)
    assert plan.total_steps == 9
    for step in range(1, plan.total_steps + 1):
        ranks = [plan.micro_batches(step, rank) for rank in range(world_size)]
        assert {len(batches) for batches in ranks} == {plan.accumulation}
        batches = [batch for rank in ranks for batch in rank]
        assert sorted(row for batch in batches for row in batch.rows) == sorted(plan.rows(step))
        weights = {row: weight for batch in batches for row, weight in zip(batch.rows, batch.weights, strict=True)}
        assert sum(weights[row] * plan.trained[row] for row in weights) == pytest.approx(1)
        if reduction == "example":
            assert {round(weights[row] * plan.trained[row] * len(weights), 9) for row in weights} == {1.0}
        for batch in batches:
            if pack_tokens is None:
                assert len(batch.rows) <= 2
            else:
                assert sum(lengths[row] for row in batch.rows) <= pack_tokens
    starts = [plan.rows(step) for step in (1, 3, 4)]
    assert [len(rows) for rows in starts] == [8, 6, 8]
    assert list(starts[0]) == plan.order[0][:8]
    assert list(starts[2]) == plan.order[1][:8]


def test_packed_rows_do_not_see_each_other(tiny_student: Path) -> None:
    """The same losses laid end to end as alone: positions start anew, and no row learns the first token of the next."""
    model = AutoModelForCausalLM.from_pretrained(tiny_student, dtype=torch.float32)
    learn_tokens(model, torch.float32)
    rows = [(row["inputIds"], row["labels"]) for row in random_rows(3)]
    packed = collate(rows, [1.0, 2.0, 3.0], is_packed=True)
    alone = [collate([row], [1.0], is_packed=False) for row in rows]
    weights = packed.pop("weights")
    with torch.no_grad():
        expected = [model(**{k: v for k, v in batch.items() if k != "weights"}) for batch in alone]
        torch.testing.assert_close(model(**packed), torch.cat(expected), rtol=1e-5, atol=1e-5)
    assert weights.tolist() == [float(place + 1) for place, part in enumerate(expected) for _ in part]


def test_chunks_of_the_head_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(11, 4, requires_grad=True), torch.randn(9, 4, requires_grad=True)
    targets, weights = torch.randint(9, (11,)), torch.rand(11)
    plain = torch.nn.functional.cross_entropy(hidden @ weight.t(), targets, reduction="none")
    expected = torch.autograd.grad((plain * weights).sum(), (hidden, weight))
    monkeypatch.setattr("grappa_torch.loss.CHUNK_LOGITS", 3 * 9)
    chunked = chunked_nll(hidden, weight, None, targets)
    torch.testing.assert_close(chunked, plain)
    torch.testing.assert_close(torch.autograd.grad((chunked * weights).sum(), (hidden, weight)), expected)


def test_a_rank_without_rows_weighs_nothing(tmp_path: Path, student: Path) -> None:
    job = read_config(write_job(tmp_path / "job", student, random_rows(3), batchSize=8))
    inputs = check_inputs(job)
    plan = plan_for(list(inputs.rows.lengths), order=inputs.order, world_size=4)
    batches = MicroBatches(inputs.rows, plan, 0)
    empty = next(batch for rank in range(4) for batch in plan.micro_batches(1, rank) if not batch.rows)
    tensors = batches.tensors(empty)
    assert tensors["input_ids"].shape == (1, 2)
    assert tensors["weights"].tolist() == [0.0]


def test_only_whole_checkpoints_count(tmp_path: Path) -> None:
    """Cut short, torn mark, or half deleted: none is resumed from; old ones go, the newest stay."""
    for step in (2, 4, 6, 8, 10):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "weights").write_bytes(b"1234")
        if step != 10:
            seal(folder, step, "print")
    (tmp_path / "checkpoint-8" / "weights").write_bytes(b"12")
    (tmp_path / "checkpoint-6" / "whole.json").write_text('{"step": 6, "fi')
    assert [(step, mark) for step, _, mark in whole_checkpoints(tmp_path)] == [(2, "print"), (4, "print")]
    remove_old(tmp_path, 1)
    assert not (tmp_path / "checkpoint-2").exists()
    assert [step for step, _, _ in whole_checkpoints(tmp_path)] == [4]


def test_rows_are_read_where_they_stand(tmp_path: Path, student: Path) -> None:
    rows = random_rows(7)
    store = check_inputs(read_config(write_job(tmp_path / "job", student, rows, batchSize=4))).rows
    assert isinstance(store, RowStore)
    assert [store.read(place) for place in (6, 0, 3)] == [(rows[i]["inputIds"], rows[i]["labels"]) for i in (6, 0, 3)]
