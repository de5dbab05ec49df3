"""The one training loop: AdamW on a fixed schedule, whatever is learned from.

The schedule needs no labels: ``epochs`` times ``steps`` optimiser steps, and nothing is selected by a score. What is
learned from, the tiles of a scene or cubes of images, comes in as ``Examples``. An epoch ends with a checkpoint, from
which a killed training goes on; on the CPU it then ends in the same bits as one that was not killed.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from special.errors import TrainingError
from special.models.losses import pixel_cross_entropy, soft_cross_entropy
from special.models.patches import PatchClassifier
from special.progress import SILENT, Progress
from special.training.checkpoint import Checkpoint, State
from special.training.settings import OptimiserSettings


@dataclass(frozen=True)
class Part:
    """One part of the loss of a step: ``factor * scale`` times the weighted sum of the examples' losses.

    Attributes:
        name: the history lists the part as ``loss_<name>``, without its factor.
        factor: what the part weighs beside the others.
        logits, targets: float (n, K); rows of the targets sum to 1.
        weights: float (n,).
        scale: how many such batches all examples make, so that the loss stands for all of them.
    """

    name: str
    factor: float
    logits: Tensor
    targets: Tensor
    weights: Tensor
    scale: float = 1


class Batch(Protocol):
    """The examples of one step."""

    def parts(self, model: nn.Module) -> Iterable[Part]:
        """Classify the examples; yield the parts of the loss, one after the other."""


class Examples(Protocol):
    """What a training learns from. No checkpoint holds it: what ``begin_epoch`` does not make must never change."""

    def begin_epoch(self, epoch: int, generator: np.random.Generator) -> dict[str, Any]:
        """Get ready for ``epoch`` (from 0); return figures for the history, as JSON."""

    def draw(self, generator: np.random.Generator) -> Batch:
        """Return the examples of the next step."""


def rate(step: int, total: int) -> float:
    """Return the share of the peak learning rate at optimiser step ``step`` of ``total``: linear rise, cosine fall."""
    rise = max(1, total // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


class TrainingLoop:
    """Trains ``model``.

    Args:
        stage: name of the step, for progress and messages.
        model: starts from the weights it has.
        settings: the section of the training.
        generator: the stage's; with torch's own state it is the only source of chance.
        device: "cpu" or "cuda".

    Attributes:
        average: the twin of ``model`` whose weights are averaged over the steps, the one that predicts.
        optimiser: AdamW.
        history: one record an epoch, JSON: ``epoch`` (from 1), the figures of the examples, the mean losses.
    """

    def __init__(
        self, stage: str, model: nn.Module, settings: OptimiserSettings, generator: np.random.Generator, device: str
    ) -> None:
        self.stage = stage
        self.model = model.to(device).train()
        self.settings = settings
        self.generator = generator
        self.device = device
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser: torch.optim.Optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.history: list[dict[str, Any]] = []

    @property
    def total(self) -> int:
        """The number of optimiser steps."""
        return self.settings.epochs * self.settings.steps

    def run(self, examples: Examples, checkpoint: Checkpoint | None = None, progress: Progress = SILENT) -> None:
        """Train to the end of the schedule, from ``checkpoint`` on where it holds a state.

        Raises:
            TrainingError: a loss or a gradient is not finite.
        """
        steps = self.settings.steps
        progress.begin(self.stage, self.total)
        state = checkpoint.load(progress) if checkpoint else None
        if checkpoint and state is not None:
            if self._resumed(state):
                progress.advance(len(self.history) * steps)
            else:
                checkpoint.say_damaged(progress)
        for epoch in range(len(self.history), self.settings.epochs):
            with progress.phase("labels"):
                record = {"epoch": epoch + 1, **examples.begin_epoch(epoch, self.generator)}
            losses: dict[str, list[float]] = {}
            for step in range(epoch * steps, (epoch + 1) * steps):
                with progress.phase("draw"):
                    batch = examples.draw(self.generator)
                with progress.phase("learn"):
                    figures = self.step(step, batch)
                for name, value in figures.items():
                    losses.setdefault(name, []).append(value)
                progress.advance(1, loss=figures["loss"])
            record.update({name: round(float(np.mean(values)), 6) for name, values in losses.items()})
            self.history.append(record)
            if checkpoint:
                checkpoint.save(self._state())
        progress.end()

    def step(self, number: int, batch: Batch) -> dict[str, float]:
        """Take optimiser step ``number`` (from 0); return the loss and its parts by name.

        Raises:
            TrainingError: the loss or the gradient is not finite.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * rate(number, self.total)
        loss, figures, parts = self._loss(number, batch)
        figures["loss"] = loss.detach()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        figures["gradient"] = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.max_grad_norm)
        # The one time that a step waits for the device.
        values = dict(zip(figures, torch.stack(list(figures.values())).tolist(), strict=True))
        for what in ("loss", "gradient"):
            if not math.isfinite(values[what]):
                raise TrainingError(self._not_finite(number, what, parts))
        del values["gradient"]
        self.optimiser.step()
        self._update_average(number)
        return values

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the averaged weights, on the CPU: tensors (...) by name."""
        return {name: value.detach().cpu().clone() for name, value in self.average.state_dict().items()}

    def _loss(self, number: int, batch: Batch) -> tuple[Tensor, dict[str, Tensor], list[Part]]:
        """Return the loss, its parts by name, and what they were made of."""
        patches = self.model if isinstance(self.model, PatchClassifier) else None
        if patches is not None:
            patches.begin_step(number / self.total)
        criterion = pixel_cross_entropy if patches is None else patches.criterion
        loss = torch.zeros((), device=self.device)
        figures: dict[str, Tensor] = {}
        parts: list[Part] = []
        for part in batch.parts(self.model):
            value = part.scale * soft_cross_entropy(part.logits, part.targets, part.weights, criterion)
            loss = loss + part.factor * value
            figures[f"loss_{part.name}"] = value.detach()
            parts.append(part)
        return loss if patches is None else loss + patches.penalty(), figures, parts

    def _update_average(self, number: int) -> None:
        # A short history is averaged over a short time.
        decay = min(self.settings.ema_decay, (number + 1) / (number + 10))
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - decay)
                else:
                    kept.copy_(new)

    def _not_finite(self, number: int, what: str, parts: Sequence[Part]) -> str:
        epoch = f"epoch {number // self.settings.steps + 1} of {self.settings.epochs}"
        classes: set[int] = set()
        for part in parts:
            targets, weights = part.targets.cpu(), part.weights.cpu()
            losses = pixel_cross_entropy(part.logits.detach().cpu(), targets)
            wrong = ~torch.isfinite(losses) | ~torch.isfinite(weights)
            classes |= {int(k) + 1 for k in targets[wrong].nan_to_num(nan=math.inf).argmax(dim=1)}
        named = "class " + ", ".join(map(str, sorted(classes))) if classes else "no single class"
        return (
            f"{self.stage}: the {what} is not finite in {epoch}, {named}: "
            f"lower {self.settings.section}.learning_rate, or mask pixels with extreme values"
        )

    def _state(self) -> State:
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in slots.items()}
        tensors["random.torch"] = torch.get_rng_state()
        if self.device.startswith("cuda"):
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        return State(tensors, {"history": self.history, "random": self.generator.bit_generator.state})

    def _resumed(self, state: State) -> bool:
        """Go on from a state; where it is none of this training, whoever has made it, stay as it was."""
        before = copy.deepcopy(self._state())
        try:
            self._check(state)
            self._resume(state)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            self._resume(before)
            return False
        return True

    def _check(self, state: State) -> None:
        """Look at what loading does not: it takes slots of any shape, and a history of anything.

        Raises:
            ValueError, or any of the errors that wrong types lead to.
        """
        for name, value in state.tensors.items():
            if value.is_floating_point() and not bool(value.isfinite().all()):
                raise ValueError(f"{name} is not finite")
        parameters, slots = list(self.model.parameters()), _part(state, "optimiser.")
        for number in {name.partition(".")[0] for name in slots}:
            shape = parameters[int(number)].shape
            wanted = {"step": torch.Size(), "exp_avg": shape, "exp_avg_sq": shape}  # of AdamW
            if {name: slots[f"{number}.{name}"].shape for name in wanted} != wanted:
                raise ValueError(f"the optimiser's state of parameter {number} does not fit")
        history = state.progress["history"]
        if [record["epoch"] for record in history] != list(range(1, len(history) + 1)):
            raise ValueError("the history is not that of epochs")
        if len(history) > self.settings.epochs or not all(math.isfinite(record["loss"]) for record in history):
            raise ValueError("the history is not of this training")

    def _resume(self, state: State) -> None:
        self.model.load_state_dict(_part(state, "model."))
        self.average.load_state_dict(_part(state, "average."))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in _part(state, "optimiser.").items():
            number, name = key.split(".", 1)
            slots.setdefault(int(number), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        torch.set_rng_state(state.tensors["random.torch"])
        if self.device.startswith("cuda"):
            torch.cuda.set_rng_state(state.tensors["random.cuda"])
        self.generator.bit_generator.state = state.progress["random"]
        self.history = list(state.progress["history"])


def _part(state: State, name: str) -> dict[str, Tensor]:
    """The tensors of a state whose names begin with ``name``, by what comes after it."""
    return {key.removeprefix(name): value for key, value in state.tensors.items() if key.startswith(name)}
