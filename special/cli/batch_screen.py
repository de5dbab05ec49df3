"""What ``special batch`` shows: a bar for every scene in progress on a terminal, a line for every scene elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from special.api.batch_record import Watch
from special.cli.bars import Bars
from special.cluster.dispatch import Task


class BatchScreen(Bars, Watch):
    """Draws bars on a terminal, writes lines elsewhere, and is silent when ``quiet``."""

    time_left = False

    def __init__(self, quiet: bool = False) -> None:
        super().__init__(quiet)
        self._bars: dict[str, Any] = {}
        self._all: Any = None
        self._scenes = self._done = self._failed = 0
        self._said: set[str] = set()

    def begin(self, scenes: int) -> None:
        """Begin the bar of all scenes."""
        self._scenes = scenes
        if self._rich is not None:
            self._all = self._add("all scenes", scenes)

    def started(self, task: Task, worker: str) -> None:
        """Begin a bar."""
        if self._rich is not None:
            self._bars[task.name] = self._add(task.name, None, worker)

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        """Move a bar."""
        if self._rich is not None and task.name in self._bars:
            bar = self._bars[task.name]
            self._rich.update(bar, total=what["total"] or None, completed=what["done"], beside=what["step"])

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

    def _end(self, task: Task, what: str) -> None:
        self._remove(task)
        if self._rich is not None and self._all is not None:
            self._rich.update(self._all, advance=1, beside=f"{self._failed} failed" if self._failed else "")
        self.line(f"{task.name}: {what} ({self._done + self._failed} of {max(self._scenes, 1)})")

    def _remove(self, task: Task) -> None:
        bar = self._bars.pop(task.name, None)
        if self._rich is not None and bar is not None:
            self._rich.remove_task(bar)
