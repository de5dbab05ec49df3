"""``special ask``: the few places where an answer is worth most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from special.cli.echo import echo
from special.cli.options import quiet_option, run_argument

if TYPE_CHECKING:
    from special.answers.questions import Question
    from special.api.sheet import Sheet

_EPILOG = """\b
Examples:
  special ask
  special ask scene.special --questions 20
  special ask scene.special --by areas
  special ask maps

\b
RUN gets, to be answered in whichever is at hand:
  questions.html  a page for the browser that shows every place, and saves answers.csv
  questions.gpkg  a layer for QGIS, with a form (questions.qml)
  questions.csv   a table
"""


@click.command(epilog=_EPILOG)
@run_argument
@click.option("--questions", metavar="N", type=click.IntRange(min=1), help="How many.  [as many as there are classes]")
@click.option(
    "--by",
    type=click.Choice(["points", "areas"]),
    default="points",
    show_default=True,
    help="Ask about single pixels or about whole areas.",
)
@quiet_option
def ask(run: Path | None, questions: int | None, by: str, quiet: bool) -> None:
    """Propose the places of RUN where an answer of yours would change the map most.

    Answer as many as you like and hand the file to special label with --labels. Files of earlier questions that you
    have filled in are kept. Without RUN, the run in the working directory that was worked on last is taken; RUN may be
    the folder of a batch whose scenes were labelled together.
    """
    from special.api.ask import ask as proposed
    from special.api.run import open_run
    from special.api.sheet import leave_sheet
    from special.api.together import run_in
    from special.cli.screen import Screen

    opened = open_run(run_in(run))
    with Screen(quiet) as screen:
        found = proposed(opened, questions=questions)
        sheet = leave_sheet(opened, found, by=by, progress=screen)
    if not quiet:
        _show(found, sheet)


def _show(questions: Sequence[Question], sheet: Sheet) -> None:
    from special.cli.screen import show_table

    rows = [
        (
            str(question.id),
            str(question.row),
            str(question.col),
            str(len(question.area)),
            question.guess,
            f"{question.confidence:.2f}",
            ", ".join(f"{name} {share:.2f}" for name, share in question.runners_up if share >= 0.01),
        )
        for question in questions
    ]
    headings = ("", "row", "column", "pixels", "map", "confidence", "or")
    show_table(str(sheet.page.parent), headings, rows, right=(0, 1, 2, 3, 5))
    for path in sheet.kept:
        echo(f"Note: earlier questions had answers: they are in {path} now.")
    echo(f"Answer in a browser: {sheet.page}")
    echo(f"Or in QGIS: {sheet.geopackage}, or in a table: {sheet.table}")
    echo(f"Then the command that made the map, with the answers: {sheet.command}")
