"""What the teachers reach on real scenes, and what one that knows nothing costs. Ground truth only judges here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny_clip
from fixed_teacher import FixedTeacher

from special import settings
from special.classnames.class_list import ClassList
from special.scene import Scene, open_scene
from special.scene.truth import read_truth
from special.steps.rgb import RgbSettings, render
from special.teachers.fusion import FusionSettings, fuse, pseudo_labels
from special.teachers.image_text.teacher import ImageTextSettings, ImageTextTeacher
from special.teachers.image_text.weights import find_clip
from special.teachers.spectrum_text.settings import SpectrumTextSettings
from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

Scenes = dict[str, tuple[Scene, ClassList, np.ndarray]]


@pytest.fixture(scope="module")
def scenes(shared: Path) -> Scenes:
    """Every real scene with its class list and its truth."""
    found = {}
    for home in sorted(path for path in (shared / "scenes").iterdir() if path.is_dir()):
        envi, wavelengths = home / f"{home.name}.hdr", home / "wavelengths.csv"
        scene = open_scene(envi) if envi.exists() else open_scene(home / f"{home.name}.mat", wavelengths=wavelengths)
        truth = read_truth(home / f"{home.name}_gt.mat", scene.shape[:2])
        found[home.name] = (scene, ClassList.read(home / "classes.txt"), truth)
    return found


def accuracy(probabilities: np.ndarray, truth: np.ndarray) -> float:
    known = truth > 0
    return float((probabilities[known].argmax(axis=-1) + 1 == truth[known]).mean())


@pytest.fixture(scope="module")
def pipeline() -> settings.Settings:
    return settings.load()


@pytest.fixture(scope="module")
def alone(scenes: Scenes, pipeline: settings.Settings) -> dict[str, np.ndarray]:
    """The spectrum-text teacher's probabilities for every scene."""
    built = pipeline.build(SpectrumTextSettings)
    teacher = SpectrumTextTeacher(built)
    return {name: teacher.predict(scene, None, classes) for name, (scene, classes, _) in scenes.items()}


def test_names_and_spectra_alone_reach_052(scenes: Scenes, alone: dict[str, np.ndarray]) -> None:
    reached = {name: accuracy(alone[name], truth) for name, (_, _, truth) in scenes.items()}
    assert np.mean(list(reached.values())) >= 0.52, reached


@pytest.mark.parametrize("seed", [0, 1])
def test_a_clip_with_random_weights_costs_at_most_001(
    scenes: Scenes, alone: dict[str, np.ndarray], pipeline: settings.Settings, tmp_path: Path, seed: int
) -> None:
    weights = tiny_clip.save(tmp_path / "random.safetensors", seed=seed)
    clip, _ = find_clip(f"tiny:{weights}", offline=True, device="cpu")
    assert clip is not None
    image_teacher = ImageTextTeacher(clip, pipeline.build(ImageTextSettings))
    fusion = pipeline.build(FusionSettings)

    lost, unweighted = [], []
    for name, (scene, classes, truth) in scenes.items():
        rgb = render(scene, pipeline.build(RgbSettings))
        teachers = [FixedTeacher("spectrum-text", alone[name]), image_teacher]
        result = pseudo_labels(scene, rgb, classes, teachers, fusion)
        before = accuracy(alone[name], truth)
        lost.append(before - accuracy(result.probabilities, truth))
        unweighted.append(before - accuracy(fuse(list(result.parts.values()), [1.0, 1.0]), truth))
    assert np.mean(lost) <= 0.01, lost
    assert np.mean(unweighted) > np.mean(lost), "this CLIP would have done harm, had it been believed"


def test_a_teacher_that_is_right_on_half_of_the_classes_gains(
    scenes: Scenes, alone: dict[str, np.ndarray], pipeline: settings.Settings
) -> None:
    """It knows every second class, either half, and guesses the others; off the labels it sees what the first sees."""
    fusion = pipeline.build(FusionSettings)
    gained = []
    for name, (scene, classes, truth) in scenes.items():
        guessed = np.random.default_rng(0).integers(len(classes), size=truth.shape)
        seen = np.where(truth > 0, truth - 1, alone[name].argmax(axis=-1))
        for half in (0, 1):
            named = np.where(seen % 2 == half, seen, guessed)
            answer = (0.4 * np.eye(len(classes))[named] + 0.6 / len(classes)) * scene.valid[..., None]
            teachers = [FixedTeacher("spectrum-text", alone[name]), FixedTeacher("other", answer.astype(np.float32))]
            result = pseudo_labels(scene, None, classes, teachers, fusion)
            gained.append(accuracy(result.probabilities, truth) - accuracy(alone[name], truth))
    assert np.mean(gained) > 0.01, gained
