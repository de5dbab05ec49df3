"""What each step made of the one before."""

from __future__ import annotations

import numpy as np
import pytest

from special.report.steps_compared import compare, resemblance

FIRST = np.array([[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0, 0]]], np.float32)
SECOND = np.array([[[0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0, 0]]], np.float32)
VALID = np.array([[True, True, True, False]])


def test_a_step_is_compared_with_the_one_before() -> None:
    one, other = compare({"pseudo": FIRST, "warmup": SECOND}, VALID)
    assert (one.step, one.changed, other.step) == ("pseudo", None, "warmup")
    assert other.changed == pytest.approx(1 / 3)
    assert one.confidence == pytest.approx((0.9 + 0.6 + 0.8) / 3)
    assert one.shares == pytest.approx((2 / 3, 1 / 3)) and other.shares == pytest.approx((1 / 3, 2 / 3))


def test_a_class_resembles_what_its_pixels_might_be_instead() -> None:
    found = resemblance(np.array([[1, 1, 2, 0]]), FIRST)
    np.testing.assert_allclose(found, [[0.75, 0.25], [0.2, 0.8]], rtol=1e-6)


def test_a_class_without_pixels_resembles_nothing() -> None:
    assert resemblance(np.zeros((1, 4), np.uint8), FIRST).tolist() == [[0, 0], [0, 0]]
