"""Runs one of Grappa's programs on a Ray cluster; the entry point of every job that `ray-launcher.ts` submits.

What is to be done stands in the variable GRAPPA_RAY, as JSON. A program that is not distributed runs once, here. A
distributed one runs once for each worker of Ray Train, as a child process with the environment of torchrun (RANK,
WORLD_SIZE, LOCAL_RANK, MASTER_ADDR ...), so that it cannot tell the two apart. A lost worker makes Ray Train start all
of them anew; the program goes on from its last checkpoint in GRAPPA_OUT.
"""

import ctypes
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

# What a program ends with that was called wrongly: another try would end alike.
CALLED_WRONGLY = 2
TIMED_OUT = 124
TERMINATED = 143
WRONG_STORAGE = 66
OVERTAKEN = 75
# Network file systems may hide a new file for half a minute.
STORAGE_PATIENCE_SECONDS = 60.0
# Within it the workers save a checkpoint when the job is stopped; the launcher lets Ray wait longer.
STOP_PATIENCE_SECONDS = 25.0
LAST_EVENTS_BYTES = 65536
HERE = os.path.dirname(os.path.abspath(__file__))


class Job:
    """What GRAPPA_RAY says, seen from the node that this process is on."""

    def __init__(self, fields: dict[str, Any]) -> None:
        """Takes the parsed variable."""
        self.fields = fields
        self.folder = pathlib.Path(fields["files"] or HERE)
        self.control = pathlib.Path(fields["control"])
        self.out = pathlib.Path(os.environ["GRAPPA_OUT"])
        self.command = [fields["program"], *fields["args"]]

    def check_storage(self) -> None:
        """Ends the process where the storage is not the folder that the launcher wrote its mark to."""
        mark = self.control / "mark"
        until = time.monotonic() + STORAGE_PATIENCE_SECONDS
        while (found := read(mark)) != self.fields["mark"] and time.monotonic() < until:
            time.sleep(0.5)
        if found == self.fields["mark"]:
            return
        what = "does not hold the launcher's mark" if found is None else "holds another launcher's mark"
        say(f"{self.control} on {socket.gethostname()} {what}: `storage` must be one folder that all machines see")
        end(WRONG_STORAGE)


def say(message: str) -> None:
    """Prints a line for the job's log."""
    print(f"grappa: {message}", flush=True)


def read(path: pathlib.Path) -> str | None:
    """The text of a small file, or None where there is none now."""
    try:
        return path.read_text().strip()
    except OSError:
        return None


def write(path: pathlib.Path, text: str) -> None:
    """Gives a file its name and its content in one step."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text)
    temporary.replace(path)


def watch(check: Callable[[], None]) -> None:
    """Calls `check` every second beside the work, which it may end."""

    def run() -> None:
        while True:
            check()
            time.sleep(1)

    threading.Thread(target=run, daemon=True).start()


def end(code: int, child: "subprocess.Popen[bytes] | None" = None) -> NoReturn:
    """Ends this process at once, whatever its threads do, and its child."""
    if child is not None:
        child.kill()
    sys.stdout.flush()
    os._exit(code)


def start_child(job: Job) -> "subprocess.Popen[bytes]":
    """Starts the program in the job's folder, in a process that dies with this one."""
    guard = [sys.executable, os.path.join(HERE, "ray_train.py"), "--child", str(os.getpid())]
    return subprocess.Popen([*guard, *job.command], cwd=job.folder, env={**os.environ, "PYTHONUNBUFFERED": "1"})


def become_child(parent: int, command: list[str]) -> NoReturn:
    """Turns this process into the program; the kernel ends it with its parent, even where that is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)
    os.execv(sys.executable, [sys.executable, *command])


def run_once(job: Job) -> int:
    """Runs the program once, on this node; its exit status."""
    child = start_child(job)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    limit = job.fields["timeoutSeconds"]
    try:
        code = child.wait(limit)
    except subprocess.TimeoutExpired:
        say(f"stopped after {limit} seconds")
        end(TIMED_OUT, child)
    return code if code >= 0 else 128 - code


def run_worker(config: dict[str, Any]) -> None:
    """The part of one worker of Ray Train."""
    import ray

    job, this_try, rank = Job(config["job"]), config["try"], os.environ["RANK"]
    say(f"rank {rank} of {os.environ['WORLD_SIZE']} on node {ray.get_runtime_context().get_node_id()}")
    job.check_storage()
    started = time.time()
    child = start_child(job)

    def heed() -> None:
        # A head that died leaves its workers alive for a while, and two tries must never write into one folder. Only a
        # later one counts: a network file system may show the earlier one's for some time.
        if (read(job.control / "try") or "") > this_try:
            say("a later try of this job has begun; this one ends")
            end(OVERTAKEN, child)
        if read(job.control / "stop") == this_try and not is_told.is_set():
            is_told.set()
            child.terminate()  # once: it may be saving for a while

    is_told = threading.Event()
    watch(heed)
    code = child.wait()
    if code == 0:
        return
    if read(job.control / "stop") == this_try:
        write(job.control / f"stopped.{rank}", this_try)
        time.sleep(STOP_PATIENCE_SECONDS)  # the driver ends the job
    if code == CALLED_WRONGLY or has_failed_for_good(job.out, started):
        write(job.control / "failed", f"{this_try} {code}")
        time.sleep(STOP_PATIENCE_SECONDS)
    raise RuntimeError(f"{job.command[0]} ended with exit status {code} (rank {rank})")


def has_failed_for_good(out: pathlib.Path, since: float) -> bool:
    """Whether the trainer's last event is a failure of this try that is the job's and not the machine's."""
    try:
        with (out / "events.jsonl").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_EVENTS_BYTES))
            event = json.loads(file.read().splitlines()[-1])
        return event["type"] == "failure" and event["code"] != "error" and event["time"] >= since
    except (OSError, ValueError, LookupError, TypeError):
        return False


