"""A map against an answered probability sample of it: accuracies and areas with confidence intervals."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from special.answers.answers import NONE_OF_THESE
from special.answers.reading import codes
from special.answers.sample import Sample
from special.answers.sheet.filled import Filled, read_sheet
from special.answers.sheet.placement import Placement
from special.answers.sheet.rows import NONE_OF_THESE as NONE_TEXT
from special.api.run import Run, open_run
from special.api.sample import mapped, samples
from special.errors import AnswersError
from special.report.area_estimates import AreaEstimates, Estimate, estimate


@dataclass(frozen=True)
class Assessment:
    """What a sample tells of a map.

    Attributes:
        run: its directory. design: of the sample.
        points: how many points count. pixels: how many pixels they stand for.
        estimates: accuracies and areas; what was none of the classes, and what the map leaves open, have their lines.
        hectares: of a pixel; None where that is not known.
        notes: what the user must know of the figures.
    """

    run: Path
    design: str
    points: int
    pixels: int
    estimates: AreaEstimates
    hectares: float | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON: estimates with their standard errors and 95 % confidence intervals."""
        found = self.estimates
        whole = self.pixels * self.hectares if self.hectares else None
        classes = {
            name: {
                "points": int(found.counts[k].sum()),
                "users_accuracy": _interval(found.users[k]),
                "producers_accuracy": _interval(found.producers[k]),
                "area_share": _interval(found.areas[k]),
                "mapped_share": float(found.matrix[k].sum()),
            }
            | ({"hectares": _interval(found.areas[k], whole)} if whole else {})
            for k, name in enumerate(found.names)
        }
        return {
            "run": str(self.run),
            "design": self.design,
            "points": self.points,
            "pixels": self.pixels,
            "overall_accuracy": _interval(found.overall),
            "classes": classes,
            "error_matrix": {"names": list(found.names), "area_shares": found.matrix.tolist()},
            "counts": found.counts.tolist(),
            "notes": list(self.notes),
        }


def _interval(one: Estimate | None, scale: float = 1.0) -> dict[str, float] | None:
    if one is None:
        return None
    return {"estimate": scale * one.value, "standard_error": scale * one.error, "ci95": scale * one.margin}


def assess(run: Run | str | Path | None, answers: str | Path) -> Assessment:
    """Estimate the accuracy of a map, and the true areas of its classes, from an answered sample.

    The map may have changed since the sample was drawn: its strata need not be the classes of the map.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        answers: what ``special sample`` has left, answered: ``sample_answers.csv``, ``sample.gpkg`` or ``sample.csv``.

    Raises:
        RunError: there is no such run, or it has no map.
        AnswersError: the file cannot be understood, or is not a probability sample of the run.
    """
    path = Path(answers)
    opened = run if isinstance(run, Run) else open_run(run)
    placement = Placement.of(opened.scene.georeference)
    filled = read_sheet(path, placement)
    sample = _sample_of(opened, filled, path)
    labels, names = mapped(opened)
    names = [*names[:-1], NONE_TEXT, names[-1]]
    reference, notes = _references(opened, filled, path), []
    known = reference >= 0
    numbers = np.array([one.id for one in filled]) - 1
    strata, pixels = sample.stratum[numbers[known]], sample.pixels[numbers[known]]
    found = labels[pixels[:, 0], pixels[:, 1]]
    found = np.where(found == len(opened.classes), len(names) - 1, found)
    _refuse_too_few(sample, strata, path)
    if not known.all():
        notes.append(
            f"{int((~known).sum())} of {len(known)} points have no answer that is one class: the others of their "
            "stratum stand for them"
        )
    notes += _too_uniform(sample, strata, reference[known])
    used = np.union1d(np.unique(found), np.union1d(np.unique(reference[known]), np.arange(len(opened.classes))))
    position = np.full(len(names), -1)
    position[used] = np.arange(len(used))
    sizes = np.array([stratum.pixels for stratum in sample.strata])
    estimates = estimate(strata, position[found], position[reference[known]], sizes, [names[k] for k in used.tolist()])
    rows, cols = labels.shape
    wide, high = placement.pixel_size(rows // 2, cols // 2)
    return Assessment(
        opened.path,
        sample.design,
        int(known.sum()),
        int(sizes.sum()),
        estimates,
        wide * high / 1e4 if placement.unit == "m" else None,
        tuple(notes),
    )


def _sample_of(run: Run, filled: Sequence[Filled], path: Path) -> Sample:
    """Find the sample whose points came back."""
    given = {one.id: (one.row, one.col) for one in filled}
    for sample in reversed(samples(run)):
        if given == {number: (int(row), int(col)) for number, (row, col) in enumerate(sample.pixels, start=1)}:
            return sample
    raise AnswersError(
        f"{path} is not a probability sample of {run.path}: only points that special sample has drawn, all of them, "
        "tell of the whole map; those of special ask, or of your choice, lie where somebody wanted to look"
    )


def _references(run: Run, filled: Sequence[Filled], path: Path) -> np.ndarray:
    """What was answered, int (n,): a class from 0, K for none of these, -1 for no answer that is one class."""
    said = codes([one.answer for one in filled], run.class_list)
    for one, code in zip(filled, said.tolist(), strict=True):
        if one.answer and code < NONE_OF_THESE:
            near = difflib.get_close_matches(one.answer, run.classes, 1, 0.5)
            hint = f"the nearest is {near[0]!r}" if near else f"it has {', '.join(run.classes[:5])}"
            raise AnswersError(f"{path} answers question {one.id} with {one.answer!r}, no class of {run.path}: {hint}")
    return np.where(said > 0, said - 1, np.where(said == NONE_OF_THESE, len(run.classes), -1))


def _too_uniform(sample: Sample, strata: np.ndarray, reference: np.ndarray) -> list[str]:
    """Say which strata gave one answer throughout: a variance of 0 is estimated of them, which is too good."""
    names = [
        stratum.name
        for index, stratum in enumerate(sample.strata)
        if len(own := reference[strata == index]) < stratum.pixels and len(np.unique(own)) == 1
    ]
    if not names:
        return []
    return [f"all points of {', '.join(names)} have one answer: what little else may be there is in no interval"]


def _refuse_too_few(sample: Sample, strata: np.ndarray, path: Path) -> None:
    counts = np.bincount(strata, minlength=len(sample.strata))
    for stratum, count in zip(sample.strata, counts.tolist(), strict=True):
        if count < min(2, stratum.pixels):
            raise AnswersError(
                f"{path} has {count} answers in the stratum {stratum.name!r}, which has {stratum.pixels} pixels: "
                "answer two of its points at least"
            )
