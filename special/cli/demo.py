"""``special demo``: the main job on a scene that comes with the package, or rather is made by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from special.cli.echo import echo
from special.cli.options import device_option, quiet_option

_EPILOG = """\b
Examples:
  special demo
  special demo --out elsewhere --seed 7
  special demo --rows 200 --cols 300 --bands 224 --classes 9 --out larger
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path("special-demo"),
    show_default=True,
    help="Folder to make.",
)
@click.option(
    "--rows", metavar="N", type=click.IntRange(min=8), default=80, show_default=True, help="Rows of the scene."
)
@click.option(
    "--cols", metavar="N", type=click.IntRange(min=8), default=100, show_default=True, help="Columns of the scene."
)
@click.option(
    "--bands", metavar="N", type=click.IntRange(min=8), default=120, show_default=True, help="Bands, 400 to 2450 nm."
)
@click.option(
    "--classes", metavar="N", type=click.IntRange(2, 11), default=6, show_default=True, help="Kinds of land cover."
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, another scene."
)
@device_option
@quiet_option
def demo(out: Path, device: str | None, quiet: bool, **options: Any) -> None:
    """Simulate a small scene, label it, and say how well the map agrees with the truth.

    It works offline and needs no other file: no CLIP is asked for. A simulated scene shows that the installation works;
    how accurate maps of real ground are, only real ground truth can tell.
    """
    from special.api.demo import demo as demonstrate
    from special.cli.evaluate import show_steps
    from special.cli.screen import Screen, show_areas, show_map, show_outcomes

    with Screen(quiet) as screen:
        done = demonstrate(out, device=device or "auto", progress=screen, **options)
    if quiet:
        return
    files, run = done.files, done.run
    show_outcomes(run)
    show_areas(run)
    show_map(run)
    echo()
    show_steps(done.evaluation)
    echo(
        "These figures show that the installation works. They say nothing of real ground: the scene is simulated.\n\n"
        f"The report:       {run.path / 'report.html'}\n"
        f"The map:          {run.path / 'map.png'} (map.tif for QGIS and GDAL, map_envi.hdr for ENVI, map.npy)\n"
        f"Class by class:   special evaluate {run.path} --truth {files.truth}\n"
        f"The same by hand: special label {files.scene} --classes {files.classes} --clip none\n"
        "Your own scene:   special label SCENE --classes classes.txt"
    )
