"""The eight orientations: exact, all different, undone without a trace, and not only for square images."""

from __future__ import annotations

import itertools

import pytest
import torch

from special.models.orientation import COUNT, orient, restore

IMAGE = torch.arange(2 * 3 * 5, dtype=torch.float32).reshape(2, 3, 5)


@pytest.mark.parametrize("view", range(COUNT))
def test_restore_undoes_orient_in_every_bit(view: int) -> None:
    assert torch.equal(restore(orient(IMAGE, view), view), IMAGE)


def test_quarter_turns_swap_the_sides_of_an_image_that_is_not_square() -> None:
    assert [tuple(orient(IMAGE, view).shape[1:]) for view in range(4)] == [(3, 5), (5, 3), (3, 5), (5, 3)]


def test_all_eight_differ() -> None:
    square = torch.arange(9.0).reshape(1, 3, 3)
    for a, b in itertools.combinations(range(COUNT), 2):
        assert not torch.equal(orient(square, a), orient(square, b))
