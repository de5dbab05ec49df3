"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Progress:
    """A silent listener. The command line passes one that draws bars; Python callers may pass their own.

    A piece of work calls ``begin`` once, ``advance`` as it goes, ``end`` once; ``say`` may come at any time.
    """

    def begin(self, what: str, total: int) -> None:
        """Start a bar named ``what`` of ``total`` units."""

    def advance(self, steps: int = 1, **figures: float) -> None:
        """Move on by ``steps`` units; ``figures`` are shown beside the bar (``loss=0.31``)."""

    def end(self) -> None:
        """Finish the bar begun last."""

    def say(self, line: str) -> None:
        """Show one line that the user must not miss."""

    phase: Callable[[str], AbstractContextManager[Any]] = nullcontext
    """Wrap a phase of the work, for a listener that wants to know how long it takes; phases may be nested."""

    def figures(self) -> dict[str, Any]:
        """Return what the listener has to add, as JSON, to the record of the step that has just ended."""
        return {}


SILENT = Progress()
