"""Bars of work in progress on a terminal, lines elsewhere. They go to stderr, so that a pipe gets the results alone."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, ClassVar, Self

from special.cli.echo import echo, printable


class Bars:
    """Draws bars on a terminal, writes lines elsewhere, and is silent when ``quiet``.

    Attributes:
        time_left: whether a bar tells how long it may still take.
    """

    time_left: ClassVar[bool] = True

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._rich: Any = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._rich = self._drawn()
            self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()

    def line(self, text: str) -> None:
        """Show a line above the bars."""
        if self._rich is not None:
            self._rich.console.print(printable(text), markup=False, highlight=False)
        elif not self._quiet:
            echo(text, err=True)

    def _add(self, what: str, total: int | None, beside: str = "") -> Any:
        """Return a new bar of rich, which is there while bars are drawn."""
        return self._rich.add_task(printable(what), total=total, beside=beside)

    def _drawn(self) -> Any:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[beside]}", markup=False),
            TimeElapsedColumn(),
            *((TextColumn("left"), TimeRemainingColumn()) if self.time_left else ()),
            console=Console(stderr=True),
        )
