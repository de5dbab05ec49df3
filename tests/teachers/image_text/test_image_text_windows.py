"""Windows over an enlarged image, and areas averaged back: any size, values in range, nothing cropped twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from special.teachers.image_text.sliding_windows import Tiling, area_weights, average_areas, sample, starts, tent

sizes = st.integers(1, 40)
factors = st.sampled_from([1.0, 1.37, 2.0, 4.48])


@given(length=st.integers(1, 60), window=st.integers(1, 14), stride=st.integers(1, 14))
def test_windows_cover_every_token_and_stay_inside(length, window, stride):
    length, stride = max(length, window), min(stride, window)
    found = starts(length, window, stride)
    covered = {token for start in found for token in range(start, start + window)}
    assert covered == set(range(length))
    assert len(set(found)) == len(found)


@given(rows=sizes, cols=sizes, factor=factors)
def test_any_size_is_covered_by_whole_windows(rows, cols, factor):
    tiling = Tiling((rows, cols), factor, patch=8, window=4, stride=2)
    for extent, tokens, size in zip(tiling.extent, tiling.tokens, (rows, cols), strict=True):
        assert extent == pytest.approx(size * factor / 8)
        assert tokens == 4 or extent - 1e-9 <= tokens < extent + 1
    image = np.random.default_rng(0).random((rows, cols, 3)).astype(np.float32)
    pixels = tiling.pixels(image, tiling.corners[-1])
    assert pixels.shape == (32, 32, 3)
    assert np.isfinite(pixels).all()


def test_an_enlargement_that_is_rounded_up_by_floating_point_needs_no_more_windows():
    assert Tiling((100, 100), 224 / 100, patch=16, window=14, stride=7).corners == [(0, 0)]


def test_windows_of_an_image_at_its_own_size_are_its_pixels_mirrored_at_the_edge():
    image = np.arange(6 * 5, dtype=np.float32).reshape(6, 5, 1)
    pixels = Tiling((6, 5), 1.0, patch=4, window=2, stride=1).pixels(image, (0, 0))
    np.testing.assert_array_equal(pixels, np.pad(image, ((0, 2), (0, 3), (0, 0)), mode="symmetric"))


def test_enlarging_keeps_a_linear_slope():
    image = np.broadcast_to(np.arange(12, dtype=np.float32)[None, :, None], (3, 12, 1))
    position = np.linspace(2, 9, 29)
    np.testing.assert_allclose(sample(image, np.array([1.0]), position)[0, :, 0], position, rtol=1e-6)


@given(cells=sizes, tokens=sizes, share=st.floats(0.01, 1.0))
def test_cells_are_convex_combinations_of_tokens(cells, tokens, share):
    weights = area_weights(cells, tokens, tokens * share)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)


def test_halving_averages_blocks_and_doubling_repeats():
    values = np.random.default_rng(0).random((6, 4, 2)).astype(np.float32)
    halved = average_areas(values, (6, 4), (3, 2))
    np.testing.assert_allclose(halved, values.reshape(3, 2, 2, 2, 2).mean(axis=(1, 3)), rtol=1e-6)
    doubled = average_areas(values, (6, 4), (12, 8))
    np.testing.assert_allclose(doubled, values.repeat(2, axis=0).repeat(2, axis=1), rtol=1e-6)


@given(cut=st.integers(1, 27), size=st.integers(3, 28), extent=st.floats(20.5, 28.0))
def test_a_step_reduced_by_area_averaging_stays_between_0_and_1(cut, size, extent):
    step = np.zeros((28, 28, 2), np.float32)
    step[:, cut:, 0] = 1.0
    step[:, :, 1] = 1.0 - step[:, :, 0]
    reduced = average_areas(step, (extent, extent), (size, size))
    assert reduced.min() >= 0.0
    assert reduced.max() <= 1.0 + 1e-6
    np.testing.assert_allclose(reduced.sum(axis=2), 1.0, rtol=1e-5)


def test_what_lies_beyond_the_image_is_left_out():
    values = np.zeros((4, 4, 1), np.float32)
    values[3:] = values[:, 3:] = 100.0
    assert not average_areas(values, (3.0, 3.0), (5, 5)).any()


@given(window=st.integers(1, 16))
def test_blending_weights_are_positive_everywhere_and_symmetric(window):
    weights = tent(window)
    assert weights.min() > 0
    assert weights.max() == 1
    np.testing.assert_array_equal(weights, weights[::-1, ::-1].T)
