"""The rows of a batch: a scene, and what has become of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

WAITING, RUNNING, DONE, FAILED, STOPPED = "waiting", "running", "done", "failed", "stopped"
_STATES = (WAITING, RUNNING, DONE, FAILED, STOPPED)
_COLOUR = re.compile("#[0-9A-Fa-f]{6}")
_MOST = 1e15


@dataclass(frozen=True)
class Row:
    """A scene of a batch.

    Attributes:
        name: what its run is named after. scene: its file. run: the folder of its run, relative to the batch's.
        order: its place in the list. state: ``waiting``, ``running``, ``done``, ``failed`` or ``stopped``.
        why: what it failed by, or what there is to say of it, in one line.
        worker: who had it last. tries: how many workers it took.
        seconds, megabytes: what the last work on it took. began, ended: when, UTC, ISO 8601.
        kept: whether all was there already. fault: whether it failed by nothing that the user has given.
        classes: the lines of its class list.
        pixels: of its map. confidence: mean over them. areas: of each class ``name``, ``pixels``, ``share``,
            ``confidence`` and ``colour``.
        map: the hash of the map that these figures are of.
        links: what there is to open, titles to paths relative to the batch's folder. thumbnail: the map, small.
    """

    name: str
    scene: str
    run: str
    order: int = 0
    state: str = WAITING
    why: str = ""
    worker: str = ""
    tries: int = 0
    seconds: float | None = None
    megabytes: int | None = None
    began: str = ""
    ended: str = ""
    kept: bool = False
    fault: bool = False
    classes: Sequence[str] = ()
    pixels: int | None = None
    confidence: float | None = None
    areas: Sequence[Mapping[str, Any]] = ()
    map: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    thumbnail: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Row:
        """Read a row; what a later version has added is left out.

        Raises:
            ValueError, TypeError, AttributeError, KeyError: it holds what no row does.
        """
        known = {one.name for one in fields(cls)}
        row = cls(**{name: value for name, value in document.items() if name in known})
        row._check()
        return row

    def _check(self) -> None:
        """Look at all of it: the folder of a batch may have been edited, or come from anybody."""
        paths = [self.name, self.run, self.thumbnail, *self.links.values()]
        texts = [self.scene, self.state, self.why, self.worker, self.began, self.ended, self.map, *self.links]
        numbers = [self.order, self.tries, self.seconds, self.megabytes, self.pixels, self.confidence]
        for area in self.areas:
            texts += [area["name"], area["colour"]]
            numbers += [area["pixels"], area["share"], area["confidence"]]
            if not _COLOUR.fullmatch(area["colour"]):
                raise ValueError(f"{area['colour']!r} is no colour")
        if not all(isinstance(one, str) for one in (*texts, *paths, *self.classes)) or isinstance(self.classes, str):
            raise TypeError("a text is none")
        if self.state not in _STATES or any(".." in one.split("/") or one.startswith("/") for one in paths):
            raise ValueError("a state or a path is none of a batch")
        if not all(one is None or abs(one) < _MOST for one in numbers) or None in numbers[:2]:
            raise ValueError("a number is none")


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """Return how many scenes are in each state, those in none left out."""
    states = [row.state for row in rows]
    return {state: states.count(state) for state in (DONE, FAILED, RUNNING, STOPPED, WAITING) if state in states}
