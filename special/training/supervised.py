"""Supervised training: a classifier learns from labels that are taken for true, be they hard or soft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from special.errors import TrainingError
from special.progress import SILENT, Progress
from special.storage.rasters import Rows
from special.training.balanced_sampling import BalancedSet, Window
from special.training.checkpoint import Checkpoint
from special.training.loop import Trainer, prepare
from special.training.objective import Term
from special.training.randomness import own_randomness, stage_generator
from special.training.settings import FitSettings
from special.training.standardise import Normalisation

if TYPE_CHECKING:
    from special.models.registry import Build


@dataclass(frozen=True)
class Fitted:
    """A trained classifier.

    Attributes:
        model: what predicts, with averaged weights.
        normalisation: what its inputs are standardised with, those of other scenes as well.
        probabilities: of the scene it was trained on, float32 (rows, cols, K).
        figures: for the record: JSON, no times.
    """

    model: nn.Module
    normalisation: Normalisation
    probabilities: np.ndarray
    figures: dict[str, Any]

    @property
    def state_dict(self) -> dict[str, Tensor]:
        """The weights, on the CPU."""
        return {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}


class Labels:
    """The objective: balanced samples of the labelled pixels, drawn by their weights.

    Args:
        targets: float32 (rows, cols, K), rows sum to 1 where ``weights`` are not 0.
        weights: float32 (rows, cols) >= 0: how much a pixel is to be heard within its class; 0 = not labelled.
        settings: the ``[fit]`` section.
    """

    def __init__(self, targets: np.ndarray, weights: np.ndarray, settings: FitSettings) -> None:
        labels = np.where(weights > 0, targets.argmax(axis=-1), -1)
        self.set = BalancedSet(labels, weights, targets.shape[-1], balance=settings.balance, guide=1.0)
        self.targets = targets
        self.per_class = settings.pixels_per_class

    def begin_epoch(self, epoch: int, predicted: Callable[[], Rows], generator: np.random.Generator) -> dict[str, Any]:
        """The labels stay as they are."""
        return {}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the one term of the loss."""
        sample = self.set.draw(window, owned, per_class=self.per_class, generator=generator)
        return [Term.of("labels", 1.0, sample, self.targets[window])]


def fit(
    cube: np.ndarray,
    valid: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    settings: FitSettings,
    build: Build,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
) -> Fitted:
    """Train a fresh classifier on labels.

    Args:
        cube: float32 (rows, cols, bands), any unit.
        valid: bool (rows, cols).
        targets: labels, hard or soft, float32 (rows, cols, K): rows sum to 1 where ``weights`` are not 0.
        weights: float32 (rows, cols) >= 0, 0 = not labelled.
        settings: the ``[fit]`` section.
        build: makes the classifier of (bands, classes).
        seed: the run's.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept, so that a killed training goes on; None keeps none.
        progress: told of every step.

    Raises:
        TrainingError: no labelled pixel, or a value that is not finite.
        RunError: the checkpoint cannot be read.
    """
    weights = np.where(valid, weights, 0).astype(np.float32)
    if not weights.any():
        raise TrainingError("fit: no valid pixel is labelled, so there is nothing to learn from")
    generator = stage_generator(seed, "fit")
    normalisation = Normalisation.of(cube, valid)
    spectra = normalisation.apply(cube, valid)
    with own_randomness(generator, device):
        model = build(cube.shape[-1], targets.shape[-1])
        prepare(model, spectra, valid, generator)
        trainer = Trainer("fit", model, spectra, valid, settings, generator, device)
        objective = Labels(targets, weights, settings)
        trainer.run(objective, checkpoint, progress)
        probabilities = np.asarray(trainer.predicted(settings.views))
    figures = {
        "classes": {"pixels": objective.set.counts.tolist(), "shares": objective.set.shares.round(6).tolist()},
        "parameters": {"trained": sum(p.numel() for p in model.parameters() if p.requires_grad)},
        "epochs": trainer.history,
    }
    return Fitted(trainer.average, normalisation, probabilities, figures)
