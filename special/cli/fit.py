"""``special fit``: the same classifiers, learning from labelled pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from special.cli.classifier_options import classifier_options
from special.cli.options import device_option, dry_run_option, quiet_option, seed_option, set_option
from special.cli.scene_options import scene_options

if TYPE_CHECKING:
    from special.api.run import ImageRun

_EPILOG = """\b
Examples:
  special fit scene.hdr --labels gt.mat --classes classes.txt
  special fit scene.hdr --labels plots.gpkg --classes classes.txt
  special fit scene.hdr --labels gt.mat --classes classes.txt --classifier s3fn --train-per-class 20
  special fit scene.hdr --labels gt.mat --classes classes.txt --train-fraction 0.1 --split disjoint --out apart.fit
  special evaluate scene.fit --truth gt.mat
  special predict scene.fit other.hdr
  special fit --dataset fruit --classifier s3fn --out fruit.fit
"""


@click.command(epilog=_EPILOG)
@click.argument("scene", type=click.Path(path_type=Path), required=False)
@click.option(
    "--labels",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Label image of the scene's size: 1 for the first class, 0 where nothing is known.",
)
@click.option("--labels-key", metavar="NAME", help="Array or field that holds the labels, where a file has several.")
@click.option("--classes", metavar="FILE", type=click.Path(path_type=Path), help="The class list.")
@click.option(
    "--dataset",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Learn from images in place of SCENE: a sub-folder of cubes for every class.",
)
@classifier_options
@click.option("--train-per-class", metavar="N", type=click.IntRange(min=1), help="Learn from N pixels a class.  [10]")
@click.option("--train-fraction", metavar="SHARE", type=float, help="Learn from this share of each class's pixels.")
@click.option(
    "--split",
    type=click.Choice(["random", "disjoint"]),
    help="Draw them at random, or in clumps that the test pixels stay away from.  [random]",
)
@scene_options
@click.option("--out", metavar="RUN", type=click.Path(path_type=Path), help="Directory to make.  [SCENE's stem.fit]")
@click.option("--pipeline", metavar="NAME|FILE", help="Settings of every step.  [the classifier's]")
@set_option
@click.option("--offline", is_flag=True, help="Never ask the network.")
@device_option
@seed_option
@click.option("--reject", metavar="P", type=float, help="Leave pixels at 0 whose class is less probable than this.")
@dry_run_option
@click.option("--force", is_flag=True, help="Forget what RUN holds, even of another scene.")
@quiet_option
def fit(
    scene: Path | None,
    labels: Path | None,
    classes: Path | None,
    dataset: Path | None,
    changes: tuple[str, ...],
    device: str | None,
    dry_run: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a classifier on labelled pixels of SCENE, keep it, and map the scene; or on whole images.

    What is left in RUN: the model (model.safetensors, model.json), the map, and which pixels were learned from.
    special evaluate RUN then reports on the others alone; special predict RUN maps other scenes of the same sensor.

    With --dataset, every image shows one thing: cubes that are drawn from it are classified, the majority decides. The
    figures printed are those of images that were not learned from; votes.json holds the vote on each.
    """
    from special.api.options import FitOptions, ImageFitOptions, RunOptions
    from special.api.prepare import prepare
    from special.api.run import ImageRun, Run
    from special.cli.screen import Screen, show_outcomes, show_plan, show_result
    from special.settings import parse_changes

    options |= {"settings": parse_changes(changes), "device": device or "auto"}
    if dataset is not None:
        given = (("SCENE", scene), ("--labels", labels), ("--split", options["split"]), ("--mask", options["mask"]))
        others = ((f"--{name}", options[name]) for name in ("white", "dark", "axes"))
        for name, value in (*given, *others):
            if value is not None:
                raise click.UsageError(f"--dataset learns from whole images: leave {name} out")
        for name in ("labels_key", "key", "sensor", "reader", "mask", "white", "dark", "axes", "split", "reject"):
            options.pop(name)
        asked: RunOptions = ImageFitOptions(dataset=dataset, classes=classes, **options)
    elif scene is None or labels is None or classes is None:
        raise click.UsageError("give SCENE with --labels and --classes, or --dataset")
    else:
        asked = FitOptions(scene=scene, labels=labels, classes=classes, **options)
    job = prepare(asked)
    if dry_run:
        show_plan(job.run.path, job.plan(), job.request.settings.notes)
        return
    with Screen(quiet) as screen:
        outcomes = job.execute(progress=screen)
    if quiet:
        return
    run = Run(job.run.path, outcomes) if dataset is None else ImageRun(job.run.path, outcomes)
    show_outcomes(run)
    if isinstance(run, ImageRun):
        _show_scores(run)
    else:
        show_result(run)


def _show_scores(run: ImageRun) -> None:
    """Print how well the images are told apart that were not learned from."""
    from special.cli.screen import show_table

    figures = [f"{run.scores[name]:.4f}" for name in ("oa", "aa", "kappa")]
    title = f"{run.path}: {run.count('test')} test images, {run.count('train')} learned from"
    show_table(title, ("OA", "AA", "kappa"), [figures])
