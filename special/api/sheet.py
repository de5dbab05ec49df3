"""The questions as files in the run: what ``special ask`` leaves for people to answer."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from special.answers.identity import identity
from special.answers.questions import Question
from special.api.evidence import evidence, renderings
from special.api.questions import AREAS, POINTS
from special.api.run import Run
from special.cache.directory import RunDirectory
from special.errors import RunError, SettingsError
from special.progress import SILENT, Progress


@dataclass(frozen=True)
class Purpose:
    """What questions are for.

    Attributes:
        stem: of the files that are left. saved: the file that the page saves answers in.
        then: what to do with it, a sentence. command: how, in words; RUN and ANSWERS stand for their paths.
    """

    stem: str
    saved: str
    then: str
    command: tuple[str, ...]


LABELS = Purpose(
    "questions",
    "answers.csv",
    "When the file is saved, make the map again by the command that made it, with the answers:",
    ("special", "label", "...", "--labels", "ANSWERS"),
)
"""Answers that make a better map."""


@dataclass(frozen=True)
class Sheet:
    """What was left.

    Attributes:
        page, table, geopackage, form: ``questions.html``, ``.csv``, ``.gpkg`` and ``.qml``.
        command: what makes use of the answers.
        kept: where tables of earlier questions lie now that somebody had filled in.
    """

    page: Path
    table: Path
    geopackage: Path
    form: Path
    command: str
    kept: tuple[Path, ...] = ()


def leave_sheet(
    run: Run,
    questions: Sequence[Question],
    *,
    by: str = POINTS,
    purpose: Purpose = LABELS,
    progress: Progress = SILENT,
) -> Sheet:
    """Leave questions in a run: ``questions.html``, ``questions.csv``, ``questions.gpkg`` and ``questions.qml``.

    Each file is at every moment the old one or the new one, whole. Tables of earlier questions that somebody has filled
    in are kept under other names.

    Args:
        run: the run that the questions are about.
        questions: one or more.
        by: ``points`` or ``areas``: what is drawn, and what an answer is about.
        purpose: what they are for, which gives the files their names.
        progress: who listens.

    Raises:
        RunError: there is no question, the run or the layer in it is in use, or the run is about images.
        SceneError: its scene is gone.
        SettingsError: ``by`` is something else.
    """
    from special.answers.sheet.form import write_form
    from special.answers.sheet.geopackage import write_geopackage
    from special.answers.sheet.page import Page, write_page
    from special.answers.sheet.placement import Placement
    from special.answers.sheet.rows import Row
    from special.answers.sheet.table import write_table
    from special.report.legend import colours_of
    from special.storage import files

    if by not in (POINTS, AREAS):
        raise SettingsError(f"questions cannot be drawn by {by!r}: choose {POINTS} or {AREAS}")
    if not questions:
        raise RunError(f"{run.path} has no question to ask: every place that is worth one has its answer")
    directory, source = RunDirectory(run.path), run.request.source
    with progress.phase("look at the places"):
        scene = run.scene
        unit, shown = evidence(run, scene, questions)
        page = Page(
            scene=source.stem,
            saved=purpose.saved,
            then=purpose.then,
            command=_command(run, purpose),
            table=f"{purpose.stem}.csv",
            questions=questions,
            evidence=shown,
            names=run.classes,
            colours=colours_of(run.class_list),
            placement=Placement.of(scene.georeference),
            renderings=renderings(run, scene),
            unit=unit,
            areas=by == AREAS,
            identity=identity(run.request.content["files"]),
        )
    with directory.locked():
        _refuse_open(run.path / f"{purpose.stem}.gpkg")
        folder = files.open_staging(run.path, purpose.stem)
        rows = [Row.of(question, page.placement, page.identity) for question in questions]
        left = (
            write_page(folder / f"{purpose.stem}.html", page),
            write_table(folder / f"{purpose.stem}.csv", rows),
            write_geopackage(
                folder / f"{purpose.stem}.gpkg", questions, page.placement, page.identity, areas=page.areas
            ),
            write_form(folder / f"{purpose.stem}.qml", page.names, page.colours, areas=page.areas),
        )
        kept = _set_aside(run.path, purpose.stem)
        for path in left:
            files.replace_copy(path, run.path / path.name)
    html, table, geopackage, form = (run.path / path.name for path in left)
    return Sheet(html, table, geopackage, form, page.command, kept)


def _command(run: Run, purpose: Purpose) -> str:
    paths = {"RUN": str(run.path), "ANSWERS": str(run.path / purpose.saved)}
    return shlex.join([paths.get(word, word) for word in purpose.command])


def _refuse_open(path: Path) -> None:
    """Make sure that no program has the layer open: what it would write later would spoil the new one.

    Raises:
        RunError: one has.
    """
    from special.answers.sheet.geopackage import is_open_elsewhere

    if is_open_elsewhere(path):
        raise RunError(f"{path} is open in another program, such as QGIS: close it there, then ask again")


def _set_aside(folder: Path, stem: str) -> tuple[Path, ...]:
    """Give tables that have answers in them other names, so that nothing of a user's work is lost."""
    from special.answers.sheet import geopackage, table

    kept = []
    tables: dict[str, Callable[[Path], bool]] = {
        f"{stem}.csv": table.is_blank,
        f"{stem}.gpkg": geopackage.is_blank,
    }
    for name, is_blank in tables.items():
        path, number = folder / name, 1
        if path.is_file() and not is_blank(path):
            while (free := path.with_stem(f"{path.stem}-{number}")).exists():
                number += 1
            os.rename(path, free)
            kept.append(free)
    return tuple(kept)
