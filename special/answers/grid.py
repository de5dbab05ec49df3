"""The pixels of a scene, and what a file says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from special.scene.source import Georeference


@dataclass(frozen=True)
class Grid:
    """The pixels of a scene.

    Attributes:
        shape: (rows, cols).
        georeference: where it lies, or None.
        valid: bool (rows, cols), pixels with data; None where that is not known.
        content: returns the hash of the scene's files; None where that is not known.
    """

    shape: tuple[int, int]
    georeference: Georeference | None = None
    valid: np.ndarray | None = None
    content: Callable[[], str] | None = None

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Take coordinates (n, 2), x and y, to columns and rows with fractions, (n, 2).

        A scene without a place is a picture as QGIS shows it: x is the column, y minus the row.
        """
        from affine import Affine

        there = Affine(1, 0, 0, 0, -1, 0)
        if self.georeference is not None and self.georeference.transform:
            there = Affine(*self.georeference.transform)
        a, b, c, d, e, f = (~there)[:6]
        return points @ np.array([[a, d], [b, e]]) + (c, f)


@dataclass(frozen=True)
class Said:
    """What a file says of pixels, before anybody has looked whether they are in the scene.

    Attributes:
        texts: what each answer says (answers,), "" for nothing.
        rows, cols: int (n,), pixels. answers: int (n,), which of the answers each belongs to.
        placeless: answers with no place, by the reason why.
        scenes: what the file says of the scene that they are about.
    """

    texts: Sequence[str]
    rows: np.ndarray
    cols: np.ndarray
    answers: np.ndarray
    placeless: Counter[str] = field(default_factory=Counter)
    scenes: frozenset[str] = frozenset()
