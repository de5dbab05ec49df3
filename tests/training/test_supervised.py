"""Supervised training: what is labelled is learned, what is not is not, and a killed training goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from learn_scene import BANDS, CLASSES, LearnScene, accuracy, build, fit_settings, learn_scene
from torch import nn

from special.errors import TrainingError
from special.models.aligned import Aligned, AlignedSettings
from special.models.s3fn import S3FN, S3FNSettings
from special.progress import SILENT, Progress
from special.settings import load
from special.training.balanced_sampling import OneHotTargets
from special.training.checkpoint import Checkpoint
from special.training.supervised import Fitted, Labels, fit


def s3fn(bands: int, classes: int) -> nn.Module:
    small = {"s3fn.patch": 3, "s3fn.components": 4, "s3fn.stage1_share": 0.5}
    return S3FN(bands, classes, load(changes=small).build(S3FNSettings), torch.eye(classes, 5))


def aligned(bands: int, classes: int) -> nn.Module:
    small = {"patch": 3, "components": 4, "width": 8, "layers": 1, "heads": 2, "hard": 1, "semi_hard": 1}
    changes = {f"aligned.{name}": value for name, value in small.items()}
    anchors = [torch.eye(classes, 5)[k : k + 1] for k in range(classes)]
    return Aligned(bands, classes, load(changes=changes).build(AlignedSettings), anchors)


@pytest.fixture(scope="module")
def scene() -> LearnScene:
    return learn_scene()


def learn(
    scene: LearnScene,
    weights: np.ndarray,
    maker: Callable[[int, int], nn.Module] = build,
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
    **changes: Any,
) -> Fitted:
    return fit(
        scene.cube,
        scene.valid,
        OneHotTargets(scene.truth, CLASSES),
        weights,
        fit_settings(**changes),
        maker,
        seed=3,
        checkpoint=checkpoint,
        progress=progress,
    )


def some(scene: LearnScene) -> np.ndarray:
    """A tenth of the pixels is labelled."""
    return (np.random.default_rng(0).random(scene.truth.shape) < 0.1).astype(np.float32)


@pytest.mark.parametrize("maker", [build, s3fn, aligned])
def test_a_tenth_of_the_labels_is_enough(scene: LearnScene, maker: Callable[[int, int], nn.Module]) -> None:
    result = learn(scene, some(scene), maker, epochs=4, steps=30, learning_rate=0.01)
    assert accuracy(result.probabilities, scene) > 0.9


@pytest.mark.parametrize("maker", [s3fn, aligned])
def test_a_killed_training_goes_on_bit_for_bit(
    scene: LearnScene, maker: Callable[[int, int], nn.Module], tmp_path: Path
) -> None:
    class Killed(Progress):
        steps = 0

        def advance(self, steps: int = 1, **figures: float) -> None:
            self.steps += steps
            if self.steps > 9:  # in the third epoch, for s3fn in its second stage
                raise KeyboardInterrupt

    whole = learn(scene, some(scene), maker)
    checkpoint = Checkpoint(tmp_path, "key")
    with pytest.raises(KeyboardInterrupt):
        learn(scene, some(scene), maker, checkpoint, Killed())
    resumed = learn(scene, some(scene), maker, checkpoint)
    assert all(torch.equal(value, resumed.state_dict[name]) for name, value in whole.state_dict.items())
    assert whole.figures == resumed.figures


def test_pixels_of_weight_0_are_never_drawn(scene: LearnScene) -> None:
    weights = some(scene)
    objective = Labels(OneHotTargets(scene.truth, CLASSES), weights, fit_settings(pixels_per_class=10_000))
    window = (slice(0, scene.truth.shape[0]), slice(0, scene.truth.shape[1]))
    (term,) = objective.terms(window, scene.valid, np.random.default_rng(0))
    assert sorted(term.index) == np.flatnonzero((weights > 0) & scene.valid).tolist()


def test_pixels_without_a_label_are_never_drawn(scene: LearnScene) -> None:
    labels = np.where(some(scene) > 0, scene.truth, -1)
    objective = Labels(OneHotTargets(labels, CLASSES), np.ones(labels.shape), fit_settings(pixels_per_class=10_000))
    window = (slice(0, labels.shape[0]), slice(0, labels.shape[1]))
    (term,) = objective.terms(window, scene.valid, np.random.default_rng(0))
    assert sorted(term.index) == np.flatnonzero((labels >= 0) & scene.valid).tolist()


def test_hard_labels_and_their_one_hot_targets_give_the_same_bits(scene: LearnScene) -> None:
    hard = learn(scene, some(scene))
    targets = np.eye(CLASSES, dtype=np.float32)[scene.truth]
    dense = fit(scene.cube, scene.valid, targets, some(scene), fit_settings(), build, seed=3)
    assert all(torch.equal(value, dense.state_dict[name]) for name, value in hard.state_dict.items())


def test_targets_may_be_soft(scene: LearnScene) -> None:
    targets = np.full((*scene.truth.shape, CLASSES), 0.3, np.float32)
    targets[..., 1] = 0.4
    result = fit(
        scene.cube,
        scene.valid,
        targets,
        np.ones(scene.truth.shape, np.float32),
        fit_settings(epochs=3, steps=30, learning_rate=0.01),
        build,
        seed=0,
    )
    np.testing.assert_allclose(result.probabilities[scene.valid].mean(axis=0), [0.3, 0.4, 0.3], atol=0.02)


def test_the_normalisation_is_that_of_the_scene(scene: LearnScene) -> None:
    result = learn(scene, some(scene), epochs=1, steps=1)
    values = scene.cube[scene.valid]
    np.testing.assert_allclose(result.normalisation.mean, values.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(result.normalisation.deviation, values.std(axis=0), rtol=1e-4)
    assert len(result.normalisation.mean) == BANDS


def test_no_label_is_an_error(scene: LearnScene) -> None:
    with pytest.raises(TrainingError, match="no valid pixel is labelled"):
        learn(scene, np.where(scene.valid, 0, 1).astype(np.float32))
