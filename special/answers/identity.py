"""Which scene answers are about: the beginning of the hash of its files, which every form of the questions carries.

Without a place on the map nothing else tells the answers of one scene from those of another one of its size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from special.errors import AnswersError

COLUMN = "scene"
"""What the column or field is called."""

_LENGTH = 12
_IDENTITY = re.compile(f"[0-9a-f]{{{_LENGTH}}}")


def identity(content: str) -> str:
    """Return what stands for a scene in a table, by the SHA-256 (hex) of its files."""
    return content[:_LENGTH]


def compare(
    path: Path, said: Iterable[str], own: Callable[[], str], say: Callable[[str], None], *, placed: bool
) -> None:
    """Compare the scene that answers are about with the one that they are given for.

    Args:
        path: the file with the answers.
        said: what its column ``scene`` holds; a column of another meaning is passed over.
        own: returns the SHA-256 of the scene's files; asked only where the file says something.
        say: is told where another scene of the same ground is meant.
        placed: whether the answers were found by map coordinates, which hold for every scene of the same ground.

    Raises:
        AnswersError: they are about another scene, and nothing but rows and columns says where.
    """
    others = {text for text in said if _IDENTITY.fullmatch(text)}
    if not others or others == {here := identity(own())}:
        return
    theirs = ", ".join(sorted(others - {here}))
    if placed:
        say(f"{path} was made for another scene ({theirs}, this one is {here}): its places are taken by their x and y.")
        return
    raise AnswersError(
        f"{path} has answers about another scene ({theirs}, this one is {here}): give those of this scene, or take out "
        f"the column {COLUMN!r} where rows and columns are the same places"
    )
