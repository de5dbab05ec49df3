"""Expected spectra as a scene shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import small_scene

from special.classnames.class_list import ClassList
from special.errors import DamagedError
from special.scene import Scene
from special.settings import DEFAULT, load
from special.teachers.spectrum_text.as_seen import FILE, SeenSpectra
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

CLASSES = ClassList.parse([*small_scene.CLASSES, "Other"])


def seen(folder: Path, factor: float = 1.0) -> tuple[SeenSpectra, np.ndarray, np.ndarray]:
    """The small scene in numbers ``factor`` times its reflectance, as it is seen; spectra and truth of its pixels."""
    cube, nm, truth = small_scene.cube()
    teacher = SpectrumTextTeacher(load(DEFAULT, {}).build(SpectrumTextSettings))
    numbers = (cube * factor).astype(np.float32)
    teacher.predict(Scene.from_array(numbers, nm), None, CLASSES)
    teacher.leave(folder)
    return SeenSpectra.load(folder / FILE, len(nm)), numbers.reshape(-1, len(nm)), truth.ravel()


@pytest.fixture(scope="module")
def reflectance(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeenSpectra, np.ndarray, np.ndarray]:
    return seen(tmp_path_factory.mktemp("seen"))


def test_numbers_become_reflectance_on_the_regions_of_the_bands(reflectance) -> None:
    found, spectra, truth = reflectance
    values = found.reflectance(spectra)
    assert values.shape == (len(spectra), len(found.wavelengths))
    # The scene's numbers are reflectance, up to the scale that its names make likely and a gain that is all but flat.
    grass = values[truth == 2].mean(axis=0) / (spectra[truth == 2] @ found.regions.T).mean(axis=0)
    assert grass.max() / grass.min() < 1.1
    assert 0.3 < grass.mean() < 3


def test_the_scale_of_the_numbers_does_not_matter(reflectance, tmp_path: Path) -> None:
    found, spectra, _ = reflectance
    scaled, numbers, _ = seen(tmp_path, 10_000.0)
    np.testing.assert_allclose(scaled.reflectance(numbers), found.reflectance(spectra), rtol=0.05)


def test_of_a_class_the_spectrum_is_shown_that_explains_the_place_best(reflectance) -> None:
    found, spectra, truth = reflectance
    for index in range(3):
        place = found.reflectance(spectra[truth == index + 1]).mean(axis=0)
        distances = []
        for other in range(3):
            expected = found.expected(other, place)
            assert expected is not None
            ratio = np.log((expected[0] + 0.01) / (place + 0.01))
            distances.append(ratio.std())  # by shape: which scale is the likeliest is a toss-up here
        assert int(np.argmin(distances)) == index


def test_one_standard_deviation_lies_on_either_side(reflectance) -> None:
    found, spectra, _ = reflectance
    expected = found.expected(1, found.reflectance(spectra)[60])
    assert expected is not None
    middle, low, high = expected
    assert (low >= 0).all() and (low < middle).all() and (middle < high).all()


def test_of_a_class_that_is_not_there_nothing_is_expected(reflectance) -> None:
    found, spectra, _ = reflectance
    assert found.expected(len(CLASSES), found.reflectance(spectra)[0]) is None


def test_a_teacher_that_has_seen_no_scene_leaves_nothing(tmp_path: Path) -> None:
    SpectrumTextTeacher(load(DEFAULT, {}).build(SpectrumTextSettings)).leave(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_scene_of_its_classes_is_explained_and_one_with_its_bands_mixed_up_is_not(reflectance) -> None:
    found, spectra, truth = reflectance
    assert found.unexplained(spectra, 30.0, 0.001) < 0.05
    assert found.unexplained(spectra[truth == 2, ::-1], 30.0, 0.001) > 0.9


def test_numbers_are_known_for_reflectance_or_radiance(reflectance) -> None:
    assert not reflectance[0].is_radiance


def test_bands_that_were_stretched_one_by_one_are_known_for_it(reflectance, tmp_path: Path) -> None:
    assert not reflectance[0].is_stretched
    cube, nm, _ = small_scene.cube()
    stretched = (cube - cube.min(axis=(0, 1))) / np.ptp(cube, axis=(0, 1))
    teacher = SpectrumTextTeacher(load(DEFAULT, {}).build(SpectrumTextSettings))
    teacher.predict(Scene.from_array(stretched.astype(np.float32), nm), None, CLASSES)
    teacher.leave(tmp_path)
    assert SeenSpectra.load(tmp_path / FILE, len(nm)).is_stretched


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda arrays: arrays | {"more": arrays["dark"]}, "unexpected keyword argument 'more'"),
        (lambda arrays: {name: arrays[name] for name in arrays if name != "gain"}, "missing 1 required"),
        (lambda arrays: arrays | {"means": arrays["means"][1:]}, "means is of shape"),
        (lambda arrays: arrays | {"offset": arrays["offset"][None]}, "offset is of shape"),
        (lambda arrays: arrays | {"gain": arrays["gain"] * np.nan}, "gain is not finite"),
        (lambda arrays: arrays | {"precisions": arrays["precisions"] * 0}, "Singular matrix"),
        (lambda arrays: arrays | {"precisions": -arrays["precisions"]}, "an error has no precision"),
    ],
)
def test_what_a_teacher_cannot_have_left_is_one_line(reflectance, tmp_path: Path, damage, said: str) -> None:
    found, spectra, _ = reflectance
    (tmp_path / FILE).write_bytes(safetensors.numpy.save(damage(dict(vars(found)))))
    with pytest.raises(DamagedError, match=said):
        SeenSpectra.load(tmp_path / FILE, spectra.shape[1])


def test_what_a_teacher_has_left_of_a_scene_with_other_bands_is_one_line(reflectance, tmp_path: Path) -> None:
    found, spectra, _ = reflectance
    with pytest.raises(DamagedError, match="regions is of shape"):
        SeenSpectra.load(found.save(tmp_path), spectra.shape[1] - 1)
