"""A scene of fields whose names are mixed up, and a user who knows better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from special.answers.answers import Answers
from special.answers.settings import AnswersSettings
from special.scene import Scene
from special.settings import load

NAMES = ["Wheat", "Maize", "Beet", "Road"]


@dataclass(frozen=True)
class Fields:
    """``truth`` int (rows, cols), 1..4; ``names`` float32 (rows, cols, 4), what the class names made of the scene."""

    scene: Scene
    truth: np.ndarray
    names: np.ndarray
    settings: AnswersSettings

    def answer(self, *pixels: tuple[int, int], said: int | None = None) -> Answers:
        """The true class of pixels, or what is ``said`` of them."""
        rows, cols = np.array(pixels).T
        classes = self.truth[rows, cols] if said is None else np.full(len(rows), said)
        return Answers.of(rows, cols, classes, np.arange(len(rows)))


def fields(mixed_up: bool = True, seed: int = 0) -> Fields:
    """Four squares of 20 x 20 pixels; the names take each class for the next, or are right nine times in ten."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.repeat([[1, 2], [3, 4]], 20, axis=0), 20, axis=1)
    nm = np.linspace(450, 950, 20)
    spectra = 0.3 + 0.2 * np.sin(nm / 90 + np.arange(4)[:, None] * 1.4)
    cube = spectra[truth - 1] + rng.normal(0, 0.02, (*truth.shape, len(nm)))
    named = truth % 4 if mixed_up else truth - 1
    names = np.full((*truth.shape, 4), 0.05, dtype=np.float32)
    np.put_along_axis(names, named[..., None], 0.85, axis=2)
    settings = load("special").build(AnswersSettings)
    return Fields(Scene.from_array(cube.astype(np.float32), nm), truth, names, settings)
