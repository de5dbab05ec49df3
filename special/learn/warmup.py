"""Class-balanced warmup: the classifier learns the pseudo-labels, guided by how sure they are.

Source: SPECIAL (arXiv 2501.16222), second stage, warmup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from special.learn.checkpoint import Checkpoint
from special.learn.inputs import standardise
from special.learn.predict import blend
from special.learn.sampling import class_weights, draw
from special.learn.split import bvsb, require_finite
from special.learn.train import Build, Term, Trainer, TrainSettings, Window, stage_generator
from special.progress import SILENT, Progress


@dataclass(frozen=True)
class WarmupSettings(TrainSettings):
    """``balance`` 0..1, see ``class_weights``; ``trust``: chance of a pixel = BvSB ** trust; ``softness``: share of the
    pseudo-label's own probabilities in its target, the rest is its best class; ``anchor``: exponent of the pseudo-labels
    in the probabilities handed on."""

    balance: float
    trust: float
    softness: float
    anchor: float


@dataclass(frozen=True)
class Trained:
    """Weights, probabilities float32 (rows, cols, K), and figures for the record (JSON, the same in every rerun)."""

    state_dict: dict[str, Tensor]
    probabilities: np.ndarray
    figures: dict[str, Any]


class PseudoLabels:
    """The objective of the warmup: balanced samples of fixed labels."""

    def __init__(self, probabilities: np.ndarray, valid: np.ndarray, settings: WarmupSettings) -> None:
        self.settings = settings
        self.labels = np.where(valid, probabilities.argmax(axis=-1), -1)
        self.trust = bvsb(probabilities)
        self.targets = harden(probabilities, settings.softness)
        self.shares = class_weights(self.labels, self.trust, probabilities.shape[-1], settings.balance)
        counts = np.bincount(self.labels[valid], minlength=len(self.shares))
        self.pixel_weights = self.shares / np.maximum(counts, 1)
        self.counts = counts

    def begin_epoch(self, predicted: Callable[[], np.ndarray], generator: np.random.Generator) -> dict[str, Any]:
        """Nothing changes between the epochs of the warmup."""
        return {}

    def terms(self, window: Window, owned: np.ndarray, generator: np.random.Generator) -> Sequence[Term]:
        """Return the one term of the loss."""
        sample = draw(
            np.where(owned, self.labels[window], -1).ravel(),
            self.trust[window].ravel() ** self.settings.trust,
            self.pixel_weights,
            per_class=self.settings.pixels_per_class,
            generator=generator,
        )
        targets = self.targets[window].reshape(-1, self.targets.shape[-1])[sample.index]
        return [Term("random", 1.0, sample.index, targets, sample.weights)]


def harden(probabilities: np.ndarray, softness: float) -> np.ndarray:
    """Return ``softness`` times the probabilities plus the rest on the best class: float32, same shape."""
    best = np.eye(probabilities.shape[-1], dtype=np.float32)[probabilities.argmax(axis=-1)]
    return (softness * probabilities + (1 - softness) * best).astype(np.float32)


def warmup(
    cube: np.ndarray,
    valid: np.ndarray,
    probabilities: np.ndarray,
    settings: WarmupSettings,
    build: Build,
    *,
    seed: int,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train a fresh classifier on pseudo-labels.

    Args:
        cube: float32 (rows, cols, bands).
        valid: bool (rows, cols).
        probabilities: pseudo-labels, float32 (rows, cols, K), sums to 1 at valid pixels.
        settings: the ``[warmup]`` section.
        build: makes the classifier of (bands, classes).
        seed: the run's.
        device: "cpu" or "cuda".
        checkpoint: where the state is kept; None keeps none.
        progress: told of every step.

    Raises:
        TrainingError: no valid pixel, or a value that is not finite.
        RunError: the checkpoint cannot be read.
    """
    require_finite(probabilities, valid, "pseudo-labels")
    generator = stage_generator(seed, "warmup")
    spectra = standardise(cube, valid)
    with torch.random.fork_rng(enabled=True):
        torch.manual_seed(int(generator.integers(2**62)))
        model = build(cube.shape[-1], probabilities.shape[-1]).to(device)
        trainer = Trainer("warmup", model, spectra, valid, settings, generator, device)
        objective = PseudoLabels(probabilities, valid, settings)
        trainer.run(objective, checkpoint, progress)
        result = blend(trainer.predicted(settings.views), probabilities, settings.anchor)
    figures = {
        "classes": {"pixels": objective.counts.tolist(), "shares": [round(float(s), 6) for s in objective.shares]},
        "epochs": trainer.history,
    }
    weights = {name: value.detach().cpu().clone() for name, value in trainer.average.state_dict().items()}
    return Trained(weights, result, figures)
