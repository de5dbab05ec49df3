"""What a teacher is: something that names the pixels of a scene without having seen a label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from special.classnames.class_list import ClassList
from special.progress import Progress
from special.storage.rasters import MEMORY, Rows, ScratchSpace

if TYPE_CHECKING:
    from special.scene.scene import Scene


class Teacher(Protocol):
    """Maps a scene, its RGB and the class texts to class probabilities per pixel."""

    name: str

    def identity(self) -> dict[str, Any]:
        """What this teacher is made of, as JSON: models, hashes of weights and texts. Part of the step's key."""

    def predict(
        self,
        scene: Scene,
        rgb: np.ndarray | None,
        classes: ClassList,
        progress: Progress,
        scratch: ScratchSpace = MEMORY,
    ) -> Rows:
        """Return float32 (rows, cols, K): sums to 1 at valid pixels, all 0 at invalid ones.

        ``rgb`` is uint8 (rows, cols, 3), or None where the scene does not cover the visible. What is large
        goes into ``scratch``, the answer by the teacher's name.
        """
