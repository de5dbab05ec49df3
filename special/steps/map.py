"""The step ``map``: the map, its confidence, and the formats that people open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from special.cache.step import Step
from special.settings import Within
from special.steps.answers import learned
from special.steps.context import SceneContext


@dataclass(frozen=True)
class MapSettings:
    """The section ``[map]``. ``reject``: a pixel whose best class is less probable than this stays 0."""

    section: ClassVar[str] = "map"

    reject: Annotated[float, Within(0, 1)]


def _run(context: SceneContext, folder: Path) -> None:
    """Make the map of the probabilities that the step before left, in every form."""
    from special.report.exports import write_map
    from special.report.legend import legend_of

    legend = legend_of(context.classes)
    write_map(
        folder,
        context.rows(context.step.upstream[0], "probabilities.npy"),
        learned(context).known,
        legend.names,
        context.scene.georeference,
        reject=context.settings(MapSettings).reject,
        colours=legend.colours,
        concepts=legend.concepts,
        acquired=context.scene.acquired,
        ground=context.scene.ground,
        say=context.progress.say,
    )


def after(source: str, *others: str) -> Step:
    """Return the step that maps what the step ``source`` left; ``others`` are steps that it reads beside."""
    return Step(
        name="map",
        version=3,
        function=_run,
        summary="Write the map of RUN again, in every format.",
        examples=("special map", "special map scene.special --set map.reject=0.5"),
        upstream=(source, *others),
        settings=(MapSettings,),
        inputs={
            "scene": "the scene",
            "georeference": "the georeference",
            "classes": "the class list",
            "colours": "the colours",
        },
        delivers=("map*", "confidence*", "probabilities*"),
    )
