"""A teacher that knows one thing: the classes of the list go from what is dark to what is bright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np

from special.classnames.class_list import ClassList
from special.progress import Progress
from special.scene import Scene
from special.settings import Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace, blocks
from special.teachers.base import Absent, Teacher, TeacherRequest


@dataclass(frozen=True)
class DarkToBrightSettings:
    """``ordered``: the class list goes from dark to bright. ``blur``: the share of the pixels that neighbours share."""

    section: ClassVar[str] = "pseudo.dark_to_bright"

    ordered: bool = False
    blur: Annotated[float, Within(above=0)] = 0.2


class DarkToBrightTeacher(Teacher):
    """Puts the pixels in order by their brightness: the darkest share is of the first class, and so on."""

    name = "dark-to-bright"
    settings_type = DarkToBrightSettings
    needs_rgb = True

    def __init__(self, settings: DarkToBrightSettings) -> None:
        self.settings = settings

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Make it, once the user has said that the class list is in order."""
        settings = request.settings.build(DarkToBrightSettings)
        if not settings.ordered:
            setting = f"{settings.section}.ordered=true"
            raise Absent(f"No dark-to-bright teacher: if your class list goes from dark to bright, --set {setting}.")
        return cls(settings)

    def identity(self) -> dict[str, Any]:
        """It is made of its code alone, and which release that is of is noted anyway."""
        return {"teacher": self.name, "looks at": "RGB"}

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return float32 (rows, cols, K), from ``rgb``, uint8 (rows, cols, 3)."""
        from scipy.special import softmax
        from scipy.stats import rankdata

        assert rgb is not None  # it is not asked without
        ranks = rankdata(rgb.sum(axis=2, dtype=np.uint16)[scene.valid])
        order = np.zeros(scene.valid.shape, np.float32)
        order[scene.valid] = (ranks - 0.5) / max(1, len(ranks))
        middles = (np.arange(len(classes), dtype=np.float32) + 0.5) / len(classes)
        result = scratch.zeros(self.name, (*order.shape, len(classes)))
        for rows in blocks(result.shape):  # which may be a file, larger than memory
            shares = softmax(-0.5 * ((order[rows, :, None] - middles) / self.settings.blur) ** 2, axis=2)
            result[rows] = scene.valid[rows, :, None] * shares
        return result
