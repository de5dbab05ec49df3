"""Scenes that have been labelled by their names, a user who knows the truth, and how right a map is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scenes import Benchmark

BUDGETS = (0, 1, 2, 3, 5, 10)
EVERY = 10  # one answer in so many is wrong, where some are
Figures = dict[int, tuple[float, float, float]]
"""OA, AA and ECE by budget."""


@dataclass
class Case:
    """A scene, its truth, and what its class names made of it: ``names`` float32 (rows, cols, K)."""

    name: str
    scene: Any
    classes: list[str]
    truth: np.ndarray
    names: np.ndarray
    settings: Any
    source: Benchmark | None = None
    _groups: dict[int, Any] = field(default_factory=dict)

    def groups(self, seed: int) -> Any:
        """The groups of the scene, with their features kept: questions and corrections are many here."""
        from special.answers.groups import group

        if seed not in self._groups:
            found = group(self.scene, len(self.classes), self.settings, seed=seed)
            windows = list(found.features.windows())
            found.features.windows = lambda: iter(windows)
            self._groups = {seed: found}
        return self._groups[seed]

    @property
    def present(self) -> np.ndarray:
        """The classes 1..K that the truth has."""
        return np.unique(self.truth[self.truth > 0])

    @property
    def even(self) -> np.ndarray:
        """The map of one who knows nothing from names, float32 (rows, cols, K)."""
        count = len(self.classes)
        return np.repeat(self.scene.valid[..., None] / np.float32(count), count, axis=2)


def open_case(scene: Benchmark, run: Path) -> Case:
    """Open a scene that has been labelled by names."""
    from special.answers.settings import AnswersSettings
    from special.api.run import Run
    from special.cache.directory import RunDirectory
    from special.scene.truth import read_truth

    done = Run(run)
    opened = done.request.source.reopen(RunDirectory(run), done.class_list)
    truth = read_truth(scene.truth, opened.shape[:2], classes=[one.texts for one in done.class_list])
    truth[~opened.valid] = 0
    settings = done.request.settings.build(AnswersSettings)
    return Case(scene.name, opened, done.classes, truth, np.asarray(done.probabilities_of("pseudo")), settings, scene)


class User:
    """Knows the truth, int (rows, cols), 1..``classes``.

    ``wrong``: None, or which of ``EVERY`` answers, from 0, is another class at random, and so every ``EVERY``-th.
    """

    def __init__(
        self, truth: np.ndarray, classes: int, generator: np.random.Generator, wrong: int | None = None
    ) -> None:
        self.truth, self.classes, self.generator, self.wrong = truth, classes, generator, wrong
        self.said = 0

    def answer(self, question: Any) -> tuple[int, int, int]:
        """Return row, column and class of the answer; class 0 where he does not know."""
        area = question.area[self.truth[question.area[:, 0], question.area[:, 1]] > 0]
        if not len(area):
            return question.row, question.col, 0
        row, col = area[((area - (question.row, question.col)) ** 2).sum(axis=1).argmin()].tolist()
        said = int(self.truth[row, col])
        if self.wrong is not None and self.said % EVERY == self.wrong and self.classes > 1:
            said = int(self.generator.choice([k for k in range(1, self.classes + 1) if k != said]))
        self.said += 1
        return row, col, said


def scores(probabilities: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Return OA, AA and the expected calibration error in ten bins, at pixels with a known truth."""
    known = truth > 0
    shares, wanted = probabilities[known], truth[known] - 1
    found, confidence = shares.argmax(axis=1), shares.max(axis=1)
    right = found == wanted
    bins = np.minimum((10 * confidence).astype(int), 9)
    error = sum(
        (bins == one).mean() * abs(confidence[bins == one].mean() - right[bins == one].mean())
        for one in np.unique(bins)
    )
    return float(right.mean()), recall(right, wanted), float(error)


def recall(right: np.ndarray, wanted: np.ndarray) -> float:
    """Return the mean share that is ``right`` of the pixels of every class, ``wanted``; both (pixels,)."""
    return float(np.mean([right[wanted == k].mean() for k in np.unique(wanted)]))
