"""Who listens to workers in the tests, and keeps what is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from special.cluster.dispatch import Listener, Task


class Heard(Listener):
    """Keeps what becomes of tasks."""

    def __init__(self) -> None:
        self.results: dict[str, Mapping[str, Any]] = {}
        self.reasons: dict[str, tuple[str, bool]] = {}
        self.begun: list[tuple[str, str]] = []
        self.lines: list[str] = []
        self.steps: list[tuple[str, str, int, int]] = []
        self.taken_over: list[str] = []

    def started(self, task: Task, worker: str) -> None:
        self.begun.append((task.name, worker))

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        self.steps.append((what["step"], what["what"], what["done"], what["total"]))

    def said(self, task: Task, line: str) -> None:
        self.lines.append(line)

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        assert megabytes > 0
        self.results[task.name] = result

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        self.reasons[task.name] = reason, fault

    def again(self, task: Task, reason: str) -> None:
        self.taken_over.append(reason)


def answers(*values: int) -> list[dict[str, Any]]:
    return [{"do": "answer", "value": value} for value in values]
