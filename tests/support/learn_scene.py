"""A scene in three blocks, its noisy pseudo-labels, and a classifier small enough to train in a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from special.models.orientation import orient
from special.settings import load
from special.steps.refine import RefineSettings
from special.steps.warmup import WarmupSettings
from special.training.settings import FitSettings

ROWS, COLS, BANDS, CLASSES = 26, 21, 12, 3


@dataclass(frozen=True)
class LearnScene:
    """``truth`` is 0..K-1; two pixels in the corner are invalid."""

    cube: np.ndarray
    valid: np.ndarray
    truth: np.ndarray
    pseudo: np.ndarray


def learn_scene(seed: int = 0, wrong: float = 0.25) -> LearnScene:
    """Make a scene whose pseudo-labels err at the share ``wrong`` of the pixels, with low BvSB where they do."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((ROWS, COLS), dtype=int)
    truth[:, 8:] = 1
    truth[17:, 8:] = 2
    spectra = rng.normal(0, 1, (CLASSES, BANDS))
    cube = (5 + spectra[truth] + rng.normal(0, 0.5, (ROWS, COLS, BANDS))).astype(np.float32)
    valid = np.ones(truth.shape, dtype=bool)
    valid[0, :2] = False
    cube[~valid] = np.nan
    mistaken = rng.random(truth.shape) < wrong
    labels = np.where(mistaken, (truth + rng.integers(1, CLASSES, truth.shape)) % CLASSES, truth)
    best = np.where(mistaken, rng.uniform(0.4, 0.6, truth.shape), rng.uniform(0.5, 0.95, truth.shape))
    pseudo = np.repeat((1 - best)[..., None] / (CLASSES - 1), CLASSES, axis=-1)
    np.put_along_axis(pseudo, labels[..., None], best[..., None], axis=-1)
    return LearnScene(cube, valid, truth, np.where(valid[..., None], pseudo, 0).astype(np.float32))


class _Turning(nn.Sequential):
    """Layers that see an image as it is turned by a view."""

    def forward(self, x: Tensor, view: int = 0) -> Tensor:
        logits: Tensor = super().forward(orient(x, view))
        return logits


def build(bands: int, classes: int) -> nn.Module:
    """Make a small convolutional classifier; its dropout draws from torch's own random state."""
    return _Turning(
        nn.Conv2d(bands, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.SiLU(), nn.Dropout(0.1), nn.Conv2d(8, classes, 1)
    )


def warmup_settings(**changes: Any) -> WarmupSettings:
    """Return the default settings, shortened, with ``changes``."""
    return load(changes={f"warmup.{k}": v for k, v in {**_SHORT, **changes}.items()}).build(WarmupSettings)


def refine_settings(**changes: Any) -> RefineSettings:
    """Return the default settings, shortened, with ``changes``."""
    short = {**_SHORT, "pca_components": 4, **changes}
    return load(changes={f"refine.{k}": v for k, v in short.items()}).build(RefineSettings)


def fit_settings(**changes: Any) -> FitSettings:
    """Return the default settings, shortened, with ``changes``."""
    short = {**_SHORT, "views": 1, "pixels_per_class": 20, **changes}
    return load(changes={f"fit.{k}": v for k, v in short.items()}).build(FitSettings)


_SHORT = {"epochs": 3, "steps": 4, "views": 2, "tile": 16, "overlap": 4}


def accuracy(probabilities: np.ndarray, scene: LearnScene) -> float:
    """Return the share of valid pixels whose best class is the true one."""
    return float((probabilities.argmax(axis=-1) == scene.truth)[scene.valid].mean())
