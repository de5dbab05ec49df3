"""A data set of images of fruit, learned from in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fruit
import numpy as np

from special.classnames.class_list import ClassList
from special.models.registry import Vectors
from special.progress import SILENT, Progress
from special.scene import Scene
from special.settings import Settings, load
from special.training.checkpoint import Checkpoint
from special.training.classifier import classifier_of, with_cube_size
from special.training.image_cubes import FittedImages, fit_images
from special.training.image_dataset import draw_training_images, find, open_images
from special.training.randomness import stage_generator
from special.training.saved_model import Model, save_model
from special.training.settings import CubeSettings

CLASSES = len(fruit.CLASSES)
_QUICK = {
    "cubes.side": 8,
    "cubes.components": 4,
    "cubes.epochs": 2,
    "cubes.steps": 40,
    "cubes.learning_rate": 0.003,
    "cubes.votes": 5,
    "s3fn.dropout": 0.2,
    "s3fn.stage1_share": 0.5,
    "aligned.width": 8,
    "aligned.layers": 1,
    "aligned.heads": 2,
}
_UNIT = np.eye(CLASSES, 5, dtype=np.float32)
VECTORS = Vectors(_UNIT, [_UNIT[k : k + 1] for k in range(CLASSES)])
"""Vectors in place of texts, for the classifiers that read some."""


@dataclass(frozen=True)
class LearnImages:
    """The images of a data set, opened; ``labels`` int (images,), ``trained`` bool (images,)."""

    classes: ClassList
    scenes: list[Scene]
    labels: np.ndarray
    trained: np.ndarray


def learn_images(folder: Path) -> LearnImages:
    """Open a data set that ``fruit.write`` has made, and draw what is learned from."""
    classes, samples = find(folder, None)
    labels = np.array([sample.label for sample in samples])
    split = draw_training_images(labels, classes, settings().build(CubeSettings), stage_generator(0, "dataset"))
    return LearnImages(classes, open_images([sample.path for sample in samples], None), labels, split.trained)


def settings(classifier: str = "s3fn", changes: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of a short training, with ``changes``."""
    return load(changes={"classifier.name": classifier, **_QUICK, **(changes or {})})


def fit(
    images: LearnImages,
    chosen: Settings,
    *,
    seed: int = 0,
    checkpoint: Checkpoint | None = None,
    progress: Progress = SILENT,
) -> FittedImages:
    """Train on the images."""
    return fit_images(
        images.scenes,
        images.labels,
        images.trained,
        CLASSES,
        chosen.build(CubeSettings),
        classifier_of(with_cube_size(chosen), VECTORS),
        seed=seed,
        checkpoint=checkpoint,
        progress=progress,
    )


def saved(folder: Path, images: LearnImages, fitted: FittedImages, chosen: Settings) -> Model:
    """Save a model of images, and read it again."""
    folder.mkdir()
    save_model(
        folder,
        fitted,
        classifier=chosen.values["classifier.name"],
        classes=images.classes,
        wavelengths=fitted.wavelengths,
        settings=chosen.of("classifier", "s3fn", "aligned", "cubes"),
        meanings=None,
        seed=0,
        content={},
        versions={"special": "0"},
    )
    return Model.read(folder)
