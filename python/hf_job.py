"""Runs one job of Grappa inside a container of Hugging Face Jobs; standard library only.

The job's files come on a read-only mount (`GRAPPA_IN`: `launch.json`, `files/`); what it makes goes to a bucket that is
mounted for writing (`GRAPPA_BUCKET`), so that a retry, or a job of the same name, finds it again. The mount takes whole
files, written from start to end, and nothing else. So the program writes to a folder of this machine's disk
(`GRAPPA_OUT`), and what has changed there is copied every minute and at the end: each content once, under its SHA-256,
and last a manifest that names them. Grappa reads that manifest (`hf-jobs-output.ts`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

PIECE = 8 * 1024 * 1024
SCHEMA_VERSION = 1
# What a program gets to save its checkpoint once it is told to end, as on other launchers (torchrun-command.ts).
GRACE_SECONDS = 120
# The trainer's (grappa_torch/checkpoints.py): its folder of checkpoints, and the file that makes one whole.
CHECKPOINTS = "checkpoints"
MARK = "whole.json"


def say(message: str) -> None:
    """A line for the job's log."""
    print(f"grappa: {message}", flush=True)


class Store:
    """What a job has made so far, in the bucket: contents by hash, and the manifest that names them."""

    def __init__(self, folder: Path) -> None:
        """Opens it; the folder need not be there."""
        self.folder = folder
        self.objects = folder / "objects"
        self.known: dict[str, tuple[int, int, str]] = {}
        self.manifest = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            manifest = json.loads((self.folder / "manifest.json").read_text("utf-8"))
            if manifest["schemaVersion"] == SCHEMA_VERSION:
                return manifest
            say(f"the bucket's manifest has version {manifest['schemaVersion']}: starting from nothing")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"the bucket's manifest cannot be read ({error}): starting from nothing")
        return {"schemaVersion": SCHEMA_VERSION, "files": {}, "state": {}}

    def restore(self, out: Path) -> None:
        """Brings back what an earlier try made. A file that is damaged or gone is left out, and said to be."""
        for name, entry in self.manifest["files"].items():
            target = out / name
            if not target.resolve().is_relative_to(out.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                found = copy_hashed(self.objects / entry["sha256"], target)
            except OSError as error:
                found = str(error)
            if found == entry["sha256"]:
                info = target.stat()
                self.known[name] = (info.st_size, info.st_mtime_ns, found)
            else:
                say(f"{name} could not be restored: {found}")
                target.unlink(missing_ok=True)

    def push(self, out: Path, state: dict[str, Any], quiet_seconds: float) -> None:
        """Copies what has changed; folders that are being written wait for the next time."""
        files: dict[str, Any] = {}
        for unit, paths in units_of(out, quiet_seconds):
            files |= self._pushed(unit) if paths is None else self._keep_all(out, paths)
        last = self._last_whole(files)
        if last is not None:
            files = {name: entry for name, entry in files.items() if unit_of(name) != last} | self._pushed(last)
        manifest = {"schemaVersion": SCHEMA_VERSION, "files": files, "state": state}
        if manifest != self.manifest:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
            self.manifest = manifest
        self._drop({entry["sha256"] for entry in files.values()})

    def _pushed(self, unit: str) -> dict[str, Any]:
        """What the bucket has of a unit."""
        return {name: entry for name, entry in self.manifest["files"].items() if unit_of(name) == unit}

    def _last_whole(self, files: dict[str, Any]) -> str | None:
        """The newest checkpoint that was pushed whole, unless `files` has it or a newer one.

        Programs remove old checkpoints, maybe all that were pushed before a newer one is: that would leave nothing.
        """
        last = max(whole_checkpoints(self.manifest["files"]), key=step_of, default=None)
        if last is None or any(step_of(unit) >= step_of(last) for unit in whole_checkpoints(files)):
            return None
        return last

    def _keep_all(self, out: Path, paths: list[Path]) -> dict[str, Any]:
        """A unit's files; none where the program removes it meanwhile: no half of it is kept."""
        entries = {}
        for path in paths:
            name = path.relative_to(out).as_posix()
            try:
                entry = self._keep(name, path)
            except FileNotFoundError:
                if path.exists():
                    raise
                entry = None
            if entry is None:
                return {}
            entries[name] = entry
        return entries

    def _keep(self, name: str, path: Path) -> dict[str, Any] | None:
        before = stamp(path)
        known = self.known.get(name)
        if before is None:
            return None
        if known is None or known[:2] != before:
            digest = file_hash(path)
            self.objects.mkdir(parents=True, exist_ok=True)
            target = self.objects / digest
            if not target.exists() or target.stat().st_size != before[0]:
                copied = copy_hashed(path, target)
                if copied != digest:  # it grew meanwhile: what was pushed of it before stands until the next time
                    target.unlink(missing_ok=True)
                    return self.manifest["files"].get(name)
            if stamp(path) != before:  # it grew meanwhile: what was copied is a state that it was in
                before = (target.stat().st_size, -1)
            self.known[name] = (*before, digest)
        size, _, digest = self.known[name]
        return {"size": size, "sha256": digest}

    def _drop(self, used: set[str]) -> None:
        """Forgets contents that no file has any more: checkpoints that the program removed."""
        if not self.objects.is_dir():
            return
        for path in self.objects.iterdir():
            if path.name not in used:
                path.unlink(missing_ok=True)


def stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where it is gone."""
    try:
        info = path.stat()
    except OSError:
        return None
    return (info.st_size, info.st_mtime_ns)


def unit_of(name: str) -> str:
    """What is pushed whole or not at all: a file or folder of the first level, or a single checkpoint."""
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == CHECKPOINTS else parts[0]


def step_of(unit: str) -> int:
    """The step of a checkpoint; -1 of anything else."""
    number = unit.rpartition("-")[2]
    return int(number) if unit.startswith(f"{CHECKPOINTS}/") and number.isdecimal() else -1


def whole_checkpoints(names: Iterable[str]) -> set[str]:
    """Checkpoints that have their mark."""
    units = {unit_of(name) for name in names if name == f"{unit_of(name)}/{MARK}"}
    return {unit for unit in units if step_of(unit) >= 0}


def units_of(out: Path, quiet_seconds: float) -> list[tuple[str, list[Path] | None]]:
    """Units and their files, the newest checkpoint first of these; None where a folder is being written just now."""
    found: dict[str, list[Path]] = {}
    for path in sorted(out.rglob("*")):
        found.setdefault(unit_of(path.relative_to(out).as_posix()), []).append(path)
    newest = time.time() - quiet_seconds
    units: list[tuple[str, list[Path] | None]] = []
    for unit in sorted(found, key=lambda unit: (-step_of(unit), unit)):
        is_busy = (out / unit).is_dir() and any((stamp(path) or (0, 0))[1] / 1e9 > newest for path in found[unit])
        units.append((unit, None if is_busy else [path for path in found[unit] if path.is_file()]))
    return units


def file_hash(path: Path) -> str:
    """SHA-256, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def copy_hashed(source: Path, target: Path) -> str:
    """Copies from start to end, as the mount wants it; the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while piece := reader.read(PIECE):
            digest.update(piece)
            writer.write(piece)
    return digest.hexdigest()


class Job:
    """One try of a job."""

    def __init__(self, source: Path, bucket: Path, work: Path) -> None:
        """Reads what is to be done."""
        self.spec = json.loads((source / "launch.json").read_text("utf-8"))
        self.source = source
        self.folder = work / "job"
        self.out = work / "out"
        self.store = Store(bucket / self.spec["name"])
        earlier = self.store.manifest["state"]
        is_retry = earlier.get("submission") == self.spec["submission"]
        self.state: dict[str, Any] = earlier if is_retry else {"submission": self.spec["submission"]}
        self.state = {**self.state, "started": self.state.get("started", time.time())}
        self.stopped_by: int | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Runs the program unless an earlier try settled it; the exit status."""
        settled = self.state.get("exit")
        if settled is not None:
            say(f"an earlier try ended by itself with status {settled}: not run again")
            return int(settled)
        left = self.seconds_left()
        if left is not None and left <= 0:
            say(f"all tries together have used the {self.spec['timeoutSeconds']} s of the job")
            return 124
        self.prepare()
        before = {path.name for path in self.out.iterdir()}
        code = self.watch()
        made = {path.name for path in self.out.iterdir()} - before
        # One that fails before it has made anything would fail again, and every try is paid for.
        if self.stopped_by is None and (code == 0 or not made):
            self.state["exit"] = code
        self.push(0)
        return code

    def seconds_left(self) -> float | None:
        """Of all tries of this submission together."""
        limit = self.spec["timeoutSeconds"]
        return None if limit is None else self.state["started"] + limit - time.time()

    def prepare(self) -> None:
        """Brings files, earlier outputs and requirements."""
        self.out.mkdir(parents=True, exist_ok=True)
        self.store.restore(self.out)
        if self.store.manifest["files"]:
            say(f"restored {len(self.store.manifest['files'])} files of an earlier try")
        shutil.copytree(self.source / "files", self.folder, dirs_exist_ok=True)
        if self.spec["requirements"].strip():
            listed = self.folder / "requirements.grappa.txt"
            listed.write_text(self.spec["requirements"], "utf-8")
            say("installing the requirements")
            install = [
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-input",
                "--disable-pip-version-check",
                "-r",
                str(listed),
            ]
            status = subprocess.run([sys.executable, *install], check=False).returncode
            if status != 0:
                say("the requirements could not be installed")
                sys.exit(status)

    def command(self) -> list[str]:
        """The program, once for each process where it is distributed."""
        program = [self.spec["program"], *self.spec["args"]]
        if not self.spec["isDistributed"]:
            return [sys.executable, *program]
        each = f"--nproc-per-node={self.spec['processes']}"
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", each, *program]

    def watch(self) -> int:
        """Runs the program to its end, and pushes what it makes."""
        environment = {**os.environ, "GRAPPA_OUT": str(self.out), "PYTHONUNBUFFERED": "1"}
        environment["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"] = str(GRACE_SECONDS)
        self.process = subprocess.Popen(self.command(), cwd=self.folder, env=environment)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.pass_on)
        ended = threading.Event()
        pusher = threading.Thread(target=self.keep_pushing, args=(ended,), daemon=True)
        pusher.start()
        try:
            code = self.process.wait(self.seconds_left())
        except subprocess.TimeoutExpired:
            say(f"stopped after {self.spec['timeoutSeconds']} s")
            self.pass_on(signal.SIGTERM, None)
            try:
                code = self.process.wait(GRACE_SECONDS + 10)  # PyTorch's agent kills first
            except subprocess.TimeoutExpired:
                self.process.kill()
                code = self.process.wait()
            code = code or 124
        ended.set()
        pusher.join()
        return 128 - code if code < 0 else code

    def pass_on(self, number: int, _frame: FrameType | None) -> None:
        """Stops the program as we are stopped."""
        self.stopped_by = number
        if self.process is not None:
            self.process.send_signal(number)

    def keep_pushing(self, ended: threading.Event) -> None:
        """Every so often until the end."""
        every = float(self.spec["pushEverySeconds"])
        while not ended.wait(every):
            self.push(min(5.0, every))

    def push(self, quiet_seconds: float) -> None:
        """Pushes; a fault of the mount is said, and tried again next time."""
        try:
            self.store.push(self.out, self.state, quiet_seconds)
        except OSError as error:
            say(f"outputs could not be pushed: {error}")


def main() -> int:
    """Reads the mounts' places from the environment."""
    source = Path(os.environ.get("GRAPPA_IN", "/grappa/in"))
    bucket = Path(os.environ.get("GRAPPA_BUCKET", "/grappa/out"))
    work = Path(os.environ.get("GRAPPA_WORK", "/tmp/grappa"))
    return Job(source, bucket, work).run()


if __name__ == "__main__":
    sys.exit(main())
