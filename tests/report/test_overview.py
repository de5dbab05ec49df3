"""Large maps and pictures made smaller."""

from __future__ import annotations

import numpy as np
import pytest

from special.report.overview import block_side, mean_of_blocks, mode_of_blocks


@pytest.mark.parametrize(("shape", "most", "side"), [((10, 10), 100, 1), ((10, 10), 99, 2), ((2000, 500), 250_000, 2)])
def test_the_smallest_blocks_that_leave_few_enough(shape: tuple[int, int], most: int, side: int) -> None:
    assert block_side(shape, most) == side


def test_a_block_has_its_commonest_label() -> None:
    labels = np.array([[1, 1, 2, 0], [2, 1, 2, 2], [3, 0, 0, 0]], np.uint8)
    assert mode_of_blocks(labels, 2, 2, 3).tolist() == [[1, 2], [3, 0]]


def test_what_is_not_mapped_counts_only_where_there_is_nothing_else() -> None:
    assert mode_of_blocks(np.array([[0, 0], [0, 2]]), 2, 2, 2).tolist() == [[2]]


def test_a_block_has_the_mean_of_the_pixels_that_it_has() -> None:
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    np.testing.assert_allclose(mean_of_blocks(values, 2), [[3, 5, 6.5], [10.5, 12.5, 14]])
    np.testing.assert_allclose(
        mean_of_blocks(np.stack([values, 2 * values], axis=2), 2)[..., 1], [[6, 10, 13], [21, 25, 28]]
    )
