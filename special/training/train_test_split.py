"""Which labelled pixels are learned from, and which are kept for the test: at random, or spatially apart.

The random split of the literature leaks: a test pixel has training pixels next to it, of the same field, inside the
very patches that were learned from. In the disjoint split the training pixels of a class are one clump, and nothing
within ``gap`` pixels of any training pixel is tested.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from special.errors import TrainingError
from special.training.settings import SplitSettings

UNUSED, TRAIN, TEST = 0, 1, 2


@dataclass(frozen=True)
class TrainTestSplit:
    """``parts`` uint8 (rows, cols): 0 = in neither, 1 = learned from, 2 = kept for the test. ``figures``: JSON."""

    parts: np.ndarray
    figures: dict[str, Any]

    @property
    def notes(self) -> list[str]:
        """What the user must know of it: a line each."""
        lines = []
        unknown = [entry["name"] for entry in self.figures["classes"] if entry["labelled"] == 0]
        if unknown:
            them = "it" if len(unknown) == 1 else "them"
            lines.append(f"No pixel is labelled {', '.join(unknown)}: nothing can be learned of {them}.")
        for entry in self.figures["classes"]:
            name, train, test = entry["name"], entry["train"], entry["test"]
            if entry["labelled"] > 0 and train < entry["wanted"]:
                lines.append(f"{name} has {entry['labelled']} labelled pixels: {train} are learned from.")
            elif entry["labelled"] > 0 and test == 0:
                lines.append(f"No labelled pixel of {name} is left for the test.")
        return lines


def train_test_split(
    truth: np.ndarray, valid: np.ndarray, names: list[str], settings: SplitSettings, generator: np.random.Generator
) -> TrainTestSplit:
    """Divide the labelled pixels.

    Of a class with few pixels at most half are learned from, one at least.

    Args:
        truth: int (rows, cols), 1..K, 0 = unlabelled.
        valid: bool (rows, cols): pixels without data are in neither part.
        names: the K classes.
        settings: the ``[split]`` section.
        generator: the stage's.

    Raises:
        TrainingError: the labels name classes that are not on the list, or fewer than two that are.
    """
    if truth.max() > len(names):
        raise TrainingError(
            f"the labels go up to {truth.max()}, but the class list has {len(names)} classes: label 1 is its first line"
        )
    labels = np.where(valid, truth, 0)
    parts = np.where(labels > 0, TEST, UNUSED).astype(np.uint8)
    entries: list[dict[str, Any]] = []
    for number, name in enumerate(names, start=1):
        members = np.argwhere(labels == number)
        wanted = settings.per_class or max(1, round(settings.fraction * len(members)))
        count = min(wanted, max(1, len(members) // 2), len(members))
        order = generator.permutation(len(members))
        if settings.kind == "disjoint" and len(members):
            # A clump around a random pixel; the shuffled order decides between equally near ones.
            away = ((members - members[order[0]]) ** 2).sum(axis=1)
            order = order[np.argsort(away[order], kind="stable")]
        chosen = members[order[:count]]
        parts[chosen[:, 0], chosen[:, 1]] = TRAIN
        entries.append({"name": name, "labelled": len(members), "wanted": wanted, "train": count})
    learned = sum(entry["train"] > 0 for entry in entries)
    if learned < 2:
        raise TrainingError(f"the labels have pixels of {learned} of the {len(names)} classes: two or more are needed")
    if settings.kind == "disjoint":
        parts[(parts == TEST) & _near(parts == TRAIN, settings.gap)] = UNUSED
    for number, entry in enumerate(entries, start=1):
        entry["test"] = int(((parts == TEST) & (labels == number)).sum())
    figures = {
        "kind": settings.kind,
        "train": int((parts == TRAIN).sum()),
        "test": int((parts == TEST).sum()),
        "unused": int(((parts == UNUSED) & (labels > 0)).sum()),
        "classes": entries,
    }
    return TrainTestSplit(parts, figures)


def _near(mask: np.ndarray, reach: int) -> np.ndarray:
    """Return what lies within ``reach`` rows and columns of ``mask``."""
    from scipy.ndimage import maximum_filter

    return np.asarray(maximum_filter(mask, size=2 * reach + 1, mode="constant", cval=0))
