"""What a step gets to work with: the scene, the class list, settings, seed and device, and what earlier steps left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.cache.workspace import Workspace
from special.errors import DamagedError
from special.models.registry import CLASSIFIERS, Classifier
from special.models.settings import ClassifierSettings, ScanSettings
from special.passes import Passes
from special.progress import Progress
from special.settings import Built, Settings
from special.storage.payloads import require_form
from special.training.classifier import classifier_of

if TYPE_CHECKING:
    from torch import nn

    from special.answers.answers import Answers
    from special.classnames.class_list import ClassList
    from special.classnames.contextual import Meanings
    from special.models.registry import Build
    from special.scene import Scene
    from special.storage.rasters import Rows
    from special.teachers.base import Teacher
    from special.training.checkpoint import Checkpoint
    from special.training.image_dataset import ImageDataset

CLASSIFIER_SECTIONS: tuple[Any, ...] = (ClassifierSettings, ScanSettings)
"""The sections that every step with a classifier reads, beside that of the classifier that was chosen."""

CLASSIFIER_APART = ("classifier.texts", "classifier.encoder", "scan.backend")
"""An input says what is read, and by whom; the backend changes bits alone."""


@dataclass(frozen=True)
class Context(Workspace):
    """What every step gets.

    Attributes:
        classes: the class list.
        values: all settings. seed: of the run. device: ``cpu`` or ``cuda``.
        progress: who listens.
        meanings: the texts that the classifier reads, where it reads any.
        content: hashes of what the run was given, by name, as JSON.
    """

    classes: ClassList
    values: Settings
    seed: int
    device: str
    progress: Progress
    meanings: Meanings | None
    content: Mapping[str, Any]

    def settings(self, kind: type[Built]) -> Built:
        """Return a section of the pipeline as the dataclass ``kind``, one that the step declares."""
        return self.values.build(kind)

    @property
    def classifier(self) -> Classifier:
        """The classifier that was chosen."""
        return CLASSIFIERS.get(self.values.build(ClassifierSettings).name)

    @property
    def checkpoint(self) -> Checkpoint:
        """Where the step's training keeps its state."""
        from special.training.checkpoint import Checkpoint

        return Checkpoint(self.checkpoints, self.key)

    def builder(self, announce: bool = False) -> Build:
        """Return what makes the classifier; ``announce`` how much of it is trained where a text encoder is frozen."""
        build, meanings = classifier_of(self.values, self.meanings), self.meanings
        if not announce or meanings is None:
            return build

        def announced(bands: int, classes: int) -> nn.Module:
            model = build(bands, classes)
            trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
            frozen = meanings.encoder.parameters
            share = trained / (trained + frozen)
            self.progress.say(
                f"{self.classifier.name} trains {trained} parameters, {share:.2%} of all: {frozen} are frozen."
            )
            return model

        return announced


@dataclass(frozen=True)
class SceneContext(Context):
    """What a step gets that works on a scene.

    Attributes:
        scene: the scene.
        teachers: makes the run's teachers.
        labels: reads the label image that a supervised run learns from, int32 (rows, cols), 1..K, 0 = unlabelled.
        answers: reads what the user has said.
        asked: what the user has asked for, for the report, see ``special.api.command``.
        findings: what was found out about a map of this run after it was made, JSON by name.
        passes: who goes over the scene's windows.
    """

    scene: Scene
    teachers: Callable[[], Sequence[Teacher]]
    labels: Callable[[], np.ndarray]
    answers: Callable[[], Answers]
    asked: Mapping[str, Any]
    findings: Mapping[str, Any]
    passes: Passes

    def array(self, step: str, name: str) -> np.ndarray:
        """Return an array (rows, cols) or (rows, cols, values) that an upstream step left.

        Raises:
            DamagedError: it is not of the scene's size, or of other numbers: see ``require_form``.
        """
        found = super().array(step, name)
        require_form(self.payload(step, name), found, step, len(self.classes), self.scene.shape[:2])
        return found

    def rows(self, step: str, name: str) -> Rows:
        """Return an array (rows, cols) or (rows, cols, values), to be read by windows where it is large.

        Raises:
            DamagedError: as ``array``.
        """
        found = super().rows(step, name)
        require_form(self.payload(step, name), found, step, len(self.classes), self.scene.shape[:2])
        return found


@dataclass(frozen=True)
class ImagesContext(Context):
    """What a step gets that works on a data set of images."""

    images: ImageDataset

    def array(self, step: str, name: str) -> np.ndarray:
        """Return an array (images,) that an upstream step left.

        Raises:
            DamagedError: there are not as many values as images.
        """
        found = super().array(step, name)
        if found.shape != (len(self.images.samples),):
            raise DamagedError(
                f"{self.payload(step, name)} is of {found.shape}, but there are {len(self.images.samples)} images: run "
                f"the step {step} again"
            )
        return found
