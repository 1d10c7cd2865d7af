"""Checkpoints: a folder is whole once its mark is written, last of all. What has no true mark is never resumed from."""

import json
import os
import shutil
from pathlib import Path

MARK = "whole.json"
PREFIX = "checkpoint-"


def seal(folder: Path, step: int, fingerprint: str) -> None:
    """Marks a checkpoint as whole, after its files have reached the disk."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MARK:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            files[path.relative_to(folder).as_posix()] = path.stat().st_size
    write_whole(folder / MARK, {"step": step, "fingerprint": fingerprint, "files": files})


def write_whole(path: Path, value: dict) -> None:
    """Writes JSON so that the file is there as a whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def whole_checkpoints(folder: Path) -> list[tuple[int, Path, str]]:
    """Step, folder and fingerprint of each whole checkpoint, oldest first."""
    found = []
    for path in folder.glob(f"{PREFIX}*"):
        mark = read_mark(path / MARK)
        if mark is not None and _has_files(path, mark["files"]):
            found.append((mark["step"], path, mark["fingerprint"]))
    return sorted(found)


def read_mark(path: Path) -> dict | None:
    """The mark, or None where it is missing or torn."""
    try:
        mark = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) else None


def remove_old(folder: Path, kept: int) -> None:
    """Deletes all whole checkpoints but the last `kept`."""
    for _, path, _ in whole_checkpoints(folder)[:-kept]:
        # The mark goes first: a half-deleted checkpoint must not look whole.
        (path / MARK).unlink(missing_ok=True)
        shutil.rmtree(path, ignore_errors=True)


def _has_files(folder: Path, files: dict[str, int]) -> bool:
    return all((folder / name).is_file() and (folder / name).stat().st_size == size for name, size in files.items())
