"""``special assess``: how good a map is, by a sample that a person has answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from special.cli.echo import echo

if TYPE_CHECKING:
    from special.api.assess import Assessment
    from special.report.area_estimates import Estimate

_EPILOG = """\b
Examples:
  special assess scene.special sample_answers.csv
  special assess scene.special scene.special/sample.gpkg --json

\b
overall     the share of the area that is mapped right
user's      of a class: the share of its mapped area that is right
producer's  of a class: the share of its true area that is mapped as it
area        of a class: its true share of the area, which is not that of the map
Each is given with half of its 95 % confidence interval (Olofsson et al. 2014; Stehman 2014).
"""


@click.command(epilog=_EPILOG)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("answers", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def assess(run: Path, answers: Path, as_json: bool) -> None:
    """Estimate from FILE, an answered sample of special sample, how good the map of RUN is, and true areas.

    The map may have changed since the sample was drawn. What is no probability sample, as the answers to special ask,
    is refused. The figures are kept in RUN: special report shows them.
    """
    from special.api.assess import assess as assessed
    from special.api.findings import ASSESSMENT
    from special.cli.findings import keep_for_report

    found = assessed(run, answers)
    keep_for_report(found.run, ASSESSMENT, found.to_json())
    if as_json:
        import json

        echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(found)


def _show(found: Assessment) -> None:
    from special.cli.screen import show_table

    estimates = found.estimates
    whole = found.pixels * found.hectares if found.hectares else None
    rows = [
        (
            name,
            str(int(estimates.counts[k].sum())),
            _shown(estimates.users[k]),
            _shown(estimates.producers[k]),
            f"{estimates.matrix[k].sum():.3f}",
            _shown(estimates.areas[k], digits=3),
            *([_shown(estimates.areas[k], whole, 1)] if whole else []),
        )
        for k, name in enumerate(estimates.names)
    ]
    headings = ["class", "points", "user's", "producer's", "mapped", "area", *(["hectares"] if whole else [])]
    title = f"{found.run}: {found.points} points, {found.design} sample of {found.pixels} pixels"
    show_table(title, headings, rows, right=range(1, len(headings)))
    echo(f"Overall accuracy {_shown(estimates.overall, digits=3)}\n")
    numbers = [str(k) for k in range(1, len(rows) + 1)]
    lines = [
        (name, numbers[k], *(f"{share:.4f}" for share in estimates.matrix[k])) for k, name in enumerate(estimates.names)
    ]
    show_table(
        "Error matrix in shares of the area: map in rows, truth in columns",
        ("map", "", *numbers),
        lines,
        right=range(1, len(rows) + 2),
    )
    for note in found.notes:
        echo(f"Note: {note}.")


def _shown(one: Estimate | None, scale: float = 1.0, digits: int = 2) -> str:
    return "-" if one is None else f"{scale * one.value:.{digits}f} ± {scale * one.margin:.{digits}f}"
