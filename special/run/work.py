"""What a step gets to work with: scene, class list, settings, what earlier steps left, a place for checkpoints."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.progress import Progress
from special.rasters import Room, Rows
from special.run import files
from special.run.directory import RunDirectory
from special.run.request import Request
from special.run.step import Step
from special.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from special.scene import Scene
    from special.teachers.base import Teacher
    from special.text.classes import ClassList


@dataclass(frozen=True)
class Work:
    """The view that one step has of a run. A step reads the payloads of the steps upstream of it, and no others.

    Attributes:
        step, key: the step at work, and the key of what it makes.
        scene: the scene. device: ``cpu`` or ``cuda``. progress: who listens.
        teachers: makes the run's teachers.
    """

    run: RunDirectory
    request: Request
    step: Step
    key: str
    scene: Scene
    device: str
    teachers: Callable[[], Sequence[Teacher]]
    progress: Progress

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
    def room(self) -> Room:
        """Where the step puts arrays that are large, until it is done."""
        return Room(self.checkpoints / "rasters")

    def settings(self, section: str) -> Any:
        """Return a section of the pipeline as the dataclass that the step declares for it."""
        return build(self.request.settings, self.step, section)

    def array(self, step: str, name: str) -> np.ndarray:
        """Return an array that an upstream step left."""
        return files.load_array(self._payload(step, name))

    def rows(self, step: str, name: str) -> Rows:
        """Return an array (rows, ...) that an upstream step left, to be read by windows where it is large."""
        return self.room.load(self._payload(step, name))

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
    module, _, name = step.settings[section].partition(":")
    return settings.build(section, getattr(importlib.import_module(module), name))
