"""Images that show one thing each: cubes are drawn, classified, and vote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fruit
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from special.api.fit_images import fit_dataset
from special.cli import main
from special.errors import ClassListError, SceneError, SettingsError
from special.models.patches import PatchClassifier
from special.training.image_cubes import Image, vote
from special.training.image_dataset import find

QUICK = {
    "cubes.side": 8,
    "cubes.components": 4,
    "cubes.epochs": 2,
    "cubes.steps": 40,
    "cubes.learning_rate": 0.003,
    "s3fn.dropout": 0.2,
    "cubes.votes": 5,
    "classifier.texts": "names",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fruit.write(tmp_path_factory.mktemp("dataset") / "fruit", images=4)


@pytest.fixture(scope="module")
def model(dataset: Path) -> Path:
    return fit_dataset(dataset, dataset.parent / "fruit.fit", settings=QUICK, device="cpu").path


class Brightness(PatchClassifier):
    """Class 1 where the middle of a cube is above 0.5."""

    def classify(self, cubes: Tensor) -> Tensor:
        middle = cubes[:, 0, self.patch // 2, self.patch // 2]
        return torch.stack([0.5 - middle, middle - 0.5], dim=1)


def test_images_that_were_not_learned_from_are_told_apart(model: Path) -> None:
    told = json.loads((model / "votes.json").read_text(encoding="utf-8"))
    assert [image["part"] for image in told["images"]].count("test") == 3
    assert told["test"]["oa"] == 1.0


def test_the_same_seed_gives_the_same_votes(dataset: Path, model: Path, tmp_path: Path) -> None:
    again = fit_dataset(dataset, tmp_path / "again", settings=QUICK, device="cpu").path
    assert (again / "votes.json").read_text() == (model / "votes.json").read_text()


def test_a_new_image_is_classified_by_the_command(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", fruit.image(2, np.random.default_rng(99)))
    result = CliRunner().invoke(main, ["predict", str(model), str(tmp_path / "new.npy"), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "Overripe, with" in result.stdout and "of 5 votes" in result.stdout


def test_classes_come_in_the_order_of_the_list(dataset: Path) -> None:
    from special.classnames.class_list import ClassList

    classes, samples = find(dataset, ClassList.parse(["ripe", "unripe"]))
    assert classes.names == ["ripe", "unripe"]
    assert [sample.path.parent.name for sample in samples] == ["Ripe"] * 4 + ["Unripe"] * 4


def test_an_envi_cube_is_one_image(dataset: Path) -> None:
    _, samples = find(dataset, None)
    assert [sample.path.name for sample in samples[:4]] == ["00.hdr", "01.npy", "02.hdr", "03.npy"]


def test_the_majority_decides() -> None:
    spectra = np.zeros((9, 9, 1), np.float32)
    spectra[:6] = 1.0
    answer = vote(Image(spectra, np.ones((9, 9), bool), 1), Brightness(1, 1, 1), 81, np.random.default_rng(0), "cpu")
    assert (answer.label, answer.cubes) == (1, 81)
    np.testing.assert_allclose(answer.shares, [27 / 81, 54 / 81])


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


def test_a_mask_beside_an_image_is_used(dataset: Path, tmp_path: Path) -> None:
    from special.training.image_dataset import open_images, read_image

    cube = np.load(dataset / "Ripe" / "01.npy") + 1
    np.save(tmp_path / "one.npy", cube)
    mask = np.zeros(cube.shape[:2], bool)
    mask[5:9, 5:9] = True
    np.save(tmp_path / "one_mask.npy", mask)
    _, unmasked = read_image(open_images([tmp_path / "one.npy"], None)[0], np.arange(cube.shape[2]))
    assert (unmasked == mask).all()


def test_the_baselines_are_in_the_same_command(dataset: Path, tmp_path: Path) -> None:
    arguments = ["fit", "--dataset", str(dataset), "--out", str(tmp_path / "mean"), "--classifier", "mean"]
    options = [part for name, value in QUICK.items() for part in ("--set", f"{name}={value}")]
    result = CliRunner().invoke(main, [*arguments, *options, "--train-per-class", "2", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "6 test images, 6 learned from" in result.stdout


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"classes": ["Ripe", "Rotten"]}, ClassListError, "no folder 'Rotten': it has Overripe, Ripe, Unripe"),
        ({"train_per_class": 4}, SceneError, "too few to learn from 4"),
        ({"classifier": "mambahsi"}, SettingsError, "pixels, not images"),
        ({"settings": {"cubes.votes": 0}}, SettingsError, "cubes.votes must be 1 or more"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    dataset: Path, tmp_path: Path, options: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        fit_dataset(dataset, tmp_path / "out", **{"settings": QUICK, "device": "cpu", **options})
    assert not list(tmp_path.iterdir())


def test_a_class_of_one_image_is_refused(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    for path in list((copy / "Ripe").iterdir())[:]:
        if not path.name.startswith("00"):
            path.unlink()
    with pytest.raises(SceneError, match="has 1 cubes: a class needs two"):
        find(copy, None)


def test_images_of_two_sensors_are_refused(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    np.save(copy / "Ripe" / "99.npy", np.random.default_rng(0).random((9, 9, 7), np.float32))
    with pytest.raises(SceneError, match="must be of one sensor"):
        fit_dataset(copy, tmp_path / "out", settings=QUICK, device="cpu")
