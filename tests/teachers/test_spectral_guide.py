"""What pixels are compared by: principal components in a unit of their own, whatever the scene counts in."""

from __future__ import annotations

import numpy as np
import pytest

from special.scene.scene import Scene
from special.teachers.spectral_guide import spectral_guide


def scene_of(cube, valid=None):
    return Scene.from_array(cube, np.linspace(400, 2400, cube.shape[2]), valid=valid)


def test_the_guide_is_the_leading_principal_components_of_all_bands(monkeypatch):
    rng = np.random.default_rng(3)
    # Two factors explain the scene, far from zero.
    cube = (100 + rng.normal(size=(9, 7, 2)) @ rng.normal(size=(2, 12)) + 1e-3 * rng.normal(size=(9, 7, 12))).astype(
        "f4"
    )
    monkeypatch.setattr("special.teachers.spectral_guide._VALUES_AT_ONCE", 3 * 7 * 12)
    guide = spectral_guide(scene_of(cube), 2)
    spectra = cube.reshape(-1, 12).astype(np.float64)
    spectra -= spectra.mean(axis=0)
    expected = np.linalg.norm(spectra[:, None] - spectra[None], axis=2)
    found = np.linalg.norm(guide.reshape(-1, 1, 2) - guide.reshape(1, -1, 2), axis=2)
    np.testing.assert_allclose(found, expected / np.median(np.linalg.norm(spectra, axis=1)), atol=5e-3)


@pytest.mark.parametrize("level", [1.0, 3000.0])
def test_the_guide_has_the_same_unit_whatever_the_scene_counts_in(level):
    cube = np.random.default_rng(4).random((8, 8, 6)).astype(np.float32)
    guide = spectral_guide(scene_of(level * cube), 3)
    assert np.median(np.linalg.norm(guide, axis=2)) == pytest.approx(1.0, rel=1e-4)


def test_a_few_wild_pixels_do_not_set_the_guide_s_unit():
    cube = np.random.default_rng(5).random((10, 10, 6)).astype(np.float32)
    cube[0, :3] = 1e4
    assert np.median(np.linalg.norm(spectral_guide(scene_of(cube), 3), axis=2)) == pytest.approx(1.0, rel=1e-4)


def test_the_guide_ignores_invalid_pixels():
    rng = np.random.default_rng(6)
    cube = rng.random((8, 8, 6)).astype(np.float32)
    valid = rng.random((8, 8)) > 0.3
    guide = spectral_guide(scene_of(cube, valid), 3)
    other = cube.copy()
    other[~valid] = 77.0
    np.testing.assert_array_equal(spectral_guide(scene_of(other, valid), 3), guide)
    assert not guide[~valid].any()


def test_there_are_no_more_components_than_bands():
    cube = np.random.default_rng(7).random((4, 4, 2)).astype(np.float32)
    assert spectral_guide(scene_of(cube), 6).shape == (4, 4, 2)
