"""What a user has named has a term of the loss of its own."""

from __future__ import annotations

import numpy as np

from special.training.certain_pixels import WEIGHT, CertainPixels

WINDOW = (slice(0, 4), slice(0, 5))
OWNED = np.ones((4, 5), dtype=bool)


def certain() -> np.ndarray:
    labels = np.zeros((4, 5), dtype=np.int32)
    labels[0, 1], labels[2, 3], labels[2, 4] = 1, 3, 3
    return labels


def test_every_named_pixel_is_drawn_with_its_class() -> None:
    found = CertainPixels.of(certain(), 3, balance=0.5)
    assert found is not None
    term = found.term(WINDOW, OWNED, per_class=100, generator=np.random.default_rng(0))
    assert sorted(term.index.tolist()) == [1, 13, 14]
    assert dict(zip(term.index.tolist(), term.targets.argmax(axis=1).tolist(), strict=True)) == {1: 0, 13: 2, 14: 2}
    assert term.factor == WEIGHT
    np.testing.assert_allclose(term.weights.sum(), 1)


def test_a_tile_sees_its_own_pixels_alone() -> None:
    found = CertainPixels.of(certain(), 3, balance=0.5)
    assert found is not None
    owned = OWNED.copy()
    owned[2:] = False
    assert found.term(WINDOW, owned, per_class=9, generator=np.random.default_rng(0)).index.tolist() == [1]


def test_without_answers_there_is_no_such_term() -> None:
    assert CertainPixels.of(None, 3, balance=0.5) is None
    assert CertainPixels.of(np.zeros((4, 5), dtype=int), 3, balance=0.5) is None
