"""``special evaluate``: a run against the ground truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from special.cli.echo import echo
from special.cli.options import run_argument

if TYPE_CHECKING:
    from special.api.evaluate import Evaluation
    from special.report.metrics import Scores

_EPILOG = """\b
Examples:
  special evaluate --truth truth.mat
  special evaluate scene.special --truth truth.mat --truth-key gt
  special evaluate scene.special --truth truth.tif --json
  special evaluate scene.special --truth plots.gpkg

\b
OA     overall accuracy: the share of labelled pixels that are right
AA     average accuracy: the mean recall of the classes
kappa  agreement beyond chance
mIoU   mean intersection over union of the classes
"""


@click.command(epilog=_EPILOG)
@run_argument
@click.option(
    "--truth",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="Label image, 1 for the first class and 0 where nothing is known; or points, polygons, a table.",
)
@click.option(
    "--truth-key", metavar="NAME", help="Name of the array or field that holds the truth, where a file has several."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def evaluate(run: Path | None, truth: Path, truth_key: str | None, as_json: bool) -> None:
    """Compare the map of RUN, and what each step before it made, with the ground truth.

    Pixels without a known truth do not count; pixels that the map leaves at 0 are wrong. Of a run that special fit has
    made, only those count that it has kept for the test. Without RUN, the run in the working directory that was worked
    on last is taken. The figures are kept in RUN: special report shows them.
    """
    from special.api.evaluate import evaluate as compare
    from special.api.findings import EVALUATION
    from special.cli.findings import keep_for_report

    evaluation = compare(run, truth, truth_key=truth_key)
    if evaluation.made_by == "map":
        keep_for_report(evaluation.run, EVALUATION, evaluation.to_json())
    if as_json:
        import json

        echo(json.dumps(evaluation.to_json(), indent=2, ensure_ascii=False))
    else:
        show(evaluation)


def show(evaluation: Evaluation) -> None:
    """Print the gain of each step, then each class and the confusion of the final map."""
    show_steps(evaluation)
    final = evaluation.final
    echo()
    _show_classes(final)
    echo()
    _show_confusion(final)
    for note in evaluation.notes:
        echo(f"Note: {note}.")
    if evaluation.split is not None:
        echo(f"Note: {_about_split(evaluation.split)}")
    if evaluation.made_by != "map":
        echo(f"Note: this run has no map yet: these are the figures of {evaluation.made_by}.")
    if evaluation.stale:
        echo(f"Note: {', '.join(evaluation.stale)} would come out anew: see special status {evaluation.run}")


def _about_split(split: Mapping[str, Any]) -> str:
    about = f"{split['train']} pixels were learned from, {split['test']} kept for the test"
    if split["kind"] == "disjoint":
        return f"{about}, {split['unused']} left out because they lie too near to those that were learned from."
    return (
        f"{about}, at random. Neighbours of the test pixels were learned from, so the figures are higher than on "
        "ground that nobody has labelled: compare --split disjoint."
    )


def show_steps(evaluation: Evaluation) -> None:
    """Print the scores after every step."""
    from special.cli.screen import show_table

    rows = {**evaluation.steps, **({"map": evaluation.final} if evaluation.made_by == "map" else {})}
    figures = [
        (name, *(f"{figure:.4f}" for figure in (scores.oa, scores.aa, scores.kappa, scores.miou)))
        for name, scores in rows.items()
    ]
    kind = "labelled" if evaluation.split is None else f"test ({evaluation.split['kind']} split)"
    title = f"{evaluation.run}: {evaluation.final.pixels} {kind} pixels"
    show_table(title, ("after", "OA", "AA", "kappa", "mIoU"), figures, right=(1, 2, 3, 4))


def _show_classes(scores: Scores) -> None:
    from special.cli.screen import show_table

    def shown(figure: float | None) -> str:
        return "-" if figure is None else f"{figure:.4f}"

    rows = [
        (str(number), one.name, str(one.pixels), *map(shown, (one.recall, one.precision, one.f1, one.iou)))
        for number, one in enumerate(scores.per_class, start=1)
    ]
    headings = ("", "class", "pixels", "recall", "precision", "F1", "IoU")
    show_table("", headings, rows, right=(0, 2, 3, 4, 5, 6))


def _show_confusion(scores: Scores) -> None:
    """Rows are the truth, columns the map; columns bear the classes' numbers, for names would not fit."""
    from special.cli.screen import show_table

    count = len(scores.names)
    headings = ("truth", "", *map(str, range(1, count + 1)), "none")
    rows = [
        (name, str(number), *map(str, line))
        for number, (name, line) in enumerate(zip(scores.names, scores.confusion.tolist(), strict=True), start=1)
    ]
    show_table("Confusion: truth in rows, map in columns", headings, rows, right=tuple(range(1, count + 3)))
