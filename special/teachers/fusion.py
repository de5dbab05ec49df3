"""Several teachers, one answer: a log-linear pool, each with the weight that its agreement with the others earns.

What a teacher is worth is estimated in ``special.teachers.skill``. A teacher that is surer than its skill lets it be
right is flattened, the first as well; another one counts only as far as luck does not explain its agreement. A first
teacher that hardly knows anything cannot vouch for another.
"""

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
from special.teachers.skill import agreements, claimed_skill, honest_power, skills

if TYPE_CHECKING:
    from special.scene.scene import Scene


@dataclass(frozen=True)
class FusionSettings:
    """Which teachers are asked, and how far others are believed beside the first.

    ``image_weight``: the largest weight of another. ``luck``: agreement that earns nothing, and ``no_luck``: agreement
    that earns all, in standard deviations of what permuted class names would agree by.
    """

    section: ClassVar[str] = "pseudo"

    teachers: Annotated[tuple[str, ...], Count()]
    image_weight: Annotated[float, Within(0, 100)]
    luck: Annotated[float, Within(0, below="no_luck")]
    no_luck: Annotated[float, Within(above="luck", high=100)]

    def earned(self, sure: float) -> float:
        """Return how far a teacher is believed, 0 to 1, whose agreement is so many standard deviations of luck."""
        return min(1.0, max(0.0, (sure - self.luck) / (self.no_luck - self.luck)))


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
    """Ask every teacher and fuse their answers; the first teacher is the one that is believed beforehand.

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
    weights, found = weigh(list(parts.values()), scene.valid, settings)
    shape = next(iter(parts.values())).shape
    probabilities = scratch.zeros("fused", shape)
    for rows in blocks(shape):
        probabilities[rows] = fuse([part[rows] for part in parts.values()], weights)
    weight = dict(zip(parts, weights, strict=True))
    record: dict[str, Any] = {
        "teachers": {t.name: {**t.identity(), "weight": round(weight[t.name], 6)} for t in teachers if t.name in parts},
        "left_out": [t.name for t in teachers if t.name not in parts],
    }
    if len(parts) > 1:
        record["agreement"] = dict(zip(parts, found, strict=True))
    return Pseudo(probabilities, bvsb(probabilities), parts, record)


def weigh(
    parts: Sequence[Rows], valid: np.ndarray, settings: FusionSettings
) -> tuple[list[float], list[dict[str, float]]]:
    """Return the weight of every teacher, and what it was made from.

    One that is alone, or that no other one earns anything beside, keeps the weight 1.

    Args:
        parts: of each teacher, the first one first: (rows, cols, K).
        valid: bool (rows, cols).
        settings: how far others are believed.
    """
    if len(parts) == 1:
        return [1.0], [{}]
    pairs = agreements(parts, valid)
    first = claimed_skill(parts[0], valid)
    known = skills(pairs, len(parts), first)
    # By skill none agrees with the first more than the first is sure; by luck one may, where names are few.
    told = {both: pair.sure(first if 0 in both else 1.0) for both, pair in pairs.items()}
    sure = [max(value for both, value in told.items() if number in both) for number in range(len(parts))]
    earned = [settings.earned(value) for value in sure]
    honest = [honest_power(part, valid, skill) for part, skill in zip(parts, known, strict=True)]
    beside = max(earned[1:])
    weights = [1 - beside * (1 - honest[0])]
    weights += [settings.image_weight * share * power for share, power in zip(earned[1:], honest[1:], strict=True)]
    return weights, [{"skill": round(s, 4), "sure": round(z, 3)} for s, z in zip(known, sure, strict=True)]


def fuse(parts: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the normalised product of ``parts[i] ** weights[i]``: float32 (rows, cols, K), 0 at invalid pixels."""
    valid = parts[0].sum(axis=-1, keepdims=True) > 0
    logs = sum(w * np.log(np.maximum(p, 1e-8, dtype=np.float32)) for p, w in zip(parts, weights, strict=True))
    logs = np.asarray(logs, dtype=np.float32)
    logs -= logs.max(axis=-1, keepdims=True)
    product = np.exp(logs)
    product /= product.sum(axis=-1, keepdims=True)
    return np.where(valid, product, np.float32(0))
