"""Several teachers, one answer: log-linear fusion with weights that the teachers' agreement earns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

from special.classnames.class_list import ClassList
from special.errors import SceneError
from special.probabilities import bvsb
from special.progress import SILENT, Progress
from special.settings import Count, Within
from special.storage.rasters import MEMORY, Rows, ScratchSpace, blocks
from special.teachers.base import Teacher

if TYPE_CHECKING:
    from special.scene.scene import Scene


@dataclass(frozen=True)
class FusionSettings:
    """Which teachers are asked, and how far another one is believed beside the first.

    ``image_weight``: its largest weight, reached when both agree fully. ``image_doubt``: agreement that earns nothing,
    because two that follow the structure of one scene agree by so much without knowing any name.
    """

    section: ClassVar[str] = "pseudo"

    teachers: Annotated[tuple[str, ...], Count()]
    image_weight: Annotated[float, Within(0, 100)]
    image_doubt: Annotated[float, Within(0, below=1)]

    def weight(self, agreement: float) -> float:
        """Return the weight that an agreement (Cohen's kappa) earns."""
        return self.image_weight * max(0.0, agreement - self.image_doubt) / (1 - self.image_doubt)


@dataclass(frozen=True)
class Pseudo:
    """Pseudo-labels: float32 ``probabilities`` (rows, cols, K), ``bvsb`` (rows, cols), and how they came about."""

    probabilities: Rows
    bvsb: np.ndarray
    parts: dict[str, Rows]
    record: dict[str, Any]


def pseudo_labels(
    scene: Scene,
    rgb: np.ndarray | None,
    classes: ClassList,
    teachers: Sequence[Teacher],
    settings: FusionSettings,
    progress: Progress = SILENT,
    scratch: ScratchSpace = MEMORY,
) -> Pseudo:
    """Ask every teacher and fuse their answers; the first teacher is the one the others are held against.

    ``rgb`` is uint8 (rows, cols, 3), or None where the scene does not cover the visible. What is large goes into
    ``scratch``.

    Raises:
        SceneError: a teacher needs the visible and the scene does not cover it, and there is no other.
    """
    parts: dict[str, Rows] = {}
    for teacher in teachers:
        if rgb is None and teacher.needs_rgb:
            progress.say(f"The scene does not cover the visible: the {teacher.name} teacher is left out.")
            continue
        with progress.phase(teacher.name):
            parts[teacher.name] = teacher.predict(scene, rgb, classes, progress, scratch)
    if not parts:
        raise SceneError(
            "the scene does not cover the visible, which its teachers need: add spectrum-text to pseudo.teachers"
        )
    first, *others = parts
    weights = {first: 1.0}
    for name in others:
        weights[name] = settings.weight(agreement(parts[first], parts[name], scene.valid))
    shape = parts[first].shape
    probabilities = scratch.zeros("fused", shape)
    for rows in blocks(shape):
        probabilities[rows] = fuse([part[rows] for part in parts.values()], [weights[name] for name in parts])
    record = {
        "teachers": {
            t.name: {**t.identity(), "weight": round(weights[t.name], 6)} for t in teachers if t.name in parts
        },
        "left_out": [t.name for t in teachers if t.name not in parts],
    }
    return Pseudo(probabilities, bvsb(probabilities), parts, record)


def agreement(first: Rows, second: Rows, valid: np.ndarray) -> float:
    """Cohen's kappa between two teachers' labels, from (rows, cols, K), over the ``valid`` (rows, cols); at least 0.

    Two teachers that share no knowledge agree as often as chance has it, whatever structure each of them sees, so that
    one that knows nothing earns no weight.
    """
    count = first.shape[-1]
    table = np.zeros((count, count))
    for rows in blocks(first.shape):
        a, b = (part[rows][valid[rows]].argmax(axis=1) for part in (first, second))
        table += np.bincount(a * count + b, minlength=count * count).reshape(count, count)
    table /= max(int(valid.sum()), 1)
    chance = float(table.sum(0) @ table.sum(1))
    return max(0.0, (float(np.trace(table)) - chance) / (1 - chance)) if chance < 1 else 0.0


def fuse(parts: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the normalised product of ``parts[i] ** weights[i]``: float32 (rows, cols, K), 0 at invalid pixels."""
    valid = parts[0].sum(axis=-1, keepdims=True) > 0
    logs = sum(w * np.log(np.maximum(p, 1e-8, dtype=np.float32)) for p, w in zip(parts, weights, strict=True))
    logs = np.asarray(logs, dtype=np.float32)
    logs -= logs.max(axis=-1, keepdims=True)
    product = np.exp(logs)
    product /= product.sum(axis=-1, keepdims=True)
    return np.where(valid, product, np.float32(0))
