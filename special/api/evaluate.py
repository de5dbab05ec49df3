"""A run against the ground truth, step by step: what each step has gained. The one place that reads truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from special.api.job import steps_of
from special.api.label import status
from special.api.run import Run, open_run
from special.api.source import DatasetSource
from special.cache.directory import Manifest, RunDirectory
from special.errors import DamagedError, RunError
from special.report import metrics
from special.report.metrics import Scores

FAR_BETTER = 0.3  # of the pixels: a truth whose numbers are shifted by one agrees better by this much, if they are


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run.

    Attributes:
        run: its directory.
        final: of the final map: what ``map.npy`` holds, rejected pixels counted as wrong.
        steps: of the most probable class after ``pseudo``, ``warmup`` and ``refine``, nothing rejected; a step that has
            not run is not in it.
        stale: which of these are older than what they depend on; ``special status`` says why.
        split: of a supervised run, how its labelled pixels were divided (``kind``, ``train``, ``test`` and so on): the
            scores are of the test pixels alone. None for others.
        made_by: ``map``; or, for a run that has no map yet, the last step there is: ``final`` is then that step's.
    """

    run: Path
    final: Scores
    steps: Mapping[str, Scores]
    stale: tuple[str, ...]
    made_by: str
    split: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The scores of the final map at the top, those of the steps under ``steps``."""
        steps = {name: scores.to_json() for name, scores in self.steps.items()}
        about: dict[str, Any] = {"run": str(self.run), "made_by": self.made_by, "stale": list(self.stale)}
        about |= {"split": dict(self.split)} if self.split else {}
        about |= {"notes": list(self.notes)} if self.notes else {}
        return {**about, **self.final.to_json(), "steps": steps}


def evaluate(
    run: Run | str | Path | None, truth: str | Path | NDArray[Any], *, truth_key: str | None = None
) -> Evaluation:
    """Compare what a run has made with the ground truth.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        truth: an array (rows, cols), or a file that holds one (``.mat``, ``.npy``, ENVI, GeoTIFF): 1..K in the order of
            the class list, 0 where nothing is known. A file that names its classes is matched by their names. Or points
            or polygons (GeoPackage, GeoJSON, Shapefile), or a CSV table.
        truth_key: name of the array or field that holds the truth, where a file has several.

    Raises:
        RunError: there is no such run, or it has nothing to compare yet.
        SceneError: the truth cannot be understood or does not fit the run.
    """
    from special.answers.grid import Grid
    from special.answers.reading import read_labels
    from special.scene import Georeference

    opened = run if isinstance(run, Run) else open_run(run)
    if isinstance(opened.request.source, DatasetSource):
        raise RunError(f"{opened.path} classifies images: its scores are in its votes.json")
    left = {step.name: found.files for step in steps_of(opened.request) if (found := _manifest(opened, step.name))}
    made = [name for name, files in left.items() if "probabilities.npy" in files and name != "map"]
    done = {name: _most_probable(opened, name) for name in made}
    made_by = "map" if "map" in left else next(reversed(done), "")
    if not made_by:
        first = "special fit" if opened.request.labels else f"special pseudo {opened.path}"
        raise RunError(f"{opened.path} has nothing to compare yet: run {first}")
    labels = opened.map if made_by == "map" else done[made_by]
    shape = (labels.shape[0], labels.shape[1])
    notes: list[str] = []
    if isinstance(truth, np.ndarray):
        known = truth
    else:
        place = opened.request.georeference
        if place is not None and "crs_wkt" not in place:  # in sensor geometry every pixel has a place of its own
            place = None
        where = Georeference(place["crs_wkt"], place["transform"] and tuple(place["transform"])) if place else None
        known = read_labels(
            truth, Grid(shape, where), opened.class_list, key=truth_key, key_option="--truth-key", say=notes.append
        )
    known, split = _tested(opened, known)
    notes += _otherwise(labels, known, opened.classes)
    steps = {name: metrics.evaluate(found, known, opened.classes) for name, found in done.items()}
    verdicts, _ = status(opened)
    stale = tuple(verdict.step for verdict in verdicts if verdict.step in {*done, made_by} and verdict.runs)
    return Evaluation(
        opened.path, metrics.evaluate(labels, known, opened.classes), steps, stale, made_by, split, tuple(notes)
    )


def _tested(run: Run, known: NDArray[Any]) -> tuple[NDArray[Any], Mapping[str, Any] | None]:
    """Return the truth without what a supervised run may have learned from, and how that was divided."""
    from special.storage import files
    from special.training.train_test_split import TEST

    if run.request.labels is None:
        return known, None
    directory = RunDirectory(run.path)
    parts = run.left("split", "split.npy")
    if known.shape != parts.shape:
        return known, None  # the comparison says what is wrong with it
    record = directory.payload("split", "record.json")
    divided = files.load_record(record)
    numbers = (divided.get(name) for name in ("train", "test", "unused"))
    if not isinstance(divided.get("kind"), str) or not all(isinstance(number, int) for number in numbers):
        raise DamagedError(f"{record} does not say how the labels were divided: fit again with --force")
    return np.where(parts == TEST, known, 0), divided


def _otherwise(labels: NDArray[Any], known: NDArray[Any], names: Sequence[str]) -> list[str]:
    """Say so where the truth would agree far better if it were read in another way.

    Its numbers may begin at another one than the class list's do (a list whose first class is "background" often goes
    with a truth in which that is 0), its rows and columns may be exchanged, or it may be upside down.
    """
    seen = known > 0
    if labels.shape != known.shape or not seen.any():
        return []
    right = float((labels[seen] == known[seen]).mean())
    shifts = {shift: float((labels[seen] == known[seen].astype(np.int64) + shift).mean()) for shift in (-1, 1)}
    notes = []
    if max(shifts.values()) - right >= FAR_BETTER:
        best = max(shifts, key=lambda shift: shifts[shift])
        way = "up" if best > 0 else "down"
        notes.append(
            f"the map is right in {right:.0%} of the truth, and in {shifts[best]:.0%} if the numbers of the truth go "
            f"one {way}: {names[0]!r} is number 1 of the class list, and 0 in the truth is where nothing is known"
        )
    turned = {"with its rows and columns exchanged": known.T, "upside down": known[::-1], "mirrored": known[:, ::-1]}
    agree = {how: _right(labels, other) for how, other in turned.items() if other.shape == labels.shape}
    how, share = max(agree.items(), key=lambda item: item[1])
    if share - right >= FAR_BETTER and share > max(shifts.values()):
        notes.append(f"the map is right in {right:.0%} of the truth, and in {share:.0%} if the truth is read {how}")
    return notes


def _right(labels: NDArray[Any], known: NDArray[Any]) -> float:
    seen = known > 0
    return float((labels[seen] == known[seen]).mean())


def _manifest(run: Run, step: str) -> Manifest | None:
    return RunDirectory(run.path).manifest(step)


def _most_probable(run: Run, step: str) -> NDArray[np.int64]:
    """The label map of a step's probabilities: 1..K, 0 at invalid pixels."""
    probabilities = run.probabilities_of(step)
    return np.where(probabilities.sum(axis=-1) > 0, 1 + probabilities.argmax(axis=-1), 0)
