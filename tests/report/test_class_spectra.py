"""Spectra of the classes of a map."""

from __future__ import annotations

import numpy as np

from special.report.class_spectra import SpectrumRange, some_of_each


def test_some_pixels_of_each_class_are_chosen_evenly_and_in_order() -> None:
    labels = np.array([[1, 1, 1, 1], [2, 0, 1, 3]])
    assert some_of_each(labels, 4, 2).tolist() == [0, 4, 6, 7]


def test_a_map_without_pixels_has_none() -> None:
    assert some_of_each(np.zeros((2, 3), int), 3, 5).tolist() == []


def test_a_range_is_the_mean_and_four_fifths_of_the_pixels() -> None:
    spectra = np.arange(11.0)[:, None] * [1.0, 2.0]
    found = SpectrumRange.of_pixels(np.array([500.0, 600.0]), spectra)
    np.testing.assert_allclose([found.low, found.middle, found.high], [[1, 2], [5, 10], [9, 18]])
