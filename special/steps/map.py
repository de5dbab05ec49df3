"""The step ``map``: the map, its confidence, and the formats that people open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from special.cache.step import Step
from special.settings import Within
from special.steps.context import SceneContext


@dataclass(frozen=True)
class MapSettings:
    """The section ``[map]``. ``reject``: a pixel whose best class is less probable than this stays 0."""

    section: ClassVar[str] = "map"

    reject: Annotated[float, Within(0, 1)]


def _run(context: SceneContext, folder: Path) -> None:
    """Make the map of the probabilities that the step before left, in every form."""
    from special.report.exports import write_map

    write_map(
        folder,
        context.rows(context.step.upstream[0], "probabilities.npy"),
        context.scene.valid,
        context.classes.names,
        context.scene.georeference,
        reject=context.settings(MapSettings).reject,
        ground=context.scene.ground,
        say=context.progress.say,
    )


def after(source: str) -> Step:
    """Return the step that maps what the step ``source`` left."""
    return Step(
        name="map",
        version=1,
        function=_run,
        summary="Write the map of RUN again, in every format.",
        examples=("special map", "special map scene.special --set map.reject=0.5"),
        upstream=(source,),
        settings=(MapSettings,),
        inputs={"scene": "the scene", "georeference": "the georeference", "classes": "the class list"},
        delivers=("map*", "confidence*", "probabilities*"),
    )
