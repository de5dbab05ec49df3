"""What a teacher is: something that names the pixels of a scene without having seen a label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.passes import HERE, Passes
from special.progress import Progress
from special.registry import Registry
from special.settings import Section, Settings, teacher_section
from special.storage.rasters import MEMORY, Rows, ScratchSpace

if TYPE_CHECKING:
    from special.scene import Scene
    from special.teachers.confusion import ConfusedPair
    from special.teachers.understanding import UnderstoodName


@dataclass(frozen=True)
class TeacherRequest:
    """What a teacher is made from.

    Attributes:
        settings: of the pipeline; a teacher builds its own section.
        concepts: the user's files of land-cover concepts.
        offline: never ask the network.
        device: ``cpu`` or ``cuda``. seed: of the run.
        progress: told of a download.
        passes: who goes over the windows of a scene.
    """

    settings: Settings
    concepts: Sequence[Path]
    offline: bool
    device: str
    seed: int
    progress: Progress
    passes: Passes = HERE


class Absent(Exception):
    """A teacher cannot be had, and nobody insists on it. The message says why, and how to add it; "" where all know.

    ``passing`` says whether it may be had another time, as after a fault of the network: a later run asks again.
    """

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class Teacher(ABC):
    """Maps a scene, its RGB and the class texts to class probabilities per pixel.

    Attributes:
        name: as in ``pseudo.teachers`` and in the run record.
        settings_type: the dataclass of its section, or None. The section is called ``pseudo.NAME``, with ``_`` for
            ``-``. A third party's has a default for every field.
        needs_rgb: whether it is left out where the scene does not cover the visible.
        model_setting: the setting of its section that names its weights, where the user can choose them; "none" leaves
            the teacher out.
        model: the weights it came to use, in the words of that setting.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Section] | None] = None
    needs_rgb: ClassVar[bool] = False
    model_setting: ClassVar[str] = ""
    model: str = ""

    @classmethod
    @abstractmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Make the teacher of a run.

        Raises:
            Absent: it cannot be had, and was not asked for by name.
            SpecialError: it was asked for by name and cannot be had, or its settings cannot be understood.
        """

    @classmethod
    def decided_by(cls, settings: Settings) -> str:
        """Return what decides the identity beside settings and the files that they name, as text; "" for nothing.

        A run that is resumed keeps its teachers as long as this is the same.
        """
        return ""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """What this teacher is made of, as JSON: models, hashes of weights and texts. Part of the step's key."""

    @abstractmethod
    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return float32 (rows, cols, K): sums to 1 at valid pixels, all 0 at invalid ones.

        ``rgb`` is uint8 (rows, cols, 3), or None where the scene does not cover the visible. What is large goes into
        ``scratch``, the answer by the teacher's name.
        """

    def understood(self, classes: ClassList) -> list[UnderstoodName]:
        """Return how it reads the class names, in class order; nothing where it does not know."""
        return []

    def leave(self, folder: Path) -> list[Path]:
        """Write into the step's folder what others may want to know of how it saw the scene; return the files."""
        return []

    def confused_pairs(self, classes: ClassList, wavelengths: np.ndarray) -> list[ConfusedPair]:
        """Return the pairs of classes that it cannot tell apart on bands at ``wavelengths`` (bands,), nm."""
        return []


def _flaw(name: str, item: object) -> str:
    if not (isinstance(item, type) and issubclass(item, Teacher) and getattr(item, "name", None) == name):
        return f"its entry point must lead to a subclass of special.teachers.base.Teacher with name = {name!r}"
    if lacking := sorted(item.__abstractmethods__):
        return f"it lacks {', '.join(lacking)}"
    section = teacher_section(name) if item.settings_type is None else getattr(item.settings_type, "section", None)
    return (
        ""
        if section == teacher_section(name)
        else f"the section of its settings is {section}, not {teacher_section(name)}"
    )


TEACHERS: Registry[type[Teacher]] = Registry("special.teachers", "teacher", _flaw)
