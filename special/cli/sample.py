"""``special sample``: points that tell how good a map is."""

from __future__ import annotations

from pathlib import Path

import click

from special.cli.echo import echo
from special.cli.options import quiet_option, run_argument, seed_option

_EPILOG = """\b
Examples:
  special sample --per-class 50
  special sample scene.special --total 300
  special sample scene.special --total 200 --design random

\b
RUN gets, to be answered in whichever is at hand:
  sample.html  a page for the browser that shows every point, and saves sample_answers.csv
  sample.gpkg  a layer for QGIS, with a form (sample.qml)
  sample.csv   a table
"""


@click.command(epilog=_EPILOG)
@run_argument
@click.option("--per-class", metavar="N", type=click.IntRange(min=2), help="Points of every class of the map.")
@click.option("--total", metavar="N", type=click.IntRange(min=2), help="Points of all classes together.")
@click.option(
    "--design",
    type=click.Choice(["stratified", "random"]),
    default="stratified",
    show_default=True,
    help="By the classes of the map, or a simple random sample.",
)
@click.option("--show-map", is_flag=True, help="Tell whoever answers what the map says, which sways answers.")
@seed_option
@quiet_option
def sample(
    run: Path | None,
    per_class: int | None,
    total: int | None,
    design: str,
    show_map: bool,
    seed: int,
    quiet: bool,
) -> None:
    """Draw a probability sample of the map of RUN: points to be named by a person who does not see the map.

    Every class of the map is a stratum, and what the map leaves open is one. When all points are answered, special
    assess tells how good the map is and how large the classes are. Without RUN, the run in the working directory that
    was worked on last is taken.
    """
    from special.api.sample import sample as drawn
    from special.cli.screen import Screen, show_table

    if (per_class is None) == (total is None):
        raise click.UsageError("give either --per-class or --total")
    with Screen(quiet) as screen:
        found, sheet = drawn(
            run, per_class=per_class, total=total, design=design, show_map=show_map, seed=seed, progress=screen
        )
    if quiet:
        return
    rows = [
        (stratum.name, str(stratum.pixels), str(int((found.stratum == index).sum())))
        for index, stratum in enumerate(found.strata)
    ]
    show_table(str(sheet.page.parent), ("stratum", "pixels", "points"), rows, right=(1, 2))
    for path in sheet.kept:
        echo(f"Note: an earlier sample had answers: they are in {path} now.")
    echo(f"Answer in a browser: {sheet.page}")
    echo(f"Or in QGIS: {sheet.geopackage}, or in a table: {sheet.table}")
    echo(f"Then: {sheet.command}")
