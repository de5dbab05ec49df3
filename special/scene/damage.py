"""What libraries raise on files that are damaged, or made to break them, as one line about the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from special.errors import SceneError, SpecialError

_LONGEST = 160


@contextmanager
def damage_of(path: Path | None) -> Iterator[None]:
    """Within the block, whatever cannot be understood of a file is a ``SceneError`` about ``path``.

    Formats and their libraries have more ways to fail than anybody can list; what the system refuses (an ``OSError``
    with a number, too little memory) stays what it is.

    Raises:
        SceneError: as said.
    """
    try:
        yield
    except (SpecialError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = " ".join(str(error).split())[:_LONGEST] or "no reason given"
        raise SceneError(
            f"{path or 'the array'} cannot be understood ({type(error).__name__}: {said}): it may be damaged, fetch or "
            "write it again"
        ) from error
