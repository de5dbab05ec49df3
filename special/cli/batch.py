"""``special batch``: many scenes, one folder of runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from special.cli.echo import echo
from special.cli.label import label
from special.cli.options import quiet_option, together

if TYPE_CHECKING:
    from special.api.batch import Batch
    from special.cluster.rows import Row

_EPILOG = """\b
Examples:
  special batch scenes/*.nc --classes classes.txt --out maps
  special batch scenes.txt --classes classes.txt --out maps --workers 4
  special batch manifest.csv --out maps
  special batch items.json --classes classes.txt --out maps --asset reflectance
  special batch scenes/*.nc --classes classes.txt --out maps --part 3/8
  special batch lines/*.hdr --classes classes.txt --out maps --together
  special batch scenes/*.nc --classes classes.txt --out maps --cluster tcp://node1:8786
  special batch scenes/*.nc --classes classes.txt --out maps --slurm --slurm-set cores=8 --slurm-set memory=16GB
  special status maps

\b
A list (.txt) names a scene or a glob a line. A manifest (.csv) has a row a scene and a column an option:
  scene,name,classes,wavelengths,labels,warmup.epochs
  lines/a.mat,first,classes.txt,430:860,a.gpkg,10
Paths in both are relative to their folder. What a row does not say, the options of the command do.
"""
_NOT_OURS = ("scene", "out", "until", "workers", "memory", "cluster", "dry_run", "profile", "quiet", "debug")
_label_options = [option for option in label.params if option.name not in _NOT_OURS]
"""What a scene can be told is what ``special label`` can be told of one."""


def _part(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Read ``3/8``."""
    if value is None:
        return None
    number, slash, parts = value.partition("/")
    if not (slash and number.isdigit() and parts.isdigit()):
        raise click.BadParameter(f"{value!r} is no part: write 3/8 for the third of eight", ctx, parameter)
    return int(number), int(parts)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Read ``KEY=VALUE`` texts."""
    for text in texts:
        if not text.partition("=")[2]:
            raise click.UsageError(f"--slurm-set {text!r} sets nothing: write KEY=VALUE, as in cores=8")
    return {key.strip().replace("-", "_"): value.strip() for key, _, value in (text.partition("=") for text in texts)}


_where_options = together(
    click.option("--workers", metavar="N", type=click.IntRange(min=1), help="Processes at work.  [as many as cores]"),
    click.option("--memory", metavar="SIZE", help="What a worker may take; fewer work where it is short.  [2GB]"),
    click.option("--cluster", metavar="ADDRESS", help="Have a running Dask scheduler's workers do it."),
    click.option("--slurm", is_flag=True, help="Ask SLURM for --workers jobs, through dask-jobqueue."),
    click.option(
        "--slurm-set",
        metavar="KEY=VALUE",
        multiple=True,
        help="What a job asks for, as in queue=short, cores=8, memory=16GB, walltime=02:00:00.",
    ),
    click.option(
        "--together",
        is_flag=True,
        help="Label scenes of one sensor as one, without seams: DIR/mosaic.tif, and one run, DIR/together.special.",
    ),
    click.option("--part", metavar="I/N", callback=_part, help="Do the I-th of N parts: for an array of jobs."),
)


@click.command(epilog=_EPILOG)
@click.argument("scenes", nargs=-1, required=True)
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder of the batch.")
@_where_options
@click.option("--asset", metavar="NAME", help="Which asset of STAC items is the scene.")
@click.option("--dry-run", is_flag=True, help="Only say which scenes there are, and how they stand.")
@quiet_option
def batch(
    scenes: tuple[str, ...],
    out: Path,
    changes: tuple[str, ...],
    device: str | None,
    slurm: bool,
    slurm_set: tuple[str, ...],
    dry_run: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Label many SCENES: each becomes a run below DIR, as special label makes it.

    SCENES are files, products, globs, lists (.txt), manifests (.csv) and STAC item collections (.json). A scene that
    fails keeps no other from its map. DIR gets index.html, summary.csv and summary.json, which are true at any time;
    stop it whenever you like, and the same command goes on from there. The exit code is 0, or 1 where a scene failed.
    """
    from special.api.batch import batch as label_all
    from special.api.batch import plan
    from special.cli.batch_screen import BatchScreen
    from special.settings import parse_changes

    told = {"settings": parse_changes(changes), "device": device or "auto", "out": out, **options}
    together = told.pop("together")
    told["slurm"] = _pairs(slurm_set) if slurm or slurm_set else None
    if dry_run:
        show_rows(out, plan(list(scenes), **told))
        return
    with BatchScreen(quiet) as screen:
        done = label_all(list(scenes), watch=screen, together=together, **told)
    if not quiet:
        show_batch(done)
    if done.lost:
        echo(f"Error: {done.lost}", err=True)
    elif done.failed:
        echo(f"Error: {_of_failures(done)}", err=True)
    if not done.understood:
        click.get_current_context().exit(2)
    if done.failed or done.lost:
        click.get_current_context().exit(1)


batch.params[-1:-1] = _label_options


def _of_failures(batch: Batch) -> str:
    """Say in one line how many scenes failed, and why the first one did."""
    failed, first = len(batch.failed), batch.failed[0]
    others = f", and others, listed in {batch.path / 'summary.csv'}" if failed > 1 else ""
    return f"{failed} of {len(batch.rows)} scenes failed ({first.name}: {first.why}{others}): mend that, then go on"


def show_batch(batch: Batch) -> None:
    """Print the table of a batch, and where to look further."""
    show_rows(batch.path, batch.rows)
    echo(f"Look at {batch.path / 'index.html'}, or at one of them: special status {_first_run(batch)}")


def show_rows(path: Path, rows: list[Row]) -> None:
    """Print a line for every scene."""
    from special.cli.screen import show_table

    lines = [
        (
            row.name,
            row.state,
            "-" if row.seconds is None else f"{row.seconds:.0f}",
            "-" if row.confidence is None else f"{row.confidence:.2f}",
            row.why or _largest(row),
        )
        for row in rows
    ]
    show_table(str(path), ("scene", "state", "seconds", "mean confidence", ""), lines, right=(2, 3))


def _largest(row: Row) -> str:
    """The classes that take most of a map."""
    areas = sorted((area for area in row.areas if area["pixels"]), key=lambda area: -area["share"])
    return ", ".join(f"{area['name']} {area['share']:.0%}" for area in areas[:3])


def _first_run(batch: Batch) -> Path:
    return batch.path / next((row.run for row in batch.rows if row.state != "waiting"), "SCENE.special")
