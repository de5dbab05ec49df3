"""The one training loop: what ``warmup`` and ``refine`` have in common.

The schedule is fixed and label-free: ``epochs`` times ``steps`` optimiser steps, and nothing is selected by a score. An
epoch begins with its objective, which may look at the classifier's own predictions, and ends with a checkpoint.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from special.errors import TrainingError
from special.models.losses import pixel_cross_entropy, soft_cross_entropy
from special.models.orientation import COUNT, restore
from special.models.patches import PatchClassifier
from special.models.tiling import Windows, tiles
from special.progress import SILENT, Progress
from special.storage.rasters import MEMORY, Rows, ScratchSpace, pick, positions
from special.training.balanced_sampling import Window
from special.training.checkpoint import Checkpoint, State
from special.training.objective import Objective, Term
from special.training.predict import predict
from special.training.settings import SceneTrainingSettings

SEEN = 20_000
"""Most pixels from which a classifier finds its principal components."""


def prepare(model: nn.Module, spectra: Windows, valid: np.ndarray, generator: np.random.Generator) -> None:
    """Let a classifier of patches look at the spectra before its training, at 20,000 valid pixels at most.

    Args:
        model: any classifier.
        spectra: float32 (rows, cols, bands), standardised.
        valid: bool (rows, cols).
        generator: the stage's.
    """
    count = int(valid.sum())
    if not isinstance(model, PatchClassifier) or not count:
        return
    few = count <= SEEN
    wanted = np.arange(count) if few else np.sort(generator.choice(count, SEEN, replace=False))
    model.prepare(pick(spectra, positions(valid, wanted)))


def rate(step: int, total: int) -> float:
    """Return the share of the peak learning rate at optimiser step ``step`` of ``total``: linear rise, cosine fall."""
    rise = max(1, total // 10)
    if step < rise:
        return (step + 1) / rise
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise)))


def _owned_tiles(valid: np.ndarray, tile: int, overlap: int) -> tuple[list[Window], list[np.ndarray]]:
    """Cut a scene as prediction does, and give every valid pixel to one tile: where two overlap, each owns half.

    The balance of the classes then holds over a pass, however the tiles lie. Tiles that own nothing are left out.
    """
    windows = tiles(valid.shape[0], valid.shape[1], tile, overlap)
    owner = np.zeros(valid.shape, dtype=np.uint16 if len(windows) < 2**16 else np.int32)
    for number, (rows, cols) in enumerate(windows):
        top, left = (part.start + (overlap // 2 if part.start > 0 else 0) for part in (rows, cols))
        owner[top : rows.stop, left : cols.stop] = number
    owned = [(owner[window] == number) & valid[window] for number, window in enumerate(windows)]
    kept = [number for number, mask in enumerate(owned) if mask.any()]
    return [windows[number] for number in kept], [owned[number] for number in kept]


@dataclass
class Trainer:
    """Trains ``model`` on one scene; ``average`` is its weight-averaged twin, ``history`` one record an epoch.

    Args:
        stage: name of the step, for messages.
        model: starts from the weights it has.
        spectra: float32 (rows, cols, bands), standardised; windows are read as they are needed.
        valid: bool (rows, cols).
        settings: see ``SceneTrainingSettings``.
        generator: the stage's; with torch's own state it is the only source of chance.
        device: "cpu" or "cuda".
        scratch: where predictions go.
    """

    stage: str
    model: nn.Module
    spectra: Windows
    valid: np.ndarray
    settings: SceneTrainingSettings
    generator: np.random.Generator
    device: str
    scratch: ScratchSpace = MEMORY
    progress: Progress = field(init=False, default=SILENT)
    average: nn.Module = field(init=False)
    optimiser: torch.optim.Optimizer = field(init=False)
    history: list[dict[str, Any]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if not self.valid.any():
            raise TrainingError(f"{self.stage}: the scene has no valid pixel to learn from")
        self.model = self.model.to(self.device).train()
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay
        )
        self.windows, self.owned = _owned_tiles(self.valid, self.settings.tile, self.settings.overlap)

    def run(self, objective: Objective, checkpoint: Checkpoint | None, progress: Progress) -> None:
        """Train to the end of the schedule, from ``checkpoint`` on where it holds a state.

        Raises:
            TrainingError: a loss or a gradient is not finite.
            RunError: the checkpoint cannot be read.
        """
        settings = self.settings
        self.progress = progress
        progress.begin(self.stage, settings.epochs * settings.steps)
        state = checkpoint.load() if checkpoint else None
        if state is not None:
            self._resume(state)
            progress.advance(len(self.history) * settings.steps)
        for epoch in range(len(self.history), settings.epochs):
            with progress.phase("labels"):
                record = {"epoch": epoch + 1, **objective.begin_epoch(epoch, self.predicted, self.generator)}
            losses: dict[str, list[float]] = {}
            order: list[int] = []
            for step in range(epoch * settings.steps, (epoch + 1) * settings.steps):
                order = order or [int(i) for i in self.generator.permutation(len(self.windows))]
                number = order.pop()
                with progress.phase("draw"):
                    terms = objective.terms(self.windows[number], self.owned[number], self.generator)
                with progress.phase("learn"):
                    parts = self._step(step, self.windows[number], terms)
                for name, value in parts.items():
                    losses.setdefault(name, []).append(value)
                progress.advance(1, loss=parts["loss"])
            record.update({name: round(float(np.mean(values)), 6) for name, values in losses.items()})
            self.history.append(record)
            if checkpoint:
                checkpoint.save(self._state())
        progress.end()

    def predicted(self, views: int = 1) -> Rows:
        """Return the averaged weights' class probabilities: float32 (rows, cols, K), 0 at invalid pixels."""
        tile, overlap = self.settings.tile, self.settings.overlap
        with self.progress.phase("predict"):
            return predict(
                self.average,
                self.spectra,
                self.valid,
                tile,
                overlap,
                views=views,
                device=self.device,
                scratch=self.scratch,
            )

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the averaged weights, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.average.state_dict().items()}

    def _step(self, step: int, window: Window, terms: Sequence[Term]) -> dict[str, float]:
        settings = self.settings
        for group in self.optimiser.param_groups:
            group["lr"] = settings.learning_rate * rate(step, settings.epochs * settings.steps)
        view = int(self.generator.integers(COUNT))
        image = torch.as_tensor(self.spectra[window]).permute(2, 0, 1)[None].to(self.device)  # channels last: no copy
        logits = self._logits(step, image, view, terms)
        criterion = self.model.criterion if isinstance(self.model, PatchClassifier) else pixel_cross_entropy
        scale = len(self.windows)  # a tile stands for the whole scene
        loss = torch.zeros((), device=self.device)
        parts = {}
        for term in terms:
            index, targets, weights = (
                torch.from_numpy(a).to(self.device) for a in (term.index, term.targets, term.weights)
            )
            part = scale * soft_cross_entropy(logits[index], targets, weights, criterion)
            loss = loss + term.factor * part
            parts[f"loss_{term.name}"] = part.detach()
        if isinstance(self.model, PatchClassifier):
            loss = loss + self.model.penalty()
        parts["loss"] = loss.detach()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        parts["gradient"] = nn.utils.clip_grad_norm_(self.model.parameters(), settings.max_grad_norm)
        # The one time that a step waits for the device.
        figures = dict(zip(parts, torch.stack(list(parts.values())).tolist(), strict=True))
        for what in ("loss", "gradient"):
            if not math.isfinite(figures[what]):
                raise TrainingError(self._complaint(step, what, logits.detach(), terms))
        del figures["gradient"]
        self.optimiser.step()
        decay = min(settings.ema_decay, (step + 1) / (step + 10))  # a short history is averaged over a short time
        with torch.no_grad():
            for kept, new in zip(self.average.state_dict().values(), self.model.state_dict().values(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, 1 - decay)
                else:
                    kept.copy_(new)
        return figures

    def _logits(self, step: int, image: Tensor, view: int, terms: Sequence[Term]) -> Tensor:
        """Return the logits of the window's pixels, (pixels, K); a classifier of patches looks at the drawn ones alone.

        The others' stay 0, and no term asks for them.
        """
        if not isinstance(self.model, PatchClassifier):
            return restore(self.model(image, view), view)[0].flatten(1).T
        self.model.begin_step(step / (self.settings.epochs * self.settings.steps))
        drawn = np.unique(np.concatenate([term.index for term in terms]))
        drawn = drawn if len(drawn) else np.zeros(1, dtype=np.int64)  # the loss of a step needs a gradient, if of 0
        index = torch.from_numpy(drawn).to(self.device)
        some = self.model.logits_at(image, index, view)
        return some.new_zeros(image.shape[-2] * image.shape[-1], some.shape[1]).index_copy(0, index, some)

    def _complaint(self, step: int, what: str, logits: Tensor, terms: Sequence[Term]) -> str:
        epoch = f"epoch {step // self.settings.steps + 1} of {self.settings.epochs}"
        classes: set[int] = set()
        for term in terms:
            targets = torch.from_numpy(term.targets)
            losses = pixel_cross_entropy(logits[torch.from_numpy(term.index).to(logits.device)].cpu(), targets)
            wrong = ~torch.isfinite(losses) | ~torch.isfinite(torch.from_numpy(term.weights))
            classes |= {int(k) + 1 for k in targets[wrong].nan_to_num(nan=math.inf).argmax(dim=1)}
        named = "class " + ", ".join(map(str, sorted(classes))) if classes else "no single class"
        return (
            f"{self.stage}: the {what} is not finite in {epoch}, {named}: "
            f"lower {self.stage}.learning_rate, or mask pixels with extreme values"
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

    def _resume(self, state: State) -> None:
        def part(name: str) -> dict[str, Tensor]:
            return {key.removeprefix(name): value for key, value in state.tensors.items() if key.startswith(name)}

        self.model.load_state_dict(part("model."))
        self.average.load_state_dict(part("average."))
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in part("optimiser.").items():
            number, name = key.split(".", 1)
            slots.setdefault(int(number), {})[name] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        torch.set_rng_state(state.tensors["random.torch"])
        if self.device.startswith("cuda"):
            torch.cuda.set_rng_state(state.tensors["random.cuda"])
        self.generator.bit_generator.state = state.progress["random"]
        self.history = list(state.progress["history"])
