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
    """The section ``[pseudo.dark_to_bright]``.

    ``ordered``: the class list goes from dark to bright. ``blur``: how far neighbouring classes overlap, in their order
    by brightness from 0 to 1.
    """

    section: ClassVar[str] = "pseudo.dark_to_bright"

    ordered: bool = False
    blur: Annotated[float, Within(above=0)] = 0.2


class DarkToBrightTeacher(Teacher):
    """Orders the pixels by their brightness: the first share of them is of the first class, the last of the last."""

    name = "dark-to-bright"
    settings_type = DarkToBrightSettings
    needs_rgb = True

    def __init__(self, settings: DarkToBrightSettings) -> None:
        self.settings = settings

    @classmethod
    def make(cls, request: TeacherRequest) -> Self:
        """Make it, unless nobody has said that the class list is ordered."""
        settings = request.settings.build(DarkToBrightSettings)
        if not settings.ordered:
            raise Absent(
                "The dark-to-bright teacher is left out, as it needs a class list from dark to bright: "
                "if yours is one, say --set pseudo.dark_to_bright.ordered=true."
            )
        return cls(settings)

    def identity(self) -> dict[str, Any]:
        """It is made of nothing but its code, whose release is noted anyway."""
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
        from scipy.stats import rankdata

        assert rgb is not None  # it is not asked without
        place = np.zeros(scene.valid.shape, np.float32)
        ranks = rankdata(rgb.sum(axis=2, dtype=np.uint16)[scene.valid])
        place[scene.valid] = (ranks - 0.5) / max(1, len(ranks))
        middles = (np.arange(len(classes), dtype=np.float32) + 0.5) / len(classes)
        result = scratch.zeros(self.name, (*place.shape, len(classes)))
        for rows in blocks(result.shape):
            logs = -0.5 * ((place[rows, :, None] - middles) / self.settings.blur) ** 2
            shares = np.exp(logs - logs.max(axis=2, keepdims=True))
            result[rows] = scene.valid[rows, :, None] * shares / shares.sum(axis=2, keepdims=True)
        return result
