"""What the classifier sees: standardised bands, finite whatever the scene holds."""

from __future__ import annotations

import numpy as np

from special.training.standardise import LIMIT, Moments, Normalisation, share_at_limit, standardise


def _cube() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    cube = rng.normal([100.0, -3.0, 0.2], [20.0, 0.5, 0.01], (9, 7, 3)).astype(np.float32)
    valid = np.ones((9, 7), dtype=bool)
    valid[2, 3:] = False
    cube[~valid] = np.nan
    return cube, valid


def test_bands_have_zero_mean_and_unit_variance_over_valid_pixels() -> None:
    cube, valid = _cube()
    result = standardise(cube, valid)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[valid].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(result[valid].std(axis=0), 1, atol=1e-4)


def test_invalid_pixels_are_zero_and_the_input_is_left_alone() -> None:
    cube, valid = _cube()
    before = cube.copy()
    assert not standardise(cube, valid)[~valid].any()
    np.testing.assert_array_equal(cube, before)


def test_constant_bands_become_zero() -> None:
    cube, valid = _cube()
    cube[valid, 1] = 4321.7
    assert not standardise(cube, valid)[..., 1].any()


def test_non_finite_values_become_zero_and_spoil_no_other() -> None:
    cube, valid = _cube()
    clean = standardise(cube, valid)
    cube[0, 0, 0] = np.inf
    result = standardise(cube, valid)
    assert result[0, 0, 0] == 0 and np.isfinite(result).all()
    np.testing.assert_allclose(result[1:, 0, 0], clean[1:, 0, 0], atol=0.2)


def test_a_hot_pixel_is_held_at_the_limit() -> None:
    cube, valid = np.random.default_rng(1).normal(0, 1, (40, 40, 1)).astype(np.float32), np.ones((40, 40), dtype=bool)
    cube[5, 5, 0] = 1e6
    assert standardise(cube, valid).max() == LIMIT


def test_a_scene_without_a_valid_pixel_is_all_zero() -> None:
    cube, valid = _cube()
    assert not standardise(cube, np.zeros_like(valid)).any()


def test_pixels_in_portions_have_the_moments_of_all_of_them() -> None:
    pixels = np.random.default_rng(2).normal([1e6, -2.0], [1.0, 3.0], (500, 2))
    moments = Moments(2)
    for portion in np.split(pixels, [7, 7, 300]):
        moments.add(portion)
    found = moments.normalisation()
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.deviation, pixels.std(axis=0), rtol=1e-9)


def test_a_constant_band_has_no_deviation_in_portions_either() -> None:
    moments = Moments(1)
    for _ in range(3):
        moments.add(np.full((11, 1), 4321.7))
    assert moments.normalisation().deviation == [0]


def test_the_share_of_values_at_the_limit_counts_valid_pixels_alone() -> None:
    cube, valid = np.zeros((4, 5, 2), np.float32), np.ones((4, 5), dtype=bool)
    valid[0] = False
    cube[:2, :3, 0] = -1e3
    spectra = Normalisation(np.zeros(2), np.ones(2)).apply(cube, valid)
    assert share_at_limit(spectra, valid) == 3 / 30
