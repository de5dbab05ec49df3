"""The noise of a scene is seen in it, and dark things are named in spite of it."""

from __future__ import annotations

import numpy as np
import pytest

from special import settings
from special.classnames.class_list import ClassList
from special.classnames.encoder import default_encoder
from special.classnames.reading import read_names
from special.landcover.concepts import load_concepts
from special.scene.scene import Scene
from special.simulate import simulate
from special.teachers.spectrum_text.expected_spectra import expected_spectra
from special.teachers.spectrum_text.likelihood import SpectralLikelihood
from special.teachers.spectrum_text.noise import noise_of
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

SETTINGS = settings.load("special").build(SpectrumTextSettings)


def smooth_pixels(count: int = 3000, regions: int = 30) -> np.ndarray:
    """Mixtures of four smooth spectra, (pixels, regions)."""
    rng = np.random.default_rng(0)
    at = np.linspace(0, 1, regions)
    spectra = np.stack([0.1 + 0.3 * at, 0.2 + 0.1 * np.sin(3 * at), 0.3 * at**2, 0.05 + 0 * at])
    return rng.dirichlet(np.ones(4), count) @ spectra


@pytest.mark.parametrize("level", [0.001, 0.01])
def test_the_noise_that_was_added_is_found(level: float) -> None:
    clean = smooth_pixels()
    found = noise_of(clean + level * np.random.default_rng(1).standard_normal(clean.shape))
    assert np.median(found) == pytest.approx(level, rel=0.25)


def test_a_noisy_region_is_told_from_the_others() -> None:
    noisy = smooth_pixels()
    noisy[:, 12] += 0.02 * np.random.default_rng(1).standard_normal(len(noisy))
    found = noise_of(noisy)
    assert found[12] == pytest.approx(0.02, rel=0.2)
    assert np.delete(found, [*range(9, 16)]).max() < 1e-6


def test_what_smooth_spectra_differ_in_is_no_noise() -> None:
    assert noise_of(smooth_pixels()).max() < 1e-6


def test_too_few_pixels_say_nothing_of_noise() -> None:
    assert not noise_of(smooth_pixels(20)).any()
    assert not noise_of(np.full((5, 1), 0.2)).any()


def test_noise_counts_for_dark_spectra_and_hardly_for_bright_ones() -> None:
    table, centres = load_concepts(), np.linspace(450, 2300, 30)
    readings = read_names(ClassList.parse(["Water", "Sand"]), table, default_encoder())
    likelihood = SpectralLikelihood(expected_spectra(readings, table, -8.0), table, centres, SETTINGS.uncertainty)
    noisy = likelihood.under(np.full(30, 0.005))
    uneven = likelihood.means + 0.3 * (-1.0) ** np.arange(30)  # up and down by 0.003 of reflectance in water

    def lost(seen: SpectralLikelihood, owner: int) -> float:
        own = np.flatnonzero(seen.owners == owner)[0]
        return float((seen.per_spectrum(seen.means[[own]]) - seen.per_spectrum(uneven[[own]]))[0, own])

    assert lost(noisy, 0) < 0.5 * lost(likelihood, 0)
    assert lost(noisy, 1) > 0.9 * lost(likelihood, 1)
    assert likelihood.under(np.full(30, 0.005)) is noisy


@pytest.mark.parametrize("kind", ["reflectance", "radiance"])
def test_water_and_trees_of_a_noisy_scene_are_found(kind: str) -> None:
    """The spectra are the simulator's, of which the table knows nothing; radiance has the air's absorptions in it."""
    made = simulate(60, 80, 120, 6, seed=1, kind=kind)
    teacher = SpectrumTextTeacher(SETTINGS, encoder=default_encoder())
    scene = Scene.from_array(made.cube, wavelengths=made.wavelengths)
    told = np.asarray(teacher.predict(scene, None, ClassList.parse(list(made.names)))).argmax(axis=-1) + 1
    assert (told == made.truth)[made.truth > 0].mean() > 0.85
    for name in ("water", "trees"):
        own = made.truth == 1 + made.names.index(name)
        assert (told[own] == made.truth[own]).mean() > 0.5
