"""The step ``summary``: how many pixels of the map every class has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.cache.step import Step
from special.steps.context import SceneContext
from special.storage.files import save_json


def _run(context: SceneContext, folder: Path) -> None:
    """Count the pixels that the step before has mapped."""
    counts = np.bincount(context.array("map", "map.npy").ravel(), minlength=1 + len(context.classes))
    save_json(folder / "summary.json", dict(zip(context.classes.names, counts[1:].tolist(), strict=True)))


STEP = Step(
    name="summary",
    version=1,
    function=_run,
    summary="Count the pixels of every class in the map of RUN.",
    examples=("special summary", "special summary scene.special"),
    upstream=("map",),
    inputs={"classes": "the class list"},
    delivers=("summary.json",),
)
