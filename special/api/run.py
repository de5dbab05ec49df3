"""A run as Python sees it: its map, its probabilities, how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.answers.answers import NONE_OF_THESE
from special.api.request import Request, read, read_answers
from special.api.source import SceneSource
from special.cache.directory import RunDirectory, latest
from special.cache.runner import Outcome
from special.errors import DamagedError, RunError
from special.report.warning_list import MapWarning
from special.storage import files
from special.storage.payloads import require_form

if TYPE_CHECKING:
    from special.api.questions import Questions
    from special.classnames.class_list import ClassList
    from special.scene import Scene


@dataclass(frozen=True)
class Area:
    """How much of a map one class takes. ``share`` is of the scene's mapped pixels; ``confidence`` the mean there."""

    name: str
    pixels: int
    share: float
    confidence: float


@dataclass(frozen=True)
class Answered:
    """An answer that a run has: its first pixel, its class (None: none of the list), and how many pixels it is of."""

    row: int
    col: int
    name: str | None
    pixels: int


class Run:
    """A labelled scene on disk. Arrays are read, and their hashes checked, when they are first asked for."""

    def __init__(self, path: Path, outcomes: Sequence[Outcome] = ()) -> None:
        """Open the run in the directory ``path``; ``outcomes`` is what the invocation that hands it out has done.

        Raises:
            RunError: there is no run.
        """
        self._directory = RunDirectory(path)
        self._request = read(self._directory)
        self.outcomes = tuple(outcomes)
        self._size: tuple[int, ...] | None = None  # of what was read first: the rest must be of the same

    @property
    def path(self) -> Path:
        """The directory of the run."""
        return self._directory.path

    @property
    def request(self) -> Request:
        """What was asked."""
        return self._request

    @property
    def class_list(self) -> ClassList:
        """The class list, synonyms included."""
        return self._request.classes

    @property
    def classes(self) -> list[str]:
        """The class names: class ``k`` of the map is ``classes[k - 1]``."""
        return self._request.classes.names

    @cached_property
    def map(self) -> np.ndarray:
        """The label map (rows, cols): 1..K in class-list order, 0 = no data or rejected.

        Raises:
            RunError: the run has no map yet, or it is damaged.
        """
        return self.left("map", "map.npy")

    @cached_property
    def confidence(self) -> np.ndarray:
        """The probability of each pixel's class: float32 (rows, cols), 0 at invalid pixels."""
        return self.left("map", "confidence.npy")

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Class probabilities, float32 (rows, cols, K): they sum to 1 at valid pixels and are 0 at invalid ones."""
        return self.left("map", "probabilities.npy")

    @cached_property
    def scene(self) -> Scene:
        """The scene that was labelled, opened again as it was then.

        Raises:
            RunError: the run is of images.
            SceneError: the scene is no longer there, or can no longer be understood.
            DamagedError: what the run has left is not of the scene's size.
        """
        source = self._request.source
        if not isinstance(source, SceneSource):
            raise RunError(f"{self.path} classifies images: it has no scene and no map")
        opened = source.reopen(self._directory, self._request.classes)
        if self._size not in (None, opened.shape[:2]):
            raise DamagedError(f"what {self.path} has left is of {self._size}, not {opened.shape[:2]} as the scene")
        self._size = opened.shape[:2]
        return opened

    @property
    def record(self) -> dict[str, Any]:
        """How the run was made: the content of ``run.json``.

        Raises:
            RunError: it is missing or damaged.
        """
        try:
            return files.load_record(self._directory.record)
        except (OSError, ValueError):
            raise RunError(f"{self._directory.record} is missing or damaged: run special map {self.path}") from None

    def probabilities_of(self, step: str) -> np.ndarray:
        """Return the class probabilities that ``pseudo``, ``warmup`` or ``refine`` left, float32 (rows, cols, K).

        Raises:
            RunError: the step has not run, or what it left is damaged.
        """
        return self.left(step, "probabilities.npy")

    @cached_property
    def answers(self) -> list[Answered]:
        """What the user has said of the scene, one entry an answer; those that say no class are left out.

        Raises:
            RunError: the answers are missing or damaged.
        """
        given = read_answers(self._directory, self._request)
        names = {NONE_OF_THESE: None, **dict(enumerate(self.classes, start=1))}
        found: dict[int, Answered] = {}
        for row, col, said, number in given.table.tolist():
            if said in names:
                one = found.get(number, Answered(row, col, names[said], 0))
                found[number] = replace(one, pixels=one.pixels + 1)
        return list(found.values())

    def ask(self, questions: int | None = None) -> Questions:
        """Return places whose class you should name, those first whose answer is worth most: see :func:`special.ask`.

        Raises:
            SpecialError: as :func:`special.ask`.
        """
        from special.api.ask import ask

        return ask(self, questions=questions)

    @cached_property
    def warnings(self) -> list[MapWarning]:
        """What a careful person would want to know of the map, the gravest first.

        Raises:
            RunError: the run has no report yet, or it is damaged.
        """
        try:
            record = files.load_json(self._directory.payload("report", "record.json"))
            return [MapWarning.from_json(one) for one in record["warnings"]]
        except (RunError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{self.path} has no list of warnings ({error}): make it with special report") from None

    def areas(self) -> list[Area]:
        """Return how many pixels each class takes, in class-list order, and how sure the map is of them."""
        mapped = max(1, int(np.count_nonzero(self.map)))
        areas = []
        for number, name in enumerate(self.classes, start=1):
            here = self.map == number
            pixels = int(here.sum())
            confidence = float(self.confidence[here].mean()) if pixels else 0.0
            areas.append(Area(name, pixels, pixels / mapped, confidence))
        return areas

    def left(self, step: str, name: str) -> np.ndarray:
        """Return an array (rows, cols) or (rows, cols, values) that a step left, of the unit that the step says.

        Raises:
            RunError: the step has not run, or left no such file.
            DamagedError: it is not of the scene's size, or of other numbers.
        """
        try:
            path = self._directory.payload(step, name)
        except RunError as error:
            raise RunError(f"{error}, with special {step} {self.path}") from None
        found = files.load_array(path)
        require_form(path, found, step, len(self.classes), self._size)
        self._size = found.shape[:2]
        return found

    def __repr__(self) -> str:
        return f"<Run {self.path}: {len(self.classes)} classes>"

    def _repr_html_(self) -> str | None:
        """Show map, legend and warnings in a notebook; of a run without a map the line that Python shows."""
        from special.report.legend import colours_of
        from special.report.page.summary import LegendEntry, summary_html

        try:
            areas, labels = self.areas(), self.map
        except RunError:
            return None
        colours = colours_of(self.class_list)
        entries = [
            LegendEntry(area.name, area.pixels, area.share, area.confidence, f"#{bytes(colour).hex()}")
            for area, colour in zip(areas, colours, strict=True)
        ]
        try:
            warnings, shown = [warning.text for warning in self.warnings], self.path / "report.html"
        except RunError:
            warnings, shown = [], self.path
        return summary_html(labels, colours, entries, warnings, str(shown))


class ImageRun(Run):
    """A data set of images that a classifier has learned from, on disk."""

    def _repr_html_(self) -> None:
        """Show what Python shows: images have no map."""

    @cached_property
    def votes(self) -> dict[str, Any]:
        """The content of ``votes.json``: the vote on every image, and the scores on those kept for the test.

        Raises:
            RunError: the run has no votes yet, or they are damaged.
        """
        path = self._directory.payload("vote", "votes.json")
        found = files.load_record(path)
        if not isinstance(found.get("test"), dict) or not isinstance(found.get("images"), list):
            raise DamagedError(f"{path} holds no votes: fit again with --force")
        return found

    @property
    def scores(self) -> Mapping[str, Any]:
        """``oa``, ``aa``, ``kappa`` and so on, of the images that were kept for the test."""
        return dict(self.votes["test"])

    def count(self, part: str) -> int:
        """Return how many images are in the part ``train`` or ``test``."""
        return sum(image["part"] == part for image in self.votes["images"])


def open_run(path: str | Path | None = None) -> Run:
    """Open a run; the one in the working directory that was worked on last, when ``path`` is None.

    Raises:
        RunError: there is none.
    """
    if path is None:
        found = latest(Path())
        if found is None:
            raise RunError(
                f"there is no run in {Path().resolve()}: name one, or make one with special label SCENE --classes FILE"
            )
        path = found.path
    return Run(Path(path))
