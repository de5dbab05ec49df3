"""The columns that every form of the questions has, and the answers that are no class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from special.answers.questions import Question
from special.answers.sheet.placement import Placement

NONE_OF_THESE, MIXED, UNKNOWN = "none of these", "mixed", "I don't know"

COLUMNS = ("id", "row", "col", "x", "y", "class", "guess", "confidence", "runners_up", "scene")
"""Of the tables. ``row`` and ``col`` count from 0; ``class`` is the answer, empty where there is none; ``scene`` is the
beginning of the hash of the scene's files, by which answers of another scene are known."""


@dataclass(frozen=True)
class Row:
    """A question as a line of a table: texts and numbers, by the names of ``COLUMNS``; it has no answer yet.

    ``confidence`` is NaN, and ``guess`` empty, where whoever answers shall not know what the map says.
    """

    id: int
    row: int
    col: int
    x: float
    y: float
    guess: str
    confidence: float
    runners_up: str
    scene: str

    @classmethod
    def of(cls, question: Question, placement: Placement, scene: str = "") -> Row:
        """Describe a question about the scene of this hash.

        What a class list cannot have in a name, a bar, stands between the runners-up.
        """
        x, y = placement.centre(question.row, question.col)
        others = " | ".join(f"{name} {share:.2f}" for name, share in question.runners_up)
        place = (question.id, question.row, question.col, x, y)
        return cls(*place, question.guess, round(question.confidence, 4), others, scene)

    def cells(self, answer: str = "") -> tuple[str, ...]:
        """Return the line as texts, in the order of ``COLUMNS``."""
        place = (str(self.id), str(self.row), str(self.col), f"{self.x:.12g}", f"{self.y:.12g}")
        confidence = "" if math.isnan(self.confidence) else f"{self.confidence:.4f}"
        return (*place, answer, self.guess, confidence, self.runners_up, self.scene)


def other_answers(names: Sequence[str]) -> list[str]:
    """Return the answers that are no class; one that is the name of a class is left to the class."""
    taken = {" ".join(name.casefold().split()) for name in names}
    return [answer for answer in (NONE_OF_THESE, MIXED, UNKNOWN) if answer.casefold() not in taken]
