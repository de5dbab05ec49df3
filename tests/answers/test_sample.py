"""Probability samples: every pixel of a stratum has the same chance, and no point tells its stratum."""

from __future__ import annotations

import numpy as np
import pytest

from special.answers.sample import RANDOM, STRATIFIED, allocate, draw

NAMES = ["Water", "Grass", "Soil"]


def labels() -> np.ndarray:
    found = np.zeros((40, 30), int)
    found[10:] = 1
    found[0, :5] = -1
    return found


@pytest.mark.parametrize("total", [10, 11, 37, 500])
def test_a_total_is_met_and_every_stratum_has_two_points(total: int) -> None:
    counts = allocate([100_000, 3_000, 50, 900, 40], total=total)
    assert sum(counts) == total
    assert min(counts) >= 2


def test_half_of_a_total_is_shared_equally_and_half_by_area() -> None:
    assert allocate([9_000, 1_000], total=100) == [70, 30]


def test_a_stratum_gives_no_more_pixels_than_it_has() -> None:
    assert allocate([1_000, 3], per_stratum=50) == [50, 3]
    assert allocate([1_000, 3], total=100) == [97, 3]
    assert allocate([4, 3], total=100) == [4, 3]


def test_points_lie_in_their_strata_and_nowhere_twice() -> None:
    drawn = draw(labels(), NAMES, np.random.default_rng(0), per_stratum=60)
    assert [(stratum.name, stratum.pixels) for stratum in drawn.strata] == [("Water", 295), ("Grass", 900)]
    found = labels()[drawn.pixels[:, 0], drawn.pixels[:, 1]]
    np.testing.assert_array_equal(found, drawn.stratum)
    assert len(np.unique(drawn.pixels, axis=0)) == 120


def test_the_order_does_not_tell_the_stratum() -> None:
    drawn = draw(labels(), NAMES, np.random.default_rng(0), per_stratum=60)
    assert 20 < np.count_nonzero(drawn.stratum[:60]) < 40


def test_a_random_sample_has_one_stratum_of_all_pixels_with_data() -> None:
    drawn = draw(labels(), NAMES, np.random.default_rng(0), design=RANDOM, total=100)
    assert [stratum.pixels for stratum in drawn.strata] == [1195]
    assert (labels()[drawn.pixels[:, 0], drawn.pixels[:, 1]] >= 0).all()


def test_every_pixel_of_a_stratum_has_the_same_chance() -> None:
    small = np.array([[0, 0, 0, 0, 1, 1]])
    counts = np.zeros(6)
    for seed in range(3000):
        drawn = draw(small, NAMES, np.random.default_rng(seed), design=STRATIFIED, per_stratum=2)
        counts[drawn.pixels[:, 1]] += 1
    assert counts[:4] == pytest.approx(1500, abs=120)
    assert (counts[4:] == 3000).all()
