"""What a step gets to work with: scene, class list, settings, what earlier steps left, a place for checkpoints."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.request import LABELS, Request, labels_hash
from special.cache.directory import RunDirectory
from special.cache.step import Step
from special.errors import RunError
from special.progress import Progress
from special.settings import Settings
from special.storage import files
from special.storage.rasters import Rows, ScratchSpace

if TYPE_CHECKING:
    from torch import Tensor

    from special.classnames.class_list import ClassList
    from special.classnames.contextual import Meanings
    from special.scene import Scene
    from special.teachers.base import Teacher


@dataclass(frozen=True)
class Work:
    """The view that one step has of a run. A step reads the payloads of the steps upstream of it, and no others.

    Attributes:
        step, key: the step at work, and the key of what it makes.
        scene: the scene. device: ``cpu`` or ``cuda``. progress: who listens.
        teachers: makes the run's teachers.
        meanings: the texts that the classifier reads, where it reads any.
    """

    run: RunDirectory
    request: Request
    step: Step
    key: str
    scene: Scene
    device: str
    teachers: Callable[[], Sequence[Teacher]]
    progress: Progress
    meanings: Meanings | None = None

    @property
    def classes(self) -> ClassList:
        """The class list."""
        return self.request.classes

    @property
    def seed(self) -> int:
        """The seed of the run, from which the step makes its random generators."""
        return self.request.seed

    @property
    def checkpoints(self) -> Path:
        """A folder for checkpoints of this very work, there again when it is resumed; it goes when the step is done."""
        return self.run.checkpoints(self.step.name, self.key)

    @property
    def scratch(self) -> ScratchSpace:
        """Where the step puts arrays that are large, until it is done."""
        return ScratchSpace(self.checkpoints / "rasters")

    def settings(self, section: str) -> Any:
        """Return a section of the pipeline as the dataclass that the step declares for it."""
        return build(self.request.settings, self.step, section)

    def labels(self) -> np.ndarray:
        """Return the label image that a supervised run learns from: int32 (rows, cols), 1..K, 0 = unlabelled.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            labels = files.load_array(self.run.path / LABELS)
            whole = labels_hash(labels) == self.request.labels
        except (OSError, ValueError):
            whole = False
        if not whole:
            raise RunError(f"{self.run.path / LABELS} is missing or damaged: fit again with --force")
        return labels

    def array(self, step: str, name: str) -> np.ndarray:
        """Return an array that an upstream step left."""
        return files.load_array(self._payload(step, name))

    def rows(self, step: str, name: str) -> Rows:
        """Return an array (rows, ...) that an upstream step left, to be read by windows where it is large."""
        return self.scratch.load(self._payload(step, name))

    def tensors(self, step: str, name: str) -> dict[str, Tensor]:
        """Return a state dict that an upstream step left."""
        return files.load_tensors(self._payload(step, name))

    def has(self, step: str, name: str) -> bool:
        """Whether an upstream step left a file of this name."""
        return self._payload(step, name).is_file()

    def _payload(self, step: str, name: str) -> Path:
        if step not in self.step.upstream:
            raise LookupError(f"{self.step.name} does not declare that it reads {step}")
        return self.run.step(step) / name


def build(settings: Settings, step: Step, section: str) -> Any:
    """Return a section of ``settings`` as the dataclass that ``step`` declares for it.

    Raises:
        SettingsError: a value does not fit, or the step refuses it.
    """
    return build_section(settings, section, step.settings[section])


def build_section(settings: Settings, section: str, kind: str) -> Any:
    """Return a section of ``settings`` as the dataclass that ``kind``, ``"module:Class"``, names.

    Raises:
        SettingsError: a value does not fit, or the dataclass refuses it.
    """
    module, _, name = kind.partition(":")
    return settings.build(section, getattr(importlib.import_module(module), name))
