"""Images that show one thing each: cubes are drawn, classified, and vote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import fruit
import numpy as np
import pytest
from click.testing import CliRunner

import special
from special.cli import main
from special.errors import ClassListError, DamagedError, RunError, SceneError, SettingsError
from special.progress import Progress
from special.storage.files import sha256_of

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
    return special.fit_images(dataset, dataset.parent / "fruit.fit", settings=QUICK, device="cpu").path


def test_images_that_were_not_learned_from_are_told_apart(model: Path) -> None:
    told = json.loads((model / "votes.json").read_text(encoding="utf-8"))
    assert [image["part"] for image in told["images"]].count("test") == 3
    assert told["test"]["oa"] == 1.0


@pytest.mark.parametrize("change", [{"test": 1}, {"images": None}])
def test_votes_that_are_none_are_damaged(model: Path, tmp_path: Path, change: dict[str, object]) -> None:
    run = Path(shutil.copytree(model, tmp_path / "run"))
    votes, manifest = (run / "steps" / "vote" / name for name in ("votes.json", "manifest.json"))
    votes.write_text(json.dumps(json.loads(votes.read_text()) | change))
    document = json.loads(manifest.read_text())
    document["files"]["votes.json"] = sha256_of(votes)
    manifest.write_text(json.dumps(document))
    with pytest.raises(DamagedError, match="holds no votes"):
        _ = special.ImageRun(run).scores


def test_the_same_seed_gives_the_same_votes(dataset: Path, model: Path, tmp_path: Path) -> None:
    again = special.fit_images(dataset, tmp_path / "again", settings=QUICK, device="cpu").path
    assert (again / "votes.json").read_text() == (model / "votes.json").read_text()


class Killed(BaseException):
    """Stands for a power cut: no ``except Exception`` sees it."""


class KillAfter(Progress):
    """Kills in the middle of the training."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.left -= steps
        if self.left <= 0:
            raise Killed


def test_a_run_that_was_killed_goes_on_and_votes_the_same(dataset: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        special.fit_images(dataset, tmp_path / "run", settings=QUICK, device="cpu", progress=KillAfter(50))
    assert list((tmp_path / "run").glob("work/fit-*/*.safetensors")), "the first epoch was kept"
    again = special.fit_images(dataset, tmp_path / "run", settings=QUICK, device="cpu")
    assert {outcome.step: outcome.ran for outcome in again.outcomes} == {"split": False, "fit": True, "vote": True}
    for name in ("model.safetensors", "votes.json"):
        assert (again.path / name).read_bytes() == (model / name).read_bytes()


def test_a_change_of_the_votes_trains_nothing(dataset: Path, model: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(model, tmp_path / "run"))
    again = special.fit_images(dataset, run, settings={**QUICK, "map.reject": 0.5}, device="cpu")
    assert not any(outcome.ran for outcome in again.outcomes)


def test_the_status_of_a_run_on_images_names_its_steps(model: Path) -> None:
    verdicts, _ = special.status(model)
    assert [(verdict.step, verdict.state) for verdict in verdicts] == [
        ("split", "done"),
        ("fit", "done"),
        ("vote", "done"),
    ]


def test_another_image_in_the_data_set_is_another_data_set(dataset: Path, model: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "fruit"))
    run = Path(shutil.copytree(model, tmp_path / "run"))
    np.save(copy / "Ripe" / "99.npy", np.load(copy / "Ripe" / "01.npy"))
    with pytest.raises(RunError, match="from other images"):
        special.fit_images(copy, run, settings=QUICK, device="cpu")


def test_the_scores_of_images_are_not_asked_of_evaluate(model: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"its scores are in its votes\.json"):
        special.evaluate(model, np.ones((3, 3), int))


@pytest.mark.parametrize("seed", [-1, 2**32, True, "1", None])
def test_a_model_with_a_seed_that_is_none_is_damaged(model: Path, tmp_path: Path, seed: object) -> None:
    run = Path(shutil.copytree(model, tmp_path / "run"))
    document = json.loads((run / "model.json").read_text(encoding="utf-8"))
    (run / "model.json").write_text(json.dumps({**document, "seed": seed}))
    with pytest.raises(RunError, match=r"model\.json is damaged .*the seed is"):
        special.predict(run, fruit.image(2, np.random.default_rng(99)), device="cpu")


def test_a_new_image_is_classified_by_the_command(model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", fruit.image(2, np.random.default_rng(99)))
    result = CliRunner().invoke(main, ["predict", str(model), str(tmp_path / "new.npy"), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    assert "Overripe, with" in result.stdout and "of 5 votes" in result.stdout


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
        ({"settings": {"cubes.votes": 0}}, SettingsError, "cubes.votes must be 1 to 100000"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    dataset: Path, tmp_path: Path, options: dict, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        special.fit_images(dataset, tmp_path / "out", **{"settings": QUICK, "device": "cpu", **options})
    assert not (tmp_path / "out").exists()


def test_images_of_two_sensors_are_refused(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    np.save(copy / "Ripe" / "99.npy", np.random.default_rng(0).random((9, 9, 7), np.float32))
    with pytest.raises(SceneError, match="must be of one sensor"):
        special.fit_images(copy, tmp_path / "out", settings=QUICK, device="cpu")
