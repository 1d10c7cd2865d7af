"""TRL's SFTTrainer with rows, order, weights, events and checkpoints that are ours."""

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.utils.data import DataLoader
from transformers import PrinterCallback, TrainerCallback
from trl import SFTTrainer

from grappa_torch import checkpoints
from grappa_torch.batches import MicroBatches, loader_of
from grappa_torch.config import TrainingJob
from grappa_torch.events import EventLog, finite
from grappa_torch.failures import JobFailure, JobInterrupted
from grappa_torch.plan import StepPlan
from grappa_torch.setup import Setup


@dataclass
class Run:
    """What the trainer needs beside TRL's arguments."""

    job: TrainingJob
    setup: Setup
    plan: StepPlan
    batches: MicroBatches
    events: EventLog
    fingerprint: str
    parameters: int
    was_told_to_end: Callable[[], bool]


@dataclass
class StepReport:
    """One optimizer step as all ranks know it, before the update."""

    loss: float
    gradient_norm: float
    learning_rate: float
    peak_memory: int
    is_over_time: bool
    is_interrupted: bool


class GrappaTrainer(SFTTrainer):
    """Batches come from the plan, losses are weighed by it, and each step is told in an event."""

    def __init__(self, run: Run, **arguments: Any) -> None:  # noqa: ANN401 - TRL's
        """As SFTTrainer, whose data collator, logging and saving are not used."""
        self.run = run
        super().__init__(**arguments, data_collator=lambda items: items)
        # TRL casts the adapters of a base in 4 bits to bf16, which is too coarse for updates and moments.
        for parameter in self.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        self.remove_callback(PrinterCallback)
        self.add_callback(StepEvents(self))
        # Else transformers would write its own idea of the special tokens into the model's config.
        self.processing_class = None
        self.model_accepts_loss_kwargs = True
        self.report: StepReport | None = None
        self.end: str | None = None
        self.step_loss = torch.zeros((), device=self.args.device)

    def get_train_dataloader(self) -> DataLoader:
        """The plan's micro-batches of this rank; accelerate would repeat rows to fill a batch."""
        is_cuda = self.run.setup.device == "cuda"
        return loader_of(self.run.batches, workers=2 if is_cuda else 0, pins_memory=is_cuda)

    def _get_num_items_in_batch(self, batch_samples: list, device: torch.device) -> torch.Tensor:
        """One: the weights of the rows hold every denominator already."""
        return torch.ones((), device=device)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The micro-batch's part of the step's loss, times the ranks, since gradients are averaged over them."""
        weights = inputs.pop("weights")
        loss = (model(**inputs) * weights).sum()
        self.step_loss += loss.detach()
        return loss * self.args.world_size

    def floating_point_ops(self, inputs: dict[str, torch.Tensor]) -> int:
        """Not counted here: Grappa knows the tokens and the parameters."""
        return 0

    def _clip_grad_norm(self, model: torch.nn.Module) -> torch.Tensor:
        """Clips; the last moment before the update, at which all ranks agree on the step and on going on."""
        norm = super()._clip_grad_norm(model)
        if hasattr(norm, "full_tensor"):
            norm = norm.full_tensor()
        self.report = self._agree(float(norm))
        self.step_loss.zero_()
        if not (math.isfinite(self.report.loss) and math.isfinite(self.report.gradient_norm)):
            self._refuse_step()
        return norm

    def _agree(self, norm: float) -> StepReport:
        """Loss summed over ranks, the fullest GPU, and whether any rank wants to end: one exchange."""
        limit = self.run.job.stopAfterSeconds
        is_cuda = self.run.setup.device == "cuda"
        mine = torch.tensor(
            [
                self.step_loss.item(),
                torch.cuda.max_memory_allocated() if is_cuda else 0,
                float(limit is not None and self.run.events.is_writer and self.run.events.elapsed() >= limit),
                float(self.run.was_told_to_end()),
            ],
            dtype=torch.float64,
        )
        parts = [mine]
        if self.args.world_size > 1:
            mine = mine.to(self.args.device)
            parts = [torch.empty_like(mine) for _ in range(self.args.world_size)]
            distributed.all_gather(parts, mine)
        every = torch.stack(parts).cpu()
        return StepReport(
            loss=float(every[:, 0].sum()),
            gradient_norm=norm,
            learning_rate=self._get_learning_rate(),
            peak_memory=int(every[:, 1].max()),
            is_over_time=bool(every[:, 2].any()),
            is_interrupted=bool(every[:, 3].any()),
        )

    def _refuse_step(self) -> None:
        step = self.state.global_step + 1
        emit_step(self.run, step, self.report, seconds=0.0)
        what = f"loss {self.report.loss}, gradient norm {self.report.gradient_norm}"
        raise JobFailure(
            "loss-not-finite",
            f"step {step} is not a number: {what}; its update was not made",
            "a smaller learning rate, or precision f32",
        )

    def _save_checkpoint(self, model: torch.nn.Module, trial: None) -> None:
        """Saves and seals: a checkpoint that was cut short is never taken for a whole one."""
        step = self.state.global_step
        folder = Path(self.args.output_dir) / f"{checkpoints.PREFIX}{step}"
        if self.args.should_save:
            # Left by a try that died while it was saving.
            shutil.rmtree(folder, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        # Not SFTTrainer's, which writes a card and asks the hub about it.
        super(SFTTrainer, self)._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            checkpoints.seal(folder, step, self.run.fingerprint)
            checkpoints.remove_old(folder.parent, self.run.job.checkpointsKept)
        self.accelerator.wait_for_everyone()
        self.run.events.emit("checkpoint", step=step, path=f"{folder.parent.name}/{folder.name}")

    def sharding(self) -> str:
        """What is really done with the weights, whatever was asked for."""
        if self.accelerator.is_fsdp2:
            return "fsdp2"
        return "none" if self.args.world_size == 1 else "ddp"


class StepEvents(TrainerCallback):
    """Tells each step, and decides on checkpoints and on the end."""

    def __init__(self, trainer: GrappaTrainer) -> None:
        """For `trainer`."""
        self.trainer = trainer
        self.at = time.monotonic()

    def on_train_begin(self, args: object, state: object, control: object, **_: object) -> None:
        """Starts the clock of the first step."""
        self.at = time.monotonic()

    def on_step_end(self, args: object, state: object, control: Any, **_: object) -> None:  # noqa: ANN401
        """Emits the step; asks for a checkpoint where one is due, or where the job has to end."""
        run, report, step = self.trainer.run, self.trainer.report, state.global_step
        now = time.monotonic()
        emit_step(run, step, report, seconds=now - self.at)
        self.at = now
        is_last = step >= run.plan.total_steps
        has_to_end = (report.is_over_time or report.is_interrupted) and not is_last
        control.should_save = has_to_end or (step % run.job.checkpointEverySteps == 0 and not is_last)
        if has_to_end:
            control.should_training_stop = True
            self.trainer.end = "interrupted" if report.is_interrupted else "stopped"


def emit_step(run: Run, step: int, report: StepReport, *, seconds: float) -> None:
    """The event of a step."""
    plan = run.plan
    run.events.emit(
        "step",
        step=step,
        epoch=step / plan.total_steps * run.job.epochs,
        loss=finite(report.loss),
        gradientNorm=finite(report.gradient_norm),
        learningRate=report.learning_rate,
        tokens=plan.tokens(step),
        trainedTokens=plan.trained_tokens(step),
        seconds=seconds,
        peakMemoryBytes=report.peak_memory if run.setup.device == "cuda" else None,
    )


def last_checkpoint(trainer: GrappaTrainer, folder: Path) -> tuple[int, Path | None]:
    """Step and folder of the checkpoint to go on from, as rank zero sees it; (0, None) without one."""
    whole = checkpoints.whole_checkpoints(folder) if trainer.is_world_process_zero() else []
    strange = [path.name for _, path, fingerprint in whole if fingerprint != trainer.run.fingerprint]
    choice: list = [(whole[-1][0], str(whole[-1][1])) if whole else (0, None), strange]
    if trainer.args.world_size > 1:
        distributed.broadcast_object_list(choice, src=0)
    (step, path), strange = choice
    if strange:
        raise JobFailure(
            "error",
            f"{folder.name}/{strange[0]} is of another training: its rows, order or settings are not these",
            "give each training a folder of its own",
        )
    return step, Path(path) if path else None


def raise_if_interrupted(trainer: GrappaTrainer) -> None:
    """After the loop: SIGTERM ends the process with its checkpoint saved."""
    if trainer.end == "interrupted":
        raise JobInterrupted(trainer.state.global_step)
