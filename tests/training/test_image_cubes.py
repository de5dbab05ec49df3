"""Training on cubes of images: where cubes stand, that they teach, and that a killed training goes on."""

from __future__ import annotations

import json
from pathlib import Path

import fruit
import numpy as np
import pytest
import torch
from learn_images import CLASSES, LearnImages, fit, learn_images, settings

from special.errors import SettingsError, TrainingError
from special.progress import Progress
from special.training.checkpoint import Checkpoint
from special.training.classifier import with_cube_size
from special.training.image_cubes import Image, ImageCubes
from special.training.settings import CubeSettings

SHORT = {"cubes.epochs": 3, "cubes.steps": 4}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LearnImages:
    return learn_images(fruit.write(tmp_path_factory.mktemp("dataset") / "fruit", images=4))


class Killed(Exception):
    pass


class KillAfter(Progress):
    """Raise in the middle of a training, as a kill would."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.left -= steps
        if self.left < 0:
            raise Killed


def test_cubes_stand_on_unmasked_pixels_and_in_different_places() -> None:
    spectra = np.arange(100, dtype=np.float32).reshape(10, 10, 1)
    unmasked = np.zeros((10, 10), bool)
    unmasked[3:6, 4:8] = True
    drawn = Image(spectra, unmasked, 3).draw(12, np.random.default_rng(0))
    middles = drawn[:, 0, 1, 1].astype(int)
    assert sorted(middles) == sorted(spectra[unmasked].ravel().astype(int))


def test_an_image_with_fewer_places_than_cubes_gives_those_it_has() -> None:
    assert len(Image(np.ones((4, 4, 1), np.float32), np.ones((4, 4), bool), 3).draw(50, np.random.default_rng(0))) == 4


def test_an_image_smaller_than_a_cube_repeats_its_edges() -> None:
    image = Image(np.ones((2, 3, 1), np.float32), np.ones((2, 3), bool), 5)
    assert image.enlarged and image.draw(9, np.random.default_rng(0)).shape == (1, 1, 5, 5)


def test_a_step_has_so_many_cubes_of_every_class_and_weighs_classes_alike() -> None:
    one = Image(np.ones((4, 4, 2), np.float32), np.ones((4, 4), bool), 3)
    chosen = settings(changes={"cubes.cubes_per_class": 2, "cubes.balance": 1.0}).build(CubeSettings)
    cubes = ImageCubes([one] * 4, np.array([0, 2, 2, 2]), CLASSES, chosen, "cpu")
    batch = cubes.draw(np.random.default_rng(0))
    assert batch.cubes.shape == (4, 2, 3, 3)
    assert batch.targets.argmax(axis=1).tolist() == [0, 0, 2, 2]
    np.testing.assert_allclose(batch.weights, 0.25)
    assert cubes.counts.tolist() == [1, 0, 3]


def test_the_classifier_takes_cubes_of_the_size_of_the_section_cubes() -> None:
    for name in ("s3fn", "cnn3d", "mean", "aligned"):
        sized = with_cube_size(settings(name))
        section = "aligned" if name == "aligned" else "s3fn"
        assert (sized.values[f"{section}.patch"], sized.values[f"{section}.components"]) == (8, 4)
    assert with_cube_size(settings("mambahsi")) == settings("mambahsi")


@pytest.mark.parametrize("name", ["s3fn", "cnn3d", "mean", "aligned"])
def test_the_loss_falls(images: LearnImages, name: str) -> None:
    losses = fit(images, settings(name, {"s3fn.stage1_share": 0.999})).extra_entries["losses"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["s3fn", "aligned"])
@pytest.mark.parametrize("steps", [2, 6, 11])
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(
    images: LearnImages, tmp_path: Path, name: str, steps: int
) -> None:
    chosen = settings(name, SHORT)
    whole = fit(images, chosen)
    checkpoint = Checkpoint(tmp_path, "key")
    with pytest.raises(Killed):
        fit(images, chosen, checkpoint=checkpoint, progress=KillAfter(steps))
    torch.manual_seed(99)  # the world outside has moved on
    resumed = fit(images, chosen, checkpoint=checkpoint)
    assert resumed.figures == whole.figures
    assert all(torch.equal(resumed.state_dict[name], value) for name, value in whole.state_dict.items())


def test_the_seed_decides_every_bit(images: LearnImages) -> None:
    first, again, other = (fit(images, settings(changes=SHORT), seed=seed).state_dict for seed in (0, 0, 1))
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert any(not torch.equal(value, other[name]) for name, value in first.items())


def test_images_that_are_kept_for_the_test_are_not_learned_from(images: LearnImages) -> None:
    alone = LearnImages(
        images.classes,
        [scene for scene, used in zip(images.scenes, images.trained, strict=True) if used],
        images.labels[images.trained],
        np.ones(int(images.trained.sum()), bool),
    )
    first, second = (fit(some, settings(changes=SHORT)).state_dict for some in (images, alone))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_figures_are_json_and_have_the_loss_of_every_epoch(images: LearnImages) -> None:
    figures = fit(images, settings(changes=SHORT)).figures
    assert json.loads(json.dumps(figures)) == figures
    assert [record["epoch"] for record in figures["epochs"]] == [1, 2, 3]
    assert sum(figures["classes"]["images"]) == images.trained.sum()


def test_a_classifier_of_whole_scenes_is_refused(images: LearnImages) -> None:
    with pytest.raises(SettingsError, match="pixels, not images"):
        fit(images, settings("mambahsi"))


def test_a_loss_that_is_not_finite_names_epoch_class_and_setting(images: LearnImages) -> None:
    wild = settings("cnn3d", {**SHORT, "cubes.learning_rate": 1e30})
    with pytest.raises(TrainingError, match=r"fit: the loss is not finite in epoch 1 of 3, .*cubes\.learning_rate"):
        fit(images, wild)
