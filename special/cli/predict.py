"""``special predict``: a fitted model on another scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from special.cli.echo import echo
from special.cli.options import device_option, quiet_option, workers_options
from special.cli.scene_options import scene_options

_EPILOG = """\b
Examples:
  special predict scene.fit other.hdr
  special predict scene.fit/model.safetensors other.mat --wavelengths wavelengths.csv --out other
  special predict aligned.fit other.hdr --classes others.txt
  special predict scene.fit large.hdr --workers 8
"""


@click.command(epilog=_EPILOG)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("scene", type=click.Path(path_type=Path))
@scene_options
@click.option(
    "--out", metavar="FOLDER", type=click.Path(path_type=Path), help="Folder to make.  [SCENE's stem.predicted]"
)
@click.option(
    "--classes",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Other classes than MODEL was fitted with; for the classifier aligned, whose head is text.",
)
@click.option("--descriptions", metavar="FILE|curated|names", help="What is said about those.  [as in the fit]")
@click.option("--offline", is_flag=True, help="Never ask the network.")
@device_option
@click.option(
    "--reject",
    metavar="P",
    type=float,
    default=0.0,
    show_default=True,
    help="Leave pixels at 0 whose class is less probable than this.",
)
@workers_options
@click.option("--force", is_flag=True, help="Replace what FOLDER holds.")
@quiet_option
def predict(model: Path, scene: Path, device: str | None, quiet: bool, **options: Any) -> None:
    """Map SCENE with MODEL, which special fit has made from a scene of the same sensor.

    MODEL is the RUN that special fit made, or its model.safetensors with model.json beside it. Other bands than the
    model's are resampled where the ranges overlap. A model of images, of special fit --dataset, says what SCENE shows.
    """
    from special.api.predict import ImagePrediction
    from special.api.predict import predict as predicted
    from special.cli.screen import Screen

    with Screen(quiet) as screen:
        done = predicted(model, scene, device=device or "auto", progress=screen, **options)
    if isinstance(done, ImagePrediction):
        echo(f"{scene}: {done.label}, with {done.shares[done.label]:.0%} of {done.cubes} votes")
    elif not quiet:
        echo(f"{done.path}: map.png, map.tif, map_envi.hdr, map.npy, confidence.tif, probabilities.npy")
