"""The checkpoints of the trainer on their way to the bucket of Hugging Face Jobs: no rotation takes them all away."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest

import hf_job
from grappa_torch import checkpoints

QUIET = 5.0


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What the trainer writes, below GRAPPA_OUT."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "events.jsonl").write_text("{}\n")
    return folder


def save(out: Path, step: int, *, is_old: bool = True) -> Path:
    """A checkpoint as the trainer seals it."""
    folder = out / hf_job.CHECKPOINTS / f"{checkpoints.PREFIX}{step}"
    (folder / "parts").mkdir(parents=True)
    for name in ("model.safetensors", "parts/moments.bin"):
        (folder / name).write_text(f"{name} {step}")
    checkpoints.seal(folder, step, "print")
    for path in [*folder.rglob("*"), folder]:
        if is_old:
            os.utime(path, times=(time.time() - 60, time.time() - 60))
    return folder


def steps_in(folder: Path, tmp_path: Path) -> list[int]:
    """Steps that a new machine could go on from."""
    restored = tmp_path / f"restored-{time.monotonic_ns()}"
    hf_job.Store(folder).restore(restored)
    return [step for step, _, _ in checkpoints.whole_checkpoints(restored / hf_job.CHECKPOINTS)]


def test_a_checkpoint_that_is_being_written_hides_no_other(out: Path, tmp_path: Path) -> None:
    save(out, 4)
    save(out, 8, is_old=False)
    store = hf_job.Store(tmp_path / "bucket")
    store.push(out, {}, QUIET)
    assert steps_in(tmp_path / "bucket", tmp_path) == [4]
    store.push(out, {}, 0)
    assert steps_in(tmp_path / "bucket", tmp_path) == [4, 8]


def test_a_rotation_during_a_push_leaves_the_newest(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copying takes minutes; meanwhile the trainer removes an old one, which must not take the others with it."""
    old = save(out, 9)
    save(out, 10)
    hash_of = hf_job.file_hash

    def hash_and_remove(path: Path) -> str:
        if path.parent == old:
            shutil.rmtree(old)
        return hash_of(path)

    monkeypatch.setattr(hf_job, "file_hash", hash_and_remove)
    hf_job.Store(tmp_path / "bucket").push(out, {}, QUIET)
    assert steps_in(tmp_path / "bucket", tmp_path) == [10]


@pytest.mark.parametrize("is_half", [True, False])
def test_what_was_pushed_stays_until_a_newer_one_is_whole(out: Path, tmp_path: Path, is_half: bool) -> None:
    """Removed here, maybe half of it so far, and the next one still being written."""
    first = save(out, 4)
    store = hf_job.Store(tmp_path / "bucket")
    store.push(out, {}, QUIET)
    (first / checkpoints.MARK).unlink()
    if not is_half:
        shutil.rmtree(first)
    second = save(out, 8)
    (second / checkpoints.MARK).unlink()
    for quiet in (QUIET, 0):
        store.push(out, {}, quiet)
        assert steps_in(tmp_path / "bucket", tmp_path) == [4]
    shutil.rmtree(first, ignore_errors=True)
    checkpoints.seal(second, 8, "print")
    store.push(out, {}, 0)
    assert steps_in(tmp_path / "bucket", tmp_path) == [8]
    used = {entry["sha256"] for entry in store.manifest["files"].values()}
    assert {path.name for path in store.objects.iterdir()} == used
    assert "events.jsonl" in json.loads((tmp_path / "bucket" / "manifest.json").read_text())["files"]


def test_contents_of_a_checkpoint_that_went_are_not_left_behind(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where nothing else has changed."""
    store = hf_job.Store(tmp_path / "bucket")
    store.push(out, {}, QUIET)
    gone = save(out, 4)
    hash_of = hf_job.file_hash

    def hash_and_remove(path: Path) -> str:
        digest = hash_of(path)
        (gone / "parts" / "moments.bin").unlink(missing_ok=True)
        return digest

    monkeypatch.setattr(hf_job, "file_hash", hash_and_remove)
    store.push(out, {}, QUIET)
    assert set(store.manifest["files"]) == {"events.jsonl"}
    assert len(list(store.objects.iterdir())) == 1
