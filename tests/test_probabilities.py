"""Probabilities that a classifier has learned are no surer than what it learned from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from special.probabilities import no_surer_than


def some(seed: int, sharp: float) -> np.ndarray:
    """Probabilities (6, 7, 4); the sharper, the surer."""
    shares = np.random.default_rng(seed).random((6, 7, 4)) ** sharp
    return (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)


@given(seed=st.integers(0, 10_000), sharp=st.floats(1.5, 12))
@settings(deadline=None, max_examples=30)
def test_what_is_surer_becomes_as_sure_and_changes_no_class(seed: int, sharp: float) -> None:
    taught, learned = some(seed, 1.0), some(seed + 1, sharp)
    before, valid = learned.copy(), np.ones((6, 7), bool)
    exponent = no_surer_than(taught, learned, valid)
    surer = before.max(axis=-1).mean() > taught.max(axis=-1).mean()
    assert (exponent < 1) == surer
    if surer:
        np.testing.assert_allclose(learned.max(axis=-1).mean(), taught.max(axis=-1).mean(), atol=1e-4)
    np.testing.assert_allclose(learned.sum(axis=-1), 1, atol=1e-5)
    assert (learned.argmax(axis=-1) == before.argmax(axis=-1)).all()


def test_what_is_less_sure_stays_as_it_is() -> None:
    taught, learned = some(0, 8.0), some(1, 1.0)
    before = learned.copy()
    assert no_surer_than(taught, learned, np.ones((6, 7), bool)) == 1
    np.testing.assert_array_equal(learned, before)


def test_invalid_pixels_have_no_say_and_stay_zero() -> None:
    taught, learned, valid = some(0, 1.0), some(1, 6.0), np.ones((6, 7), bool)
    valid[0] = False
    taught[0], learned[0] = 1.0, 0.0
    assert no_surer_than(taught, learned, valid) < 1
    assert not learned[0].any()


def test_a_scene_without_a_valid_pixel_is_left_alone() -> None:
    assert no_surer_than(some(0, 1.0), some(1, 6.0), np.zeros((6, 7), bool)) == 1
