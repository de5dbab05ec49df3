"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations


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


SILENT = Progress()
