"""A scene that does not fit into memory is learned as one that does."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from learn_scene import BANDS, CLASSES, build, fit_settings, learn_scene, refine_settings, warmup_settings

from special.scene import Scene
from special.steps.refine import refine
from special.steps.warmup import warmup
from special.storage.rasters import MEMORY, Raster, ScratchSpace
from special.training import standardise as standardise_module
from special.training.balanced_sampling import OneHotTargets
from special.training.predict import predict
from special.training.standardise import LIMIT, Normalisation, Spectra, spectra_of, standardise
from special.training.supervised import fit


@pytest.fixture
def blocky(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scene counts as large, and every block is a few rows."""
    monkeypatch.setattr(standardise_module, "KEPT", 0)
    plain = standardise_module.blocks
    monkeypatch.setattr(
        standardise_module, "blocks", lambda shape, most: plain(shape, most=5 * shape[1] * shape[2] * 4)
    )


def _scene(cube: np.ndarray) -> Scene:
    return Scene.from_array(cube, np.linspace(450, 900, cube.shape[-1]))


@pytest.mark.usefixtures("blocky")
def test_windows_are_standardised_as_the_whole_is() -> None:
    data = learn_scene()
    cube = data.cube * 3000 + 20_000
    spectra = spectra_of(_scene(cube), data.valid)
    assert isinstance(spectra, Spectra)
    window = slice(4, 19), slice(2, 17)
    np.testing.assert_allclose(spectra[window], standardise(cube, data.valid)[window], atol=2e-4)
    np.testing.assert_allclose(spectra[:], standardise(cube, data.valid), atol=2e-4)


@pytest.mark.usefixtures("blocky")
def test_windows_have_no_extremes_and_no_holes() -> None:
    cube = learn_scene().cube.copy()
    cube[3, 4] *= 1e6
    scene = _scene(cube)
    whole = Spectra(scene, Normalisation.of(scene, scene.valid))[:]
    assert whole.max() == LIMIT
    assert np.isfinite(whole).all() and not whole[0, :2].any()


def test_a_small_scene_is_standardised_in_memory() -> None:
    data = learn_scene()
    spectra = spectra_of(_scene(data.cube), data.valid)
    np.testing.assert_array_equal(spectra[:], standardise(data.cube, data.valid))


@pytest.mark.usefixtures("blocky")
def test_a_large_scene_comes_to_the_same_map(tmp_path: Path) -> None:
    data = learn_scene()
    maps = []
    for cube, first, second in (
        (data.cube, MEMORY, MEMORY),
        (_scene(data.cube), ScratchSpace(tmp_path / "warmup", most=0), ScratchSpace(tmp_path / "refine", most=0)),
    ):
        trained = warmup(cube, data.valid, data.pseudo, warmup_settings(), build, seed=1, scratch=first)
        refined = refine(
            cube,
            data.valid,
            trained.probabilities,
            trained.state_dict,
            refine_settings(),
            build,
            seed=1,
            scratch=second,
        )
        maps.append((refined.probabilities, refined.soft_labels))
    assert all(isinstance(array, Raster) for array in maps[1])
    for here, there in zip(*maps, strict=True):
        np.testing.assert_allclose(here[:], there[:], atol=0.02)


def test_a_prediction_does_not_depend_on_where_it_is_kept(tmp_path: Path) -> None:
    data = learn_scene()
    spectra = standardise(data.cube, data.valid)
    model = build(BANDS, 3)
    torch.manual_seed(0)
    kept, written = (
        predict(model, spectra, data.valid, 10, 3, views=3, device="cpu", scratch=scratch)
        for scratch in (MEMORY, ScratchSpace(tmp_path, most=0))
    )
    np.testing.assert_array_equal(kept, written[:])


@pytest.mark.usefixtures("blocky")
def test_a_large_scene_is_fitted_as_a_small_one_is(tmp_path: Path) -> None:
    data = learn_scene()
    targets = OneHotTargets(np.where(np.random.default_rng(0).random(data.truth.shape) < 0.2, data.truth, -1), CLASSES)
    every = np.ones(data.truth.shape, dtype=bool)
    small, large = (
        fit(cube, data.valid, targets, every, fit_settings(), build, seed=1, scratch=scratch)
        for cube, scratch in ((data.cube, MEMORY), (_scene(data.cube), ScratchSpace(tmp_path, most=0)))
    )
    assert isinstance(large.probabilities, Raster)
    np.testing.assert_allclose(large.probabilities[:], small.probabilities[:], atol=0.02)
    np.testing.assert_allclose(large.normalisation.mean, small.normalisation.mean, rtol=1e-12)
    np.testing.assert_allclose(large.normalisation.deviation, small.normalisation.deviation, rtol=1e-12)


def test_a_small_scene_is_fitted_as_its_array_is() -> None:
    data = learn_scene()
    targets, every = OneHotTargets(data.truth, CLASSES), np.ones(data.truth.shape, dtype=bool)
    array, scene = (
        fit(cube, data.valid, targets, every, fit_settings(), build, seed=1) for cube in (data.cube, _scene(data.cube))
    )
    np.testing.assert_array_equal(array.probabilities, scene.probabilities)


class WideScene:
    """A standardised scene that is made as it is read, so that memory holds what the prediction itself needs."""

    shape = (150, 1500, 4)

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        rows, cols = window
        return np.ones((rows.stop - rows.start, cols.stop - cols.start, 4), np.float32)


def test_a_prediction_holds_one_row_of_tiles_for_each_view_and_little_else(tmp_path: Path) -> None:
    classes, tile, views = 32, 64, 8
    model = torch.nn.Conv2d(4, classes, 1).eval()
    row_of_tiles = 4 * tile * WideScene.shape[1] * classes
    valid = np.ones(WideScene.shape[:2], bool)
    tracemalloc.start()
    try:
        scratch = ScratchSpace(tmp_path, 0)
        predict(model, WideScene(), valid, tile, 8, views=views, device="cpu", scratch=scratch)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2 * views * row_of_tiles