def free_address() -> tuple[str, int]:
    """This node's address, and a port of it that is free now."""
    import ray.util

    with socket.socket() as probe:
        probe.bind(("", 0))
        return ray.util.get_node_ip_address(), probe.getsockname()[1]


def set_rendezvous(address: str, port: int) -> None:
    """Gives a worker the environment that torchrun would."""
    import ray.train

    context = ray.train.get_context()
    os.environ.update(
        MASTER_ADDR=address,
        MASTER_PORT=str(port),
        RANK=str(context.get_world_rank()),
        WORLD_SIZE=str(context.get_world_size()),
        LOCAL_RANK=str(context.get_local_rank()),
        LOCAL_WORLD_SIZE=str(context.get_local_world_size()),
        GROUP_RANK=str(context.get_node_rank()),
        NODE_RANK=str(context.get_node_rank()),
    )


def environment_alone() -> Any:  # noqa: ANN401 - a class of Ray's, which is imported late
    """A backend that hands out the rendezvous; the program joins the process group itself, as under torchrun.

    TorchTrainer's would join it in the worker's own process, and load PyTorch, on a GPU too, into each of Ray's.
    """
    from ray.train.backend import Backend, BackendConfig

    class EnvironmentBackend(Backend):
        share_cuda_visible_devices = True  # LOCAL_RANK counts the node's GPUs

        def on_start(self, worker_group: Any, backend_config: Any) -> None:  # noqa: ANN401
            address, port = worker_group.execute_single(0, free_address)
            worker_group.execute(set_rendezvous, address, port)

    class EnvironmentConfig(BackendConfig):
        @property
        def backend_cls(self) -> type:
            return EnvironmentBackend

    return EnvironmentConfig()


def watch_driver(job: Job, this_try: str) -> None:
    """Ends the job when its time is up, or when a worker says that another try would fail alike."""
    limit = job.fields["timeoutSeconds"]
    started = time.monotonic()

    def end_if_over() -> None:
        if limit is not None and time.monotonic() - started > limit:
            say(f"stopped after {limit} seconds")
            end(TIMED_OUT)
        failed = (read(job.control / "failed") or "").split()
        if len(failed) == 2 and failed[0] == this_try:
            say(f"exit status {failed[1]}: another try would end alike")
            time.sleep(2)  # for the workers' last lines
            end(int(failed[1]))

    watch(end_if_over)


def stop_gently(job: Job, this_try: str) -> NoReturn:
    """Lets the workers save a checkpoint, as Ray stops the job."""
    write(job.control / "stop", this_try)
    until = time.monotonic() + STOP_PATIENCE_SECONDS
    names = [f"stopped.{rank}" for rank in range(job.fields["workers"])]
    while time.monotonic() < until and any(read(job.control / name) != this_try for name in names):
        time.sleep(0.2)
    end(TERMINATED)


def run_workers(job: Job) -> int:
    """Runs the program on all workers, again where one is lost; the exit status."""
    fields = job.fields
    this_try = f"{time.time():017.3f}-{secrets.token_hex(4)}"
    write(job.control / "try", this_try)
    watch_driver(job, this_try)
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

    ray.init(logging_level="WARNING")
    signal.signal(signal.SIGTERM, lambda *_: stop_gently(job, this_try))
    gpus = fields["gpusPerWorker"]
    trainer = DataParallelTrainer(
        run_worker,
        train_loop_config={"job": fields, "try": this_try},
        backend_config=environment_alone(),
        scaling_config=ScalingConfig(
            num_workers=fields["workers"],
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": fields["cpusPerWorker"], **({"GPU": gpus} if gpus > 0 else {})},
            # GPUs of one node talk to each other fastest; CPUs gain by having a node's memory to themselves.
            placement_strategy="PACK" if gpus > 0 else "SPREAD",
        ),
        run_config=RunConfig(
            name=this_try,
            storage_path=str(job.control / "train"),
            failure_config=FailureConfig(max_failures=fields["maxFailures"]),
        ),
    )
    trainer.fit()
    return 0


def main() -> None:
    """Runs the job of GRAPPA_RAY."""
    job = Job(json.loads(os.environ["GRAPPA_RAY"]))
    job.check_storage()
    sys.exit(run_workers(job) if job.fields["isDistributed"] else run_once(job))


if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1] == "--child":
        become_child(int(sys.argv[2]), sys.argv[3:])
    # As a module of its name, so that the cluster's processes import it instead of carrying a copy of it.
    import ray_train

    ray_train.main()
