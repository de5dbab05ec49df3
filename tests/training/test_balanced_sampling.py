"""Balance holds in the loss: what every class weighs, whatever its size and however many of its pixels are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from special.training.balanced_sampling import BalancedSet, Sample, class_shares

SHAPE = (40, 30)
WHOLE = (slice(0, SHAPE[0]), slice(0, SHAPE[1]))
EVERYWHERE = np.ones(SHAPE, dtype=bool)


def _labels() -> np.ndarray:
    """1000 pixels of class 0, 190 of class 1, 10 of class 3, none of class 2."""
    labels = np.zeros(SHAPE[0] * SHAPE[1], dtype=int)
    labels[:190], labels[190:200] = 1, 3
    return np.random.default_rng(0).permutation(labels).reshape(SHAPE)


def _trust() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.05, 1, SHAPE).astype(np.float32)


def _draw(balanced: BalancedSet, per_class: int, window=WHOLE, owned: np.ndarray = EVERYWHERE, seed: int = 0) -> Sample:  # type: ignore[no-untyped-def]
    return balanced.draw(window, owned[window], per_class=per_class, generator=np.random.default_rng(seed))


def _weight_per_class(labels: np.ndarray, sample: Sample) -> np.ndarray:
    return np.bincount(labels.ravel()[sample.index], weights=sample.weights, minlength=4)


@pytest.mark.parametrize("per_class", [3, 50, 10_000])
def test_every_present_class_weighs_the_same_in_the_loss_at_full_balance(per_class: int) -> None:
    labels = _labels()
    sample = _draw(BalancedSet(labels, _trust(), 4, balance=1.0, guide=1.0), per_class)
    np.testing.assert_allclose(_weight_per_class(labels, sample), [1 / 3, 1 / 3, 0, 1 / 3], rtol=1e-5)


@pytest.mark.parametrize("balance", [0.0, 0.5])
def test_weaker_balance_weighs_classes_by_a_power_of_their_pixels(balance: float) -> None:
    labels = _labels()
    expected = np.array([1000, 190, 0, 10]) ** (1 - balance)
    sample = _draw(BalancedSet(labels, _trust(), 4, balance=balance, guide=1.0), 20)
    np.testing.assert_allclose(_weight_per_class(labels, sample), expected / expected.sum(), rtol=1e-5)


def test_the_shares_are_one_in_sum_and_none_for_classes_without_pixels() -> None:
    shares = class_shares(np.array([5, 0, 500]), balance=0.3)
    assert shares.sum() == pytest.approx(1)
    assert shares[1] == 0


def test_balance_holds_over_the_tiles_of_a_scene() -> None:
    labels = _labels()
    balanced = BalancedSet(labels, _trust(), 4, balance=1.0, guide=1.0)
    total = np.zeros(4)
    for rows in (slice(0, 13), slice(13, 40)):
        for cols in (slice(0, 21), slice(21, 30)):
            total += _weight_per_class(labels[rows, cols], _draw(balanced, 5, (rows, cols)))
    np.testing.assert_allclose(total, [1 / 3, 1 / 3, 0, 1 / 3], rtol=1e-5)


def test_pixels_are_drawn_without_replacement_and_no_more_than_asked() -> None:
    labels = _labels()
    sample = _draw(BalancedSet(labels, _trust(), 4, balance=1.0, guide=1.0), 50)
    assert len(np.unique(sample.index)) == len(sample.index)
    np.testing.assert_array_equal(np.bincount(labels.ravel()[sample.index]), [50, 50, 0, 10])


def test_surer_pixels_are_drawn_more_often_and_a_guide_of_zero_draws_all_alike() -> None:
    labels, trust = np.zeros(SHAPE, dtype=int), np.full(SHAPE, 0.2, dtype=np.float32)
    trust[:20] = 0.8

    def share_of_sure(guide: float) -> float:
        balanced = BalancedSet(labels, trust, 2, balance=1.0, guide=guide)
        draws = [_draw(balanced, 30, seed=seed).index for seed in range(40)]
        return float((np.concatenate(draws) < 20 * SHAPE[1]).mean())

    assert share_of_sure(0.0) == pytest.approx(0.5, abs=0.05)
    assert share_of_sure(1.0) == pytest.approx(0.8, abs=0.05)


def test_only_owned_and_labelled_pixels_are_drawn() -> None:
    labels = _labels()
    labels[:, :10] = -1
    owned = EVERYWHERE.copy()
    owned[:15] = False
    index = _draw(BalancedSet(labels, _trust(), 4, balance=1.0, guide=1.0), 10_000, owned=owned).index
    np.testing.assert_array_equal(np.sort(index), np.flatnonzero(owned & (labels >= 0)))


def test_the_input_of_a_draw_decides_it() -> None:
    balanced = BalancedSet(_labels(), _trust(), 4, balance=0.5, guide=1.0)
    np.testing.assert_array_equal(_draw(balanced, 7, seed=3).index, _draw(balanced, 7, seed=3).index)
    assert set(_draw(balanced, 7, seed=3).index) != set(_draw(balanced, 7, seed=4).index)


def test_an_empty_set_draws_nothing() -> None:
    balanced = BalancedSet(np.full(SHAPE, -1), _trust(), 4, balance=1.0, guide=1.0)
    assert len(_draw(balanced, 10).index) == 0
    assert not balanced.shares.any()
