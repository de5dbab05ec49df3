"""The section ``[answers]`` of a pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from special.settings import Within


@dataclass(frozen=True)
class AnswersSettings:
    """The ``[answers]`` section of a pipeline file, which says what each value means."""

    section: ClassVar[str] = "answers"

    components: Annotated[int, Within(1, 1000)]
    whitening: Annotated[float, Within(0, 1)]
    place_weight: Annotated[float, Within(0, 100)]
    groups_per_class: Annotated[int, Within(1, 1000)]
    group_pixels: Annotated[int, Within(100, 10_000_000)]
    neighbours: Annotated[int, Within(1, 1000)]
    along: Annotated[float, Within(0, 1)]
    reach: Annotated[float, Within(above=0, high=1000)]
    noise: Annotated[float, Within(above=0, high=100)]
    slips: Annotated[float, Within(0, below=1)]
    sharpness: Annotated[float, Within(above=0, high=100)]
    certainty: Annotated[float, Within(0, below=1)]
