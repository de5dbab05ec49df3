"""Supervised training: a classifier learns from labels that are taken for true, be they hard or soft."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.errors import TrainingError
from special.probabilities import best
from special.progress import SILENT, Progress
from special.storage.rasters import MEMORY, Rows, ScratchSpace
from special.training.balanced_sampling import BalancedSet, OneHotTargets, Window
from special.training.checkpoint import Checkpoint
from special.training.classifier import TrainedClassifier
from special.training.objective import Term
from special.training.randomness import own_randomness, stage_generator
from special.training.scene_tiles import SceneTrainer, prepare
from special.training.settings import FitSettings
from special.training.standardise import Normalisation, loaded

if TYPE_CHECKING:
    from special.models.registry import Build
    from special.scene.scene import Scene


@dataclass(frozen=True)
class Fitted(TrainedClassifier):
    """A classifier trained on a scene.

    Attributes:
        probabilities: of that scene, float32 (rows, cols, K).
        figures: for the record: JSON, no times.
    """

    probabilities: Rows
    figures: dict[str, Any]


class Labels:
    """The objective: balanced samples of the labelled pixels, drawn by their weights.

    Args:
        targets: hard or soft labels; see ``fit``.
        weights: float32 (rows, cols) >= 0: how often a pixel is drawn within its class; 0 = never.
        settings: the ``[fit]`` section.
    """

    def __init__(self, targets: OneHotTargets | Rows, weights: np.ndarray, settings: FitSettings) -> None:
        used = weights > 0
        labels = np.where(used, targets.labels, -1) if isinstance(targets, OneHotTargets) else best(targets, used)
        self.set = BalancedSet(labels, weights, class_count(targets), balance=settings.balance, guide=1.0)
        self.targets = targets
        self.per_class = settings.pixels_per_class

    def begin_epoch(self, epoch: int, predicted: Callable[[], Rows], generator: np.random.Generator) -> dict[str, Any]:
        """The labels stay as they are."""
        return {}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the one term of the loss."""
        sample = self.set.draw(window, owned, per_class=self.per_class, generator=generator)
        return [Term.of("labels", 1.0, sample, self.targets[window])]


def class_count(targets: OneHotTargets | Rows) -> int:
    """Return the number of classes K of hard or soft labels."""
    return len(targets.classes) if isinstance(targets, OneHotTargets) else targets.shape[-1]


def fit(
    cube: np.ndarray | Scene,
    valid: np.ndarray,
    targets: OneHotTargets | Rows,
    weights: np.ndarray,
    settings: FitSettings,
    build: Build,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    scratch: ScratchSpace = MEMORY,
    progress: Progress = SILENT,
) -> Fitted:
    """Train a fresh classifier on labels.

    Args:
        cube: float32 (rows, cols, bands), any unit; or a scene, which is read by windows where it is large.
        valid: bool (rows, cols).
        targets: hard labels, ``OneHotTargets(labels, K)`` of an int image (rows, cols), 0..K-1, -1 = not labelled; or
            soft ones, float32 (rows, cols, K), whose rows sum to 1 where ``weights`` are not 0.
        weights: float32 or bool (rows, cols) >= 0: how often a labelled pixel is drawn within its class; 0 = never.
        settings: the ``[fit]`` section.
        build: makes the classifier of (bands, classes).
        seed: the run's.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept, so that a killed training goes on; None keeps none.
        scratch: where large arrays go, the result among them.
        progress: advanced at every step.

    Raises:
        TrainingError: no labelled pixel, or a value that is not finite.
    """
    objective = Labels(targets, np.where(valid, weights, 0).astype(np.float32), settings)
    if not objective.set.counts.any():
        raise TrainingError("fit: no valid pixel is labelled, so there is nothing to learn from")
    generator = stage_generator(seed, "fit")
    with progress.phase("standardise"):
        values = loaded(cube)
        normalisation = Normalisation.of(values, valid)
        spectra = normalisation.windows(values, valid)
        del values  # of a scene in memory only the standardised values are needed from here on
    with own_randomness(generator, device):
        model = build(cube.shape[-1], class_count(targets))
        prepare(model, spectra, valid, generator)
        trainer = SceneTrainer("fit", model, spectra, valid, settings, generator, device, scratch)
        trainer.run(objective, checkpoint, progress)
        probabilities = trainer.predicted(settings.views)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    figures = {
        "classes": {"pixels": objective.set.counts.tolist(), "shares": objective.set.shares.round(6).tolist()},
        "parameters": {"trained": trained},
        "epochs": trainer.history,
    }
    return Fitted(trainer.loop.average, normalisation, trained, probabilities, figures)
