"""Training and test pixels: never the same, seeded, and spatially apart when asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from special.errors import SettingsError, TrainingError
from special.settings import load
from special.training.settings import SplitSettings
from special.training.train_test_split import TEST, TRAIN, UNUSED, TrainTestSplit, train_test_split

NAMES = ["a", "b", "c"]


def truth() -> np.ndarray:
    labels = np.zeros((30, 40), dtype=int)
    labels[:, :20], labels[:15, 22:], labels[17:, 22:] = 1, 2, 3
    return labels


def divide(labels: np.ndarray | None = None, seed: int = 0, names: list[str] = NAMES, **changes: Any) -> TrainTestSplit:
    labels = truth() if labels is None else labels
    chosen = SplitSettings(**{"kind": "random", "per_class": 10, "fraction": 0.0, "gap": 4, **changes})
    return train_test_split(labels, np.ones(labels.shape, dtype=bool), names, chosen, np.random.default_rng(seed))


def counts(parts: np.ndarray, labels: np.ndarray, part: int) -> list[int]:
    return [int(((parts == part) & (labels == k)).sum()) for k in (1, 2, 3)]


def test_so_many_pixels_of_every_class_are_learned_from_and_the_rest_is_tested() -> None:
    parts = divide().parts
    assert counts(parts, truth(), TRAIN) == [10, 10, 10]
    assert ((parts == UNUSED) == (truth() == 0)).all()


def test_a_share_of_every_class_is_learned_from() -> None:
    parts = divide(per_class=0, fraction=0.1).parts
    assert counts(parts, truth(), TRAIN) == [60, 27, 23]


@pytest.mark.parametrize("kind", ["random", "disjoint"])
def test_a_split_is_decided_by_its_seed(kind: str) -> None:
    first, again, other = (divide(kind=kind, seed=seed).parts for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_disjoint_test_pixels_are_farther_than_the_gap_from_every_training_pixel() -> None:
    parts = divide(kind="disjoint", per_class=0, fraction=0.2, gap=3).parts
    train, test = np.argwhere(parts == TRAIN), np.argwhere(parts == TEST)
    apart = np.abs(train[:, None] - test[None]).max(axis=2).min()
    assert apart == 4


def test_disjoint_training_pixels_are_clumps() -> None:
    def spread(parts: np.ndarray) -> float:
        return float(np.mean([np.argwhere((parts == TRAIN) & (truth() == k)).std(axis=0).mean() for k in (1, 2, 3)]))

    assert spread(divide(kind="disjoint").parts) < 0.4 * spread(divide().parts)


def test_small_classes_give_at_most_half_and_it_is_said() -> None:
    labels = truth()
    labels[labels == 3] = 0
    labels[20, 25:28] = 3
    result = divide(labels)
    assert counts(result.parts, labels, TRAIN) == [10, 10, 1]
    assert result.notes == ["c has 3 labelled pixels: 1 are learned from."]


def test_a_class_without_a_label_is_said() -> None:
    labels = truth()
    labels[labels == 2] = 0
    assert divide(labels).notes == ["No pixel is labelled b: nothing can be learned of it."]


def test_classes_without_a_label_are_said_in_one_line() -> None:
    notes = divide(names=[*NAMES, "d", "e"]).notes
    assert notes == ["No pixel is labelled d, e: nothing can be learned of them."]


def test_pixels_without_data_are_in_neither_part() -> None:
    valid = np.ones((30, 40), dtype=bool)
    valid[:10] = False
    chosen = SplitSettings("random", 10, 0.0, 4)
    parts = train_test_split(truth(), valid, NAMES, chosen, np.random.default_rng(0)).parts
    assert (parts[:10] == UNUSED).all()


def test_labels_beyond_the_class_list_are_refused() -> None:
    with pytest.raises(TrainingError, match="go up to 4, but the class list has 3"):
        divide(np.where(truth() == 3, 4, truth()))


def test_labels_of_one_class_are_refused() -> None:
    with pytest.raises(TrainingError, match="of 1 of the 3 classes"):
        divide(np.where(truth() == 1, 1, 0))


@pytest.mark.parametrize(
    "changes", [{"kind": "odd"}, {"fraction": 1.0}, {"per_class": 5, "fraction": 0.5}, {"per_class": 0}, {"gap": -1}]
)
def test_settings_without_a_split_are_refused(changes: dict) -> None:
    with pytest.raises(SettingsError, match=r"split\."):
        load(changes={f"split.{name}": value for name, value in changes.items()}).build(SplitSettings)
