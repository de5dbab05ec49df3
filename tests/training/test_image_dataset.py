"""A data set of images on disk: its classes, its masks, its bands, and which images are learned from."""

from __future__ import annotations

import shutil
from pathlib import Path

import fruit
import numpy as np
import pytest

from special.classnames.class_list import ClassList
from special.errors import ClassListError, SceneError
from special.settings import load
from special.training.image_dataset import (
    common_bands,
    draw_training_images,
    find,
    normalisation_of,
    open_images,
    read_image,
)
from special.training.settings import CubeSettings

CLASSES = ClassList.parse(["Unripe", "Ripe"])
LABELS = np.repeat([0, 1], [10, 4])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fruit.write(tmp_path_factory.mktemp("dataset") / "fruit", images=4)


def settings(per_class: int = 0, fraction: float = 0.0) -> CubeSettings:
    return load(changes={"cubes.per_class": per_class, "cubes.fraction": fraction}).build(CubeSettings)


def drawn(chosen: CubeSettings, seed: int = 0) -> np.ndarray:
    return draw_training_images(LABELS, CLASSES, chosen, np.random.default_rng(seed)).trained


def test_classes_come_in_the_order_of_the_list(dataset: Path) -> None:
    classes, samples = find(dataset, ClassList.parse(["ripe", "unripe"]))
    assert classes.names == ["ripe", "unripe"]
    assert [sample.path.parent.name for sample in samples] == ["Ripe"] * 4 + ["Unripe"] * 4


def test_without_a_list_every_folder_is_a_class(dataset: Path) -> None:
    assert find(dataset, None)[0].names == ["Overripe", "Ripe", "Unripe"]


def test_an_envi_cube_is_one_image(dataset: Path) -> None:
    _, samples = find(dataset, None)
    assert [sample.path.name for sample in samples[:4]] == ["00.hdr", "01.npy", "02.hdr", "03.npy"]


def test_a_class_without_a_folder_is_refused(dataset: Path) -> None:
    with pytest.raises(ClassListError, match="no folder 'Rotten': it has Overripe, Ripe, Unripe"):
        find(dataset, ClassList.parse(["Ripe", "Rotten"]))


def test_a_class_of_one_image_is_refused(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    for path in list((copy / "Ripe").iterdir()):
        if not path.name.startswith("00"):
            path.unlink()
    with pytest.raises(SceneError, match="has 1 cubes: a class needs two"):
        find(copy, None)


def test_images_of_two_sensors_are_refused(dataset: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "other.npy", np.random.default_rng(0).random((9, 9, 7), np.float32))
    with pytest.raises(SceneError, match="must be of one sensor"):
        open_images([dataset / "Ripe" / "01.npy", tmp_path / "other.npy"], None)


def test_bands_that_are_bad_in_one_image_are_left_out(dataset: Path, tmp_path: Path) -> None:
    cube = np.load(dataset / "Ripe" / "01.npy")
    cube[..., 3] = 0
    np.save(tmp_path / "lacking.npy", cube)
    scenes = open_images([dataset / "Ripe" / "01.npy", tmp_path / "lacking.npy"], None)
    assert common_bands(scenes).tolist() == [0, 1, 2, *range(4, 16)]


def test_a_mask_beside_an_image_is_used(dataset: Path, tmp_path: Path) -> None:
    cube = np.load(dataset / "Ripe" / "01.npy") + 1
    np.save(tmp_path / "one.npy", cube)
    mask = np.zeros(cube.shape[:2], bool)
    mask[5:9, 5:9] = True
    np.save(tmp_path / "one_mask.npy", mask)
    _, unmasked = read_image(open_images([tmp_path / "one.npy"], None)[0], np.arange(cube.shape[2]))
    assert (unmasked == mask).all()


def test_a_mask_of_another_size_is_refused(dataset: Path, tmp_path: Path) -> None:
    shutil.copy(dataset / "Ripe" / "01.npy", tmp_path / "one.npy")
    np.save(tmp_path / "one_mask.npy", np.ones((3, 3), bool))
    with pytest.raises(SceneError, match="give a mask of its size"):
        read_image(open_images([tmp_path / "one.npy"], None)[0], np.arange(16))


def test_the_normalisation_is_that_of_the_unmasked_pixels_of_all_images(dataset: Path) -> None:
    scenes = open_images([sample.path for sample in find(dataset, None)[1]], None)
    bands = np.arange(16)
    pixels = np.concatenate([cube[unmasked] for cube, unmasked in (read_image(scene, bands) for scene in scenes)])
    found = normalisation_of(scenes, bands)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=0, dtype=np.float64), rtol=1e-9)
    np.testing.assert_allclose(found.deviation, pixels.std(axis=0, dtype=np.float64), rtol=1e-9)


@pytest.mark.parametrize(
    ("chosen", "counts"),
    [(settings(per_class=3), [3, 3]), (settings(fraction=0.5), [5, 2]), (settings(fraction=1), [9, 3])],
)
def test_so_many_or_such_a_share_of_every_class_is_learned_from(chosen: CubeSettings, counts: list[int]) -> None:
    assert np.bincount(LABELS[drawn(chosen)]).tolist() == counts


def test_the_generator_decides_which_images_are_learned_from() -> None:
    first, again, other = (drawn(settings(fraction=0.5), seed) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_the_figures_count_the_images_of_every_class() -> None:
    split = draw_training_images(LABELS, CLASSES, settings(per_class=3), np.random.default_rng(0))
    assert split.figures == {
        "train": 6,
        "test": 8,
        "classes": [
            {"name": "Unripe", "images": 10, "train": 3, "test": 7},
            {"name": "Ripe", "images": 4, "train": 3, "test": 1},
        ],
    }


def test_a_class_with_too_few_images_is_refused() -> None:
    with pytest.raises(SceneError, match="Ripe has 4 images, too few to learn from 4 and test on another"):
        drawn(settings(per_class=4))
