"""How well a map agrees with the ground truth: overall and average accuracy, kappa, intersection over union.

Only pixels whose truth is known (> 0) count. A pixel that the map leaves at 0, for no data or because it was rejected,
counts as wrong wherever the truth is known: a map cannot gain by staying silent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from special.errors import SceneError
from special.storage.rasters import blocks

UNMAPPED = "no data or rejected"


@dataclass(frozen=True)
class ClassScores:
    """One class. A figure is None where it is 0/0: nothing of the class in the truth, or nothing of it in the map.

    Attributes:
        pixels: how many pixels the truth gives to the class; mapped: how many of all truth's pixels the map does.
        recall: the share of the truth's pixels that the map gets right (producer's accuracy).
        precision: the share of the map's pixels that are right (user's accuracy).
        f1: the harmonic mean of both, 2 TP / (2 TP + FP + FN).
        iou: intersection over union, TP / (TP + FP + FN).
    """

    name: str
    pixels: int
    mapped: int
    recall: float | None
    precision: float | None
    f1: float | None
    iou: float | None


@dataclass(frozen=True)
class Scores:
    """The agreement of a map with the truth.

    Attributes:
        names: the K classes.
        oa: overall accuracy, the share of known pixels that are right.
        aa: average accuracy, the mean recall over the classes that the truth has.
        kappa: Cohen's kappa, ``(oa - pe) / (1 - pe)`` with ``pe`` the agreement of independent maps with these margins;
            1 where map and truth are one and the same class everywhere.
        miou: the mean IoU over the classes that the truth or the map has, on known pixels.
        per_class: one entry per class, in the order of the names.
        confusion: int64 (K, K + 1). Row i: the pixels whose truth is class i + 1. Column j: those mapped as class
            j + 1; the last column: those that the map leaves at 0. So ``confusion[i, i]`` is what is right.
    """

    names: tuple[str, ...]
    oa: float
    aa: float
    kappa: float
    miou: float
    per_class: tuple[ClassScores, ...]
    confusion: NDArray[np.int64]

    @property
    def pixels(self) -> int:
        """How many pixels have a known truth."""
        return int(self.confusion.sum())

    def to_json(self) -> dict[str, Any]:
        """The scores in types that JSON has; an undefined figure is null."""
        return {
            "oa": self.oa,
            "aa": self.aa,
            "kappa": self.kappa,
            "miou": self.miou,
            "pixels": self.pixels,
            "names": list(self.names),
            "per_class": [vars(entry) for entry in self.per_class],
            "confusion": self.confusion.tolist(),
            "confusion_columns": [*self.names, UNMAPPED],
        }


def evaluate(labels: NDArray[Any], truth: NDArray[Any], names: Sequence[str]) -> Scores:
    """Compare a map with the ground truth.

    Args:
        labels: whole numbers (rows, cols), 1..K, 0 = no data or rejected.
        truth: whole numbers (rows, cols), 1..K, 0 = unknown.
        names: the K classes, in order.

    Raises:
        SceneError: the shapes differ, the truth has a class that the list has not, or it knows no pixel.
    """
    count = len(names)
    if truth.shape != labels.shape:
        raise SceneError(f"the truth is {_size(truth)} but the map is {_size(labels)}: give the truth of this scene")
    if truth.dtype.kind not in "biu":
        raise SceneError(f"the truth holds {truth.dtype} values: it must be whole numbers, 0 where nothing is known")
    if truth.min(initial=0) < 0 or truth.max(initial=0) > count:
        strange = np.unique(truth[(truth < 0) | (truth > count)])
        values = ", ".join(map(str, strange[:5])) + (", ..." if strange.size > 5 else "")
        raise SceneError(
            f"the truth holds {values} but the class list has {count} classes: its values must be "
            f"1..{count} in the order of the list, and 0 where nothing is known"
        )
    known = truth > 0
    if not known.any():
        raise SceneError("the truth is 0 everywhere: it needs at least one labelled pixel to compare with")
    if labels.min() < 0 or labels.max() > count:
        raise ValueError(f"labels run from {labels.min()} to {labels.max()}, not within 0..{count}")
    rows, cols = truth[known].astype(np.int64) - 1, (labels[known].astype(np.int64) - 1) % (count + 1)
    confusion = np.bincount(rows * (count + 1) + cols, minlength=count * (count + 1)).reshape(count, count + 1)
    return scores_of(confusion, names)


def count_labels(labels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Return how many pixels of a map (rows, cols) have each value, int64 (classes + 1,), in little memory."""
    counts = np.zeros(classes + 1, np.int64)
    for rows in blocks(labels.shape, 8):
        counts += np.bincount(labels[rows].ravel(), minlength=classes + 1)
    return counts


def scores_of(confusion: NDArray[np.int64], names: Sequence[str]) -> Scores:
    """Return the scores that follow from a confusion matrix (K, K + 1), as ``Scores`` has it, of one pixel or more."""
    right, in_truth, in_map = np.diag(confusion), confusion.sum(axis=1), confusion[:, :-1].sum(axis=0)
    either = in_truth + in_map - right
    entries = tuple(
        ClassScores(name, int(t), int(m), _ratio(hit, t), _ratio(hit, m), _ratio(2 * hit, t + m), _ratio(hit, u))
        for name, hit, t, m, u in zip(names, right, in_truth, in_map, either, strict=True)
    )
    total = int(in_truth.sum())
    oa = float(right.sum() / total)
    by_chance = float((in_truth / total) @ (in_map / total))
    # Map and truth are one class everywhere exactly when that class holds all of both: a test without rounding.
    kappa = 1.0 if (right == total).any() else (oa - by_chance) / (1.0 - by_chance)
    return Scores(
        names=tuple(names),
        oa=oa,
        aa=_mean([entry.recall for entry in entries]),
        kappa=kappa,
        miou=_mean([entry.iou for entry in entries]),
        per_class=entries,
        confusion=confusion,
    )


def _ratio(part: np.int64, whole: np.int64) -> float | None:
    return float(part / whole) if whole else None


def _mean(figures: list[float | None]) -> float:
    return float(np.mean([figure for figure in figures if figure is not None]))


def _size(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
