"""What ``special batch`` shows: a bar for every scene in progress on a terminal, a line for every scene elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from special.api.batch_record import Watch
from special.cli.echo import echo
from special.cluster.dispatch import Task


class BatchScreen(Watch):
    """Draws bars on a terminal, writes lines elsewhere, and is silent when ``quiet``; all of it on stderr."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._rich: Any = None
        self._bars: dict[str, Any] = {}
        self._all: Any = None
        self._scenes = self._done = self._failed = 0
        self._said: set[str] = set()

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            self._rich = _bars()
            self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._rich is not None:
            self._rich.stop()

    def begin(self, scenes: int) -> None:
        """Begin the bar of all scenes."""
        self._scenes = scenes
        if self._rich is not None:
            self._all = self._rich.add_task("all scenes", total=scenes, step="")

    def started(self, task: Task, worker: str) -> None:
        """Begin a bar."""
        if self._rich is not None:
            self._bars[task.name] = self._rich.add_task(task.name, total=None, step=worker)

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        """Move a bar."""
        if self._rich is not None and task.name in self._bars:
            bar = self._bars[task.name]
            self._rich.update(bar, total=what["total"] or None, completed=what["done"], step=what["step"])

    def said(self, task: Task, line: str) -> None:
        """Show what a scene has to say, unless another one has said the same."""
        if line not in self._said:
            self._said.add(line)
            self.line(f"{task.name}: {line}")

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        """End a bar."""
        self._done += 1
        taken = f"labelled in {result['seconds']:.0f} s" if "seconds" in result else "labelled"
        what = "was there already" if result["kept"] else taken
        self._end(task, what)

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        """End a bar, and say why."""
        self._failed += 1
        self._end(task, f"failed: {reason}")

    def again(self, task: Task, reason: str) -> None:
        """Say that another worker takes a scene."""
        self._remove(task)
        self.line(f"{task.name}: its worker died ({reason}); another one takes it.")

    def line(self, text: str) -> None:
        """Show a line above the bars."""
        if self._rich is not None:
            self._rich.console.print(text, markup=False, highlight=False)
        elif not self._quiet:
            echo(text, err=True)

    def _end(self, task: Task, what: str) -> None:
        self._remove(task)
        if self._rich is not None and self._all is not None:
            self._rich.update(self._all, advance=1, step=f"{self._failed} failed" if self._failed else "")
        self.line(f"{task.name}: {what} ({self._done + self._failed} of {max(self._scenes, 1)})")

    def _remove(self, task: Task) -> None:
        bar = self._bars.pop(task.name, None)
        if self._rich is not None and bar is not None:
            self._rich.remove_task(bar)


def _bars() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[step]}", markup=False),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
