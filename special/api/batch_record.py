"""Writes down what becomes of the scenes of a batch while it is worked on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from special.cluster.dispatch import Listener, Task
from special.cluster.ledger import Ledger, now
from special.cluster.rows import DONE, FAILED, RUNNING, STOPPED, WAITING, Row


class Watch(Listener):
    """Who watches a batch: told of its scenes by name, and of what there is to say of all of them."""

    def begin(self, scenes: int) -> None:
        """The work on so many scenes begins."""

    def line(self, text: str) -> None:
        """There is something to say."""


class Recorder(Listener):
    """Writes down what becomes of scenes, and hands on to who watches."""

    def __init__(self, ledger: Ledger, rows: Sequence[Row], watch: Watch, clock: Callable[[], str] = now) -> None:
        self._ledger, self._rows, self._watch, self._clock = ledger, {row.name: row for row in rows}, watch, clock
        self.began = False
        ledger.write(*rows, publish=False)

    def started(self, task: Task, worker: str) -> None:
        """A worker has taken a scene."""
        self.began = True
        tries = self._rows[task.name].tries + 1
        self._change(task, state=RUNNING, why="", worker=worker, tries=tries, began=self._clock(), ended="")
        self._watch.started(task, worker)

    def progress(self, task: Task, what: Mapping[str, Any]) -> None:
        """Hand on."""
        self._watch.progress(task, what)

    def said(self, task: Task, line: str) -> None:
        """Hand on."""
        self._watch.said(task, line)

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        """A scene is labelled."""
        if result["kept"]:  # what it took is what it took then
            megabytes = self._rows[task.name].megabytes or megabytes
        thumbnail = f"thumbnails/{task.name}.png"
        self._change(task, state=DONE, ended=self._clock(), megabytes=megabytes, thumbnail=thumbnail, **result)
        self._watch.done(task, result, megabytes)

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        """A scene cannot be labelled; what an earlier batch has found of it no longer counts."""
        nothing: dict[str, Any] = {"areas": (), "pixels": None, "confidence": None, "map": "", "links": {}}
        nothing |= {"thumbnail": "", "seconds": None, "megabytes": None, "kept": False}
        self._change(task, state=FAILED, why=reason, fault=fault, ended=self._clock(), **nothing)
        self._watch.failed(task, reason, fault)

    def again(self, task: Task, reason: str) -> None:
        """A worker has died over a scene."""
        self._change(task, state=WAITING, why=f"a worker died over it ({reason}); another one takes it")
        self._watch.again(task, reason)

    def stop(self) -> None:
        """The work ends: what was in the middle of it has stopped there."""
        for row in self._rows.values():
            if row.state == RUNNING:
                self._rows[row.name] = replace(row, state=STOPPED, why="stopped; the same command goes on from there")
        self._ledger.write(*self._rows.values())

    def _change(self, task: Task, **changes: Any) -> None:
        self._rows[task.name] = replace(self._rows[task.name], **changes)
        self._ledger.write(self._rows[task.name])


class TogetherRecorder(Recorder):
    """Writes down what becomes of scenes that are one task: what happens to it happens to all of them."""

    def started(self, task: Task, worker: str) -> None:
        """A worker has taken the scenes."""
        self.began = True
        for name, row in self._rows.items():
            began: dict[str, Any] = {"worker": worker, "tries": row.tries + 1, "began": self._clock(), "ended": ""}
            self._rows[name] = replace(row, state=RUNNING, why="", **began)
        self._ledger.write(*self._rows.values())
        self._watch.started(task, worker)

    def done(self, task: Task, result: Mapping[str, Any], megabytes: int) -> None:
        """The scenes are labelled."""
        for name, fields in result["scenes"].items():
            super().done(Task(name, {}), {**fields, "kept": result["kept"]}, megabytes)

    def failed(self, task: Task, reason: str, fault: bool) -> None:
        """None of them can be labelled."""
        for name in self._rows:
            super().failed(Task(name, {}), reason, fault)

    def again(self, task: Task, reason: str) -> None:
        """A worker has died over them."""
        for name in self._rows:
            self._change(Task(name, {}), state=WAITING, why=f"a worker died over it ({reason}); another one takes it")
        self._watch.again(task, reason)
