"""Which axis of a stored cube are its rows, its columns and its bands: what the user says, and what fits."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from special.errors import SceneError
from special.scene.source import Axes

_WORDS = ("row", "col", "band")


def read_axes(text: str | None) -> Axes | None:
    """Return the places of rows, columns and bands among the axes of a cube, of words such as ``row,band,col``.

    Raises:
        SceneError: they are not these three words.
    """
    if text is None:
        return None
    words = [word.strip().lower() for word in text.split(",")]
    if sorted(words) != sorted(_WORDS):
        raise SceneError(f"--axes {text} does not say what the axes are: write row, col and band in their order")
    return words.index("row"), words.index("col"), words.index("band")


def words_of(axes: Axes) -> str:
    """Return what ``--axes`` calls an order, ``row,band,col``."""
    return ",".join(word for _, word in sorted(zip(axes, _WORDS, strict=True)))


def fitting(orders: Sequence[Axes], shape: Sequence[int], counts: Collection[int]) -> list[Axes]:
    """Return the orders in which a cube of ``shape`` has one of these numbers of bands; any but 1 if none."""
    return [axes for axes in orders if (shape[axes[2]] in counts if counts else shape[axes[2]] > 1)]
