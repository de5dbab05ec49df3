"""``special label``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from special.cli.classifier_options import classifier_options
from special.cli.options import (
    concepts_option,
    device_option,
    dry_run_option,
    quiet_option,
    seed_option,
    set_option,
    until_option,
    workers_options,
)
from special.cli.scene_options import scene_options

_EPILOG = """\b
Examples:
  special label scene.hdr --classes classes.txt
  special label scene.mat --classes classes.txt --wavelengths wavelengths.csv
  special label scene.mat --classes classes.txt --wavelengths 430:860 --out first
  special label scene.tif --classes classes.txt --clip none --reject 0.5
  special label scene.tif --classes classes.txt --classifier s3fn
  special label scene.hdr --library library.sli --library-column class
  special label scene.tif --classes classes.txt --set warmup.epochs=10 --dry-run
  special label scene.tif --classes classes.txt --labels answers.csv
  special label scene.tif --classes classes.txt --profile
  special label large.hdr --classes classes.txt --workers 8
  special label large.hdr --classes classes.txt --cluster tcp://node1:8786

\b
The class list holds one class a line, synonyms after a bar, a description after a colon:
  Asphalt | road | tarmac
  Meadow
  Yard: light concrete and paving stones
Names may be in other languages, or scientific; a colour may follow one (Water #2f6fd0).
A table (.csv), QGIS style (.qml) or ENVI classification header (.hdr) is a class list too.
"""


@click.command(epilog=_EPILOG)
@click.argument("scene", type=click.Path(path_type=Path))
@click.option("--classes", metavar="FILE", type=click.Path(path_type=Path), help="The class list.")
@click.option(
    "--library",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Spectral library of the classes, in place of the table's spectra; of all its own without --classes.",
)
@click.option("--library-column", metavar="NAME", help="Column of the library's metadata that holds the classes.")
@scene_options
@click.option(
    "--out", metavar="RUN", type=click.Path(path_type=Path), help="Directory to make.  [SCENE's stem.special]"
)
@click.option("--pipeline", metavar="NAME|FILE", help="Settings of every step.  [special, or the classifier's]")
@set_option
@click.option(
    "--clip",
    metavar="MODEL",
    help="Image-text model: auto, none, FILE, MODEL:TAG, or a name of special models list.  [auto]",
)
@click.option("--offline", is_flag=True, help="Never ask the network.")
@concepts_option
@classifier_options
@device_option
@seed_option
@click.option("--reject", metavar="P", type=float, help="Leave pixels at 0 whose class is less probable than this.")
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Answers, or what else you know of places: points, polygons, a table, a label image.",
)
@click.option("--labels-key", metavar="NAME", help="Field or array that holds the classes, where FILE has several.")
@until_option()
@workers_options
@dry_run_option
@click.option("--profile", is_flag=True, help="Print where time and memory go, and record it in run.json.")
@click.option("--force", is_flag=True, help="Forget what RUN holds, even of another scene.")
@quiet_option
def label(
    scene: Path,
    changes: tuple[str, ...],
    device: str | None,
    until: str | None,
    workers: int | None,
    memory: str | None,
    cluster: str | None,
    dry_run: bool,
    profile: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Make a land-cover map of SCENE from class names.

    SCENE is a .mat, ENVI (header or data file), GeoTIFF or .npy file, or a product as it was delivered (EMIT, PRISMA,
    EnMAP and others). What an earlier, perhaps interrupted, command has left in RUN is used where nothing that it
    depends on has changed.
    """
    from special.api.batch_workers import Where
    from special.api.options import LabelOptions
    from special.api.prepare import prepare
    from special.api.run import Run
    from special.api.scene_workers import passes_over
    from special.cli.screen import Screen, show_outcomes, show_plan, show_profile, show_result
    from special.profiling import Profiler
    from special.settings import parse_changes

    screen = Screen(quiet)
    progress = Profiler(screen) if profile else screen
    with progress.phase("open"):
        job = prepare(LabelOptions(scene=scene, settings=parse_changes(changes), device=device or "auto", **options))
    if dry_run:
        show_plan(job.run.path, job.plan(until), job.request.settings.notes)
        return
    where = Where(workers, memory, cluster=cluster)
    with screen, passes_over(job.run.workers, where, job.request.device, progress.say) as passes:
        outcomes = job.execute(until, progress, passes)
    if not quiet:
        run = Run(job.run.path, outcomes)
        show_outcomes(run)
        if isinstance(progress, Profiler):
            show_profile(progress.stop())
        show_result(run)
