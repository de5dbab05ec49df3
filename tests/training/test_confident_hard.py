"""BvSB, and the split of every predicted class into confident and hard pixels."""

from __future__ import annotations

import numpy as np
import pytest

from special.errors import TrainingError
from special.probabilities import bvsb
from special.training.confident_hard import Split, split


def _probabilities(best: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    result = np.repeat((1 - best)[..., None] / (count - 1), count, axis=-1)
    np.put_along_axis(result, labels[..., None], best[..., None], axis=-1)
    return result.astype(np.float32)


def _split(probabilities: np.ndarray, valid: np.ndarray | None = None, **changes: int) -> Split:
    valid = np.ones(probabilities.shape[:2], dtype=bool) if valid is None else valid
    options = {"smallest": 30, "cap": 1000, **changes}
    return split(probabilities, valid, generator=np.random.default_rng(0), **options)


def test_bvsb_is_best_minus_second_best_and_zero_at_invalid_pixels() -> None:
    probabilities = np.array([[[0.1, 0.6, 0.3], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]], dtype=np.float32)
    np.testing.assert_allclose(bvsb(probabilities), [[0.3, 0.0, 0.0]], atol=1e-6)


def test_confident_are_the_upper_of_two_groups_in_every_class_by_itself() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([[0, 1]], 200, axis=0).repeat(4, axis=1)
    sure = rng.random(labels.shape) < 0.5
    # Class 0 is sure at 0.9 and unsure at 0.7; class 1, a harder one, is sure at 0.65 and unsure at 0.56.
    best = np.where(labels == 0, np.where(sure, 0.9, 0.7), np.where(sure, 0.65, 0.56)) + rng.normal(
        0, 0.01, labels.shape
    )
    parts = _split(_probabilities(best, labels, 2))
    np.testing.assert_array_equal(parts.confident, sure)
    np.testing.assert_array_equal(parts.hard, ~sure)
    np.testing.assert_array_equal(parts.labels, labels)


def test_both_sets_together_are_the_valid_pixels() -> None:
    rng = np.random.default_rng(1)
    labels, best = rng.integers(0, 3, (40, 30)), rng.uniform(0.4, 1, (40, 30))
    valid = rng.random((40, 30)) < 0.8
    parts = _split(np.where(valid[..., None], _probabilities(best, labels, 3), 0), valid)
    assert not (parts.confident & parts.hard).any()
    np.testing.assert_array_equal(parts.confident | parts.hard, valid)
    assert (parts.labels[~valid] == -1).all()


def test_within_a_class_no_hard_pixel_has_more_bvsb_than_a_confident_one() -> None:
    rng = np.random.default_rng(2)
    best = np.clip(rng.beta(1.2, 1.2, (50, 40)), 0.01, 0.99) / 2 + 0.5  # no two groups at all
    probabilities = _probabilities(best, np.zeros((50, 40), dtype=int), 2)
    parts, margin = _split(probabilities), bvsb(probabilities)
    assert margin[parts.hard].max() <= margin[parts.confident].min()


def test_a_small_class_is_held_against_the_scene() -> None:
    labels = np.zeros((20, 20), dtype=int)
    best = np.random.default_rng(3).uniform(0.6, 0.8, labels.shape)
    labels[0, :2] = 1
    best[0, 0], best[0, 1] = 0.95, 0.51
    parts = _split(_probabilities(best, labels, 3))
    assert parts.confident[0, 0] and parts.hard[0, 1]


def test_constant_bvsb_makes_every_pixel_confident() -> None:
    labels = np.random.default_rng(4).integers(0, 2, (20, 20))
    parts = _split(_probabilities(np.full(labels.shape, 0.7), labels, 2))
    assert parts.confident.all()


def test_a_class_without_pixels_has_neither_set() -> None:
    labels = np.zeros((20, 20), dtype=int)
    parts = _split(_probabilities(np.random.default_rng(5).uniform(0.6, 0.9, labels.shape), labels, 3))
    assert set(np.unique(parts.labels)) == {0}


def test_a_scene_without_valid_pixels_splits_into_nothing() -> None:
    parts = _split(np.zeros((3, 4, 2), dtype=np.float32), np.zeros((3, 4), dtype=bool))
    assert not parts.confident.any() and not parts.hard.any()


def test_the_same_generator_gives_the_same_split_when_classes_are_subsampled() -> None:
    rng = np.random.default_rng(6)
    probabilities = _probabilities(rng.uniform(0.5, 1, (60, 60)), rng.integers(0, 2, (60, 60)), 2)
    first, second = _split(probabilities, cap=200), _split(probabilities, cap=200)
    np.testing.assert_array_equal(first.confident, second.confident)


def test_non_finite_probabilities_are_an_error_that_names_a_pixel() -> None:
    probabilities = _probabilities(np.full((5, 5), 0.8), np.zeros((5, 5), dtype=int), 2)
    probabilities[3, 1, 0] = np.nan
    with pytest.raises(TrainingError, match="row 3, column 1"):
        _split(probabilities)
