"""A probability sample of a map, to be looked at by a person: ``RUN/sample.html``, and what was drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from special.answers.questions import Question
from special.answers.sample import FEWEST, RANDOM, STRATIFIED, Sample, Stratum, draw
from special.api.run import Run, open_run
from special.api.sheet import Purpose, Sheet, leave_sheet
from special.cache.directory import RunDirectory
from special.errors import RunError, SettingsError
from special.progress import SILENT, Progress
from special.report.metrics import UNMAPPED
from special.storage import files

ASSESS = Purpose(
    "sample",
    "sample_answers.csv",
    "When all points are answered and the file is saved, this tells how good the map is:",
    ("special", "assess", "RUN", "ANSWERS"),
)
"""Answers that tell how good the map is."""

RECORD = "samples.json"
"""Which points were drawn from the run, and how. Without it an answered sheet tells nothing of the whole map."""


def sample(
    run: Run | str | Path | None = None,
    *,
    per_class: int | None = None,
    total: int | None = None,
    design: str = STRATIFIED,
    show_map: bool = False,
    seed: int = 0,
    progress: Progress = SILENT,
) -> tuple[Sample, Sheet]:
    """Draw a probability sample of the pixels of a map, and leave it in the run to be answered.

    Every class of the map is a stratum, pixels that the map leaves open are one as well; pixels without data are not
    part of the population.

    Args:
        run: the run; the one in the working directory that was worked on last, when None.
        per_class: points of each stratum. total: points of all, instead.
        design: ``stratified``, or ``random`` for a simple random sample.
        show_map: tell whoever answers what the map says; it is hidden otherwise, for it would sway the answer.
        seed: of the draw.
        progress: who listens.

    Raises:
        RunError: there is no such run, or it has no map.
        SettingsError: the design or the size cannot be.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    if design not in (STRATIFIED, RANDOM):
        raise SettingsError(f"there is no design {design!r}: choose {STRATIFIED} or {RANDOM}")
    if (per_class is None) == (total is None):
        raise SettingsError("the size of the sample is not clear: give points per class, or in total")
    labels, names = mapped(opened)
    strata = 1 if design == RANDOM else len(np.unique(labels[labels >= 0]))
    fewest = FEWEST if total is None else FEWEST * strata
    if (wanted := total if per_class is None else per_class) is None or wanted < fewest:
        raise SettingsError(f"a sample of {wanted} points is too small for {strata} strata: give {fewest} or more")
    drawn = draw(labels, names, np.random.default_rng(seed), design=design, per_stratum=per_class, total=total)
    questions = [
        _question(opened, number, (int(row), int(col)), show_map)
        for number, (row, col) in enumerate(drawn.pixels, start=1)
    ]
    _remember(opened, drawn, seed, progress)  # before anybody can answer: what is not known here cannot be assessed
    return drawn, leave_sheet(opened, questions, purpose=ASSESS, progress=progress)


def mapped(run: Run) -> tuple[np.ndarray, list[str]]:
    """Return what the map says of each pixel, int (rows, cols), -1 where there is no data, and what that is called.

    0 to K - 1 are the classes, K is what the map leaves open.

    Raises:
        RunError: there is no map.
    """
    valid = run.confidence > 0
    names = [*run.classes, UNMAPPED]
    return np.where(valid, (run.map.astype(np.int64) - 1) % len(names), -1), names


def samples(run: Run) -> list[Sample]:
    """Return every sample that was drawn from a run.

    Raises:
        RunError: what is known of them is damaged.
    """
    path = run.path / RECORD
    try:
        stored = files.load_json(path)["samples"] if path.exists() else []
        return [_stored(run, **one) for one in stored]
    except (OSError, ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise RunError(f"{path} is damaged ({error!r}): draw another sample with special sample {run.path}") from None


def _stored(run: Run, design: str, strata: list[dict[str, Any]], points: list[list[int]], **rest: Any) -> Sample:
    if not all(type(value) is int for point in points for value in point):
        raise TypeError("its points are not whole numbers")
    table, parts = np.array(points, np.int32), tuple(_stratum(**stratum) for stratum in strata)
    limits = (*run.map.shape, len(parts))
    if table.shape != (len(points), 3) or (table < 0).any() or (table >= limits).any():
        raise ValueError(f"its points are not within {limits} rows, columns and strata")
    return Sample(design, parts, table[:, :2], table[:, 2])


def _stratum(name: str, pixels: int) -> Stratum:
    if not isinstance(name, str) or type(pixels) is not int:
        raise TypeError(f"{name!r} of {pixels!r} pixels is no stratum")
    return Stratum(name, pixels)


def _question(run: Run, number: int, pixel: tuple[int, int], show_map: bool) -> Question:
    area = np.array([pixel], np.int32)
    if not show_map or not run.map[pixel]:
        return Question(number, *pixel, area, "", float("nan"), (), -1)
    shares = run.probabilities[pixel]
    order = np.argsort(-shares, kind="stable")
    others = tuple((run.classes[k], float(shares[k])) for k in order[1:4])
    return Question(number, *pixel, area, run.classes[order[0]], float(shares[order[0]]), others, -1)


def _remember(run: Run, drawn: Sample, seed: int, progress: Progress) -> None:
    points = np.column_stack([drawn.pixels, drawn.stratum]).tolist()
    strata = [{"name": stratum.name, "pixels": stratum.pixels} for stratum in drawn.strata]
    path = run.path / RECORD
    with RunDirectory(run.path).locked():
        try:
            stored = files.load_json(path)["samples"] if samples(run) else []
        except RunError:
            progress.say(f"{path} was damaged: samples that were drawn before are forgotten")
            stored = []
        stored.append({"design": drawn.design, "seed": seed, "strata": strata, "points": points})
        files.replace_json(path, {"format": 1, "samples": stored})
