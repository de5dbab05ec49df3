"""A model on disk: what its document says, and that it predicts as the classifier that was trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fruit
import numpy as np
import pytest
import torch
from learn_images import fit as fit_images
from learn_images import learn_images, saved
from learn_images import settings as image_settings
from learn_scene import BANDS, CLASSES, learn_scene

from special.classnames.class_list import ClassList
from special.errors import ClassListError, RunError, SceneError, WeightsError
from special.models.registry import Vectors
from special.progress import Progress
from special.scene import Scene
from special.settings import load
from special.training import standardise as standardise_module
from special.training.balanced_sampling import OneHotTargets
from special.training.classifier import TrainedClassifier, classifier_of
from special.training.predict import predict
from special.training.saved_model import DESCRIPTION, WEIGHTS, Model, save_model
from special.training.settings import FitSettings
from special.training.standardise import Normalisation, Spectra
from special.training.supervised import fit

NM = np.linspace(450.0, 900.0, BANDS)
NAMES = ClassList.parse(["Water", "Grass | lawn", "Roof"])
QUICK = {
    "mambahsi.hidden": 8,
    "mambahsi.blocks": 1,
    "s3fn.patch": 3,
    "s3fn.components": 4,
    "aligned.patch": 3,
    "aligned.components": 4,
    "aligned.width": 8,
    "aligned.layers": 1,
    "aligned.heads": 2,
    "fit.epochs": 2,
    "fit.steps": 4,
    "fit.views": 1,
}
UNIT = np.eye(CLASSES, 5, dtype=np.float32)
VECTORS = Vectors(UNIT, [UNIT[k : k + 1] for k in range(CLASSES)])


class Encoder:
    parameters = 22


class Read:
    """Stands for texts that were read."""

    encoder = Encoder()

    def record(self) -> dict[str, Any]:
        return {"encoder": "minilm", "sha256": "abc", "paragraphs": [[], [], []]}


class Listener(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@dataclass(frozen=True)
class Fixture:
    """A model, and the probabilities of the classifier it was saved from."""

    model: Model
    probabilities: np.ndarray


def scene_of(cube: np.ndarray, nm: np.ndarray = NM) -> Scene:
    return Scene.from_array(cube, nm)


def written(folder: Path, trained: TrainedClassifier, name: str, meanings: Any = None) -> Model:
    save_model(
        folder,
        trained,
        classifier=name,
        classes=NAMES,
        wavelengths=NM,
        settings=load(changes={"classifier.name": name, **QUICK}).of(
            "classifier", "mambahsi", "s3fn", "aligned", "fit"
        ),
        meanings=meanings,
        seed=3,
        content={"scene": {"content": "s"}, "labels": "l"},
        versions={"special": "0"},
    )
    return Model.read(folder)


def fitted(folder: Path, name: str) -> Fixture:
    data = learn_scene()
    chosen = load(changes={"classifier.name": name, **QUICK})
    result = fit(
        data.cube,
        data.valid,
        OneHotTargets(data.truth, CLASSES),
        data.valid,
        chosen.build(FitSettings),
        classifier_of(chosen, VECTORS),
        seed=3,
    )
    return Fixture(written(folder, result, name, Read()), result.probabilities[:])


@pytest.fixture(scope="module")
def s3fn(tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    return fitted(tmp_path_factory.mktemp("s3fn"), "s3fn")


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of a classifier that has learned nothing."""
    folder = tmp_path_factory.mktemp("bare")
    chosen = load(changes={"classifier.name": "mean", **QUICK})
    data = learn_scene()
    network = classifier_of(chosen, None)(BANDS, CLASSES)
    return written(folder, TrainedClassifier(network, Normalisation.of(data.cube, data.valid), 7), "mean")


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scene counts as large."""
    monkeypatch.setattr(standardise_module, "KEPT", 0)


def probabilities_of(model: Model, scene: Scene, progress: Progress | None = None) -> np.ndarray:
    spectra = model.spectra(scene, progress) if progress else model.spectra(scene)
    return predict(model.network(), spectra, scene.valid, 256, 32, views=1, device="cpu")[:]


def test_the_document_has_all_that_a_prediction_needs(s3fn: Fixture) -> None:
    document = json.loads((s3fn.model.path / DESCRIPTION).read_text(encoding="utf-8"))
    assert document == s3fn.model.document
    assert set(document) == {
        "format", "classifier", "classes", "wavelengths", "normalisation", "settings", "parameters", "texts", "seed",
        "sha256", "versions",
    }  # fmt: skip
    assert document["classes"] == ["Water", "Grass | lawn", "Roof"]
    assert document["parameters"]["frozen"] == 22 and document["parameters"]["trained"] > 0
    assert document["texts"]["encoder"] == "minilm"
    assert document["sha256"]["scene"] == {"content": "s"} and document["sha256"]["labels"] == "l"


def test_the_document_of_a_model_of_images_says_so_and_has_its_bands(tmp_path: Path) -> None:
    images = learn_images(fruit.write(tmp_path / "fruit", images=3))
    chosen = image_settings("mean", {"cubes.epochs": 2, "cubes.steps": 2})
    result = fit_images(images, chosen)
    model = saved(tmp_path / "fit", images, result, chosen)
    assert model.level == "image" and model.bands.tolist() == result.bands.tolist()
    assert len(model.document["losses"]) == 2
    assert all(torch.equal(value, result.state_dict[name]) for name, value in model.network().state_dict().items())


@pytest.mark.parametrize("name", ["mambahsi", "s3fn", "aligned", "cnn3d", "mean"])
def test_a_model_predicts_its_own_scene_as_the_fit_did(name: str, tmp_path: Path) -> None:
    made = fitted(tmp_path, name)
    found = probabilities_of(made.model, scene_of(learn_scene().cube))
    np.testing.assert_allclose(found, made.probabilities, atol=1e-5)


def test_settings_by_their_old_names_are_understood(s3fn: Fixture, tmp_path: Path) -> None:
    shutil.copy(s3fn.model.path / WEIGHTS, tmp_path)
    document = dict(s3fn.model.document)
    old = dict(document["settings"])
    old["s3fn.first"], old["model.hidden"] = old.pop("s3fn.stage1_share"), old.pop("mambahsi.hidden")
    (tmp_path / DESCRIPTION).write_text(json.dumps({**document, "settings": old}), encoding="utf-8")
    model = Model.read(tmp_path)
    assert model.settings.values["mambahsi.hidden"] == 8
    np.testing.assert_array_equal(probabilities_of(model, scene_of(learn_scene().cube)), s3fn.probabilities)


@pytest.mark.usefixtures("large")
def test_a_large_scene_is_predicted_by_windows_as_a_small_one_is(s3fn: Fixture) -> None:
    scene = scene_of(learn_scene().cube)
    assert isinstance(s3fn.model.spectra(scene), Spectra)
    np.testing.assert_allclose(probabilities_of(s3fn.model, scene), s3fn.probabilities, atol=1e-4)


def test_other_bands_are_interpolated_between_neighbours(bare: Model) -> None:
    scene, listener = scene_of(learn_scene().cube[..., ::2], NM[::2]), Listener()
    spectra = np.asarray(bare.spectra(scene, listener)[:, :])
    assert spectra.shape[2] == BANDS
    raw = spectra * bare.normalisation.deviation + bare.normalisation.mean
    middle = (learn_scene().cube[..., 0] + learn_scene().cube[..., 2]) / 2
    np.testing.assert_allclose(raw[..., 1][scene.valid], middle[scene.valid], rtol=1e-4)
    assert "it is resampled to the model's 12; 1 of them lie outside the scene's range" in listener.lines[0]


def test_bands_outside_the_range_of_the_scene_are_given_their_mean(bare: Model) -> None:
    scene = scene_of(learn_scene().cube[..., :5], NM[:5])
    assert not np.asarray(bare.spectra(scene)[:, :])[..., 5:].any()


def test_a_large_scene_of_other_bands_is_resampled_by_windows(bare: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_of(learn_scene().cube[..., 1::2], NM[1::2])
    whole = np.asarray(bare.spectra(scene)[:, :])
    monkeypatch.setattr(standardise_module, "KEPT", 0)
    windows = bare.spectra(scene)
    assert isinstance(windows, Spectra) and windows.shape == whole.shape and windows.dtype == np.float32
    window = slice(3, 17), slice(2, 9)
    np.testing.assert_allclose(windows[window], whole[window], atol=1e-4)


def test_wavelengths_that_do_not_overlap_name_both_ranges(bare: Model) -> None:
    with pytest.raises(SceneError, match=r"from 1500 to 2400 nm, but .* from 450 to 900 nm: they do not overlap"):
        bare.spectra(scene_of(learn_scene().cube, np.linspace(1500, 2400, BANDS)))


@pytest.mark.parametrize("kept", [1 << 27, 0])
def test_a_scene_in_another_unit_is_noticed(bare: Model, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    monkeypatch.setattr(standardise_module, "KEPT", kept)
    same, other = Listener(), Listener()
    bare.spectra(scene_of(learn_scene().cube), same)
    bare.spectra(scene_of(learn_scene().cube * 1000), other)
    assert same.lines == []
    assert len(other.lines) == 1 and "is it the same sensor, in the same unit?" in other.lines[0]


def test_a_head_without_text_takes_no_other_classes(bare: Model) -> None:
    with pytest.raises(ClassListError, match="knows its own classes only"):
        bare.retarget(bare.network(), NAMES, None, offline=True)


def test_weights_that_do_not_fit_the_settings_are_refused(bare: Model, tmp_path: Path) -> None:
    shutil.copy(bare.path / WEIGHTS, tmp_path)
    settings = {**bare.document["settings"], "s3fn.components": 5}
    (tmp_path / DESCRIPTION).write_text(json.dumps({**bare.document, "settings": settings}), encoding="utf-8")
    with pytest.raises(WeightsError, match="do not fit its settings: fit the model again"):
        Model.read(tmp_path).network()


def test_a_damaged_model_is_refused(bare: Model, tmp_path: Path) -> None:
    shutil.copy(bare.path / DESCRIPTION, tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"\0" * 99)
    with pytest.raises(RunError, match=r"is not what .* was written for"):
        Model.read(tmp_path / WEIGHTS)
    with pytest.raises(RunError, match="there is no model"):
        Model.read(tmp_path / "nowhere")
