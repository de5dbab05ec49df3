"""How the spectrum-text teacher reads class names, for people and for the record of a run."""

from __future__ import annotations

from collections.abc import Sequence

from special.classnames.class_list import ClassList
from special.classnames.reading import Reading
from special.teachers.understanding import UnderstoodName

UNSURE = 0.6  # cosine of the nearest concept below which a name that the table lacks might mean anything


def understood_names(classes: ClassList, readings: Sequence[Sequence[Reading]]) -> list[UnderstoodName]:
    """Return how the name of every class is read, in class order; ``readings`` are those of ``read_names``."""
    return [
        UnderstoodName(
            entry.name,
            group[0].english,
            group[0].language,
            group[0].concepts,
            group[0].read_by != "meaning" or group[0].nearness >= UNSURE,
            group[0].kind_of or "",
        )
        for entry, group in zip(classes, readings, strict=True)
    ]
