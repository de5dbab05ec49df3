"""Images are classified by the vote of their cubes."""

from __future__ import annotations

from pathlib import Path

import fruit
import numpy as np
import pytest
import torch
from learn_images import LearnImages, fit, learn_images, saved, settings
from torch import Tensor

from special.errors import SceneError
from special.models.patches import PatchClassifier
from special.progress import Progress
from special.training.image_cubes import Image
from special.training.image_dataset import open_images
from special.training.image_votes import predict_image, vote, vote_on_images
from special.training.saved_model import Model


class Brightness(PatchClassifier):
    """Class 1 where the middle of a cube is above 0.5."""

    def classify(self, cubes: Tensor) -> Tensor:
        middle = cubes[:, 0, self.patch // 2, self.patch // 2]
        return torch.stack([0.5 - middle, middle - 0.5], dim=1)


class Listener(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> LearnImages:
    return learn_images(fruit.write(tmp_path_factory.mktemp("dataset") / "fruit", images=4))


@pytest.fixture(scope="module")
def model(images: LearnImages, tmp_path_factory: pytest.TempPathFactory) -> Model:
    chosen = settings("cnn3d")
    return saved(tmp_path_factory.mktemp("model") / "fit", images, fit(images, chosen), chosen)


def test_the_majority_decides() -> None:
    spectra = np.zeros((9, 9, 1), np.float32)
    spectra[:6] = 1.0
    answer = vote(Image(spectra, np.ones((9, 9), bool), 1), Brightness(1, 1, 1), 81, np.random.default_rng(0), "cpu")
    assert (answer.label, answer.cubes) == (1, 81)
    np.testing.assert_allclose(answer.shares, [27 / 81, 54 / 81])


def test_images_that_were_not_learned_from_are_classified(model: Model, images: LearnImages) -> None:
    found = np.array([one.label for one in vote_on_images(model, images.scenes)])
    assert (found == images.labels)[~images.trained].all()


def test_the_same_model_gives_the_same_votes(model: Model, images: LearnImages) -> None:
    first, again = (vote_on_images(model, images.scenes) for _ in range(2))
    assert [one.to_json(images.classes) for one in first] == [one.to_json(images.classes) for one in again]


def test_a_vote_is_json_by_class_names(model: Model, images: LearnImages) -> None:
    answer = vote_on_images(model, images.scenes[:1])[0].to_json(images.classes)
    assert answer["predicted"] == "Overripe" and answer["cubes"] == 5
    assert list(answer["votes"]) == images.classes.names and sum(answer["votes"].values()) == pytest.approx(1)


def test_a_new_image_is_named(model: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", fruit.image(2, np.random.default_rng(99)))
    name, answer = predict_image(model, tmp_path / "new.npy")
    assert name == "Overripe" and answer.cubes == 5


def test_an_image_that_lacks_bands_is_refused(model: Model, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", fruit.image(2, np.random.default_rng(99))[..., :9])
    with pytest.raises(SceneError, match=r"new\.npy lacks bands that .* was fitted on"):
        predict_image(model, tmp_path / "new.npy")


def test_small_images_are_named_in_one_line(model: Model, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.npy" for number in range(2)]
    for path in paths:
        np.save(path, fruit.image(1, np.random.default_rng(0), side=6))
    listener = Listener()
    vote_on_images(model, open_images(paths, None), progress=listener)
    assert listener.lines == [
        f"2 images, {paths[0]} first, are smaller than a cube of 8 x 8 pixels: edges are repeated.",
        f"2 images, {paths[0]} first, have fewer places than the 5 cubes asked for.",
    ]
