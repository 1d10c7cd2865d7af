"""Our trainer beside plain TRL on one GPU (or, to try it out, a CPU): tokens a second, peak memory, share of the peak.

`python python/bench/gpu_train.py [--tiny] [--steps N] [--length N] [--peak FLOPS]`: a random student of the shape of
Qwen2.5-0.5B, rows of 8,192 tokens, bf16, 16 rows a step. TRL runs with its defaults but for `max_length`, without which
it would cut the rows at 1,024. Each trains in a process of its own; the first steps, which warm up, are left
out. Prints one line of JSON; operations are counted as src/ledger/training-forecast.ts counts them.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PYTHON_FOLDER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PYTHON_FOLDER / "tests"))
sys.path.insert(0, str(PYTHON_FOLDER))

BATCH = 16
WARM_UP = 2
#: Dense bf16 of an H100 or H200 (src/ledger/gpu-offers.ts).
PEAK = 989e12
HALF_BILLION = {
    "vocab_size": 151_936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}
TINY = {
    **HALF_BILLION,
    "vocab_size": 320,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def write_student(folder: Path, shape: dict, length: int) -> int:
    """A random Qwen2 of this shape; returns its number of parameters."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(**shape, max_position_embeddings=length, rope_theta=1e6)
    model = Qwen2ForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def write_rows(path: Path, *, rows: int, length: int, ids: int) -> list[dict]:
    """Rows of one length whose first tenth is a prompt."""
    source = random.Random(0)
    made = []
    for _ in range(rows):
        tokens = [source.randrange(ids) for _ in range(length)]
        made.append({"inputIds": tokens, "labels": [-100] * (length // 10) + tokens[length // 10 :]})
    return made


def run_ours(folder: Path, student: Path, rows: list[dict], options: argparse.Namespace) -> dict:
    """Our trainer, by its own events."""
    from train_jobs import write_job

    device = "cuda" if options.device == "cuda" else "cpu"
    changes = {
        "epochs": 1,
        "batchSize": BATCH,
        "maxLength": options.length,
        "addedIds": 1,
        "precision": "bf16" if device == "cuda" else "f32",
        "attention": "auto",
        "device": device,
        "checkpointEverySteps": 10_000,
    }
    config = write_job(folder, student, rows, **changes)
    subprocess.run(
        [sys.executable, str(PYTHON_FOLDER / "train.py"), str(config)], check=True, stdout=subprocess.DEVNULL
    )
    events = [json.loads(line) for line in (folder / "out" / "events.jsonl").read_text().splitlines()]
    steps = [event for event in events if event["type"] == "step"][WARM_UP:]
    seconds = statistics.median(step["seconds"] for step in steps)
    return {
        "tokensPerSecond": steps[0]["tokens"] / seconds,
        "secondsAStep": seconds,
        "peakMemoryBytes": steps[-1]["peakMemoryBytes"],
        "attention": next(event["attention"] for event in events if event["type"] == "start"),
    }


def run_trl(folder: Path, student: Path, options: argparse.Namespace) -> dict:
    """Plain TRL in this process: called by itself with --trl."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    lines = [json.loads(line) for line in (folder / "examples.jsonl").read_text().splitlines()]
    data = Dataset.from_list([{"input_ids": line["inputIds"], "labels": line["labels"]} for line in lines])
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: object, **__: object) -> None:
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            times.append(time.perf_counter())

    arguments = SFTConfig(
        output_dir=str(folder / "trl"),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=BATCH,
        max_length=options.length,
        num_train_epochs=1,
        bf16=options.device == "cuda",
        use_cpu=options.device != "cuda",
        report_to=[],
        save_strategy="no",
    )
    trainer = SFTTrainer(model=str(student), args=arguments, train_dataset=data, callbacks=[Clock()])
    trainer.train()
    spans = [after - before for before, after in zip(times, times[1:], strict=False)][WARM_UP - 1 :]
    seconds = statistics.median(spans)
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    return {"tokensPerSecond": BATCH * options.length / seconds, "secondsAStep": seconds, "peakMemoryBytes": peak}


def main() -> None:
    """Makes the student and the rows, trains twice, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tiny", action="store_true", help="a student that a CPU trains in seconds, to try the bench out"
    )
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--length", type=int, default=8192)
    parser.add_argument("--peak", type=float, default=PEAK, help="dense bf16 operations a second of the GPU")
    parser.add_argument("--trl", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    import torch

    options.device = "cuda" if torch.cuda.is_available() else "cpu"
    if options.trl is not None:
        print(json.dumps(run_trl(options.trl, options.trl / "student", options)))
        return
    shape = TINY if options.tiny else HALF_BILLION
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        parameters = write_student(folder / "student", shape, options.length)
        rows = write_rows(folder, rows=BATCH * options.steps, length=options.length, ids=shape["vocab_size"])
        ours = run_ours(folder, folder / "student", rows, options)
        command = [sys.executable, __file__, "--trl", str(folder), "--length", str(options.length)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        trl = json.loads(done.stdout.splitlines()[-1])
    # 6 operations a parameter and token, and attention's, as src/ledger/training-forecast.ts counts.
    attention = 6 * shape["num_hidden_layers"] * shape["hidden_size"] * options.length
    operations = 6 * parameters + attention
    gpu = torch.cuda.get_device_name() if options.device == "cuda" else None
    for one in (ours, trl):
        one["mfu"] = one["tokensPerSecond"] * operations / options.peak if gpu else None
    print(
        json.dumps(
            {
                "bench": "gpu-train",
                "gpu": gpu,
                "parameters": parameters,
                "length": options.length,
                "ours": ours,
                "trl": trl,
            }
        )
    )


if __name__ == "__main__":
    main()
