"""Supervised use: fit a classifier to a scene's labels, or to whole images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from special.api.class_source import Classes
from special.api.opening import Wavelengths
from special.api.options import FitOptions, ImageFitOptions, takes
from special.api.prepare import prepare
from special.api.run import ImageRun, Run
from special.progress import SILENT, Progress


@takes(FitOptions)
def fit(
    scene: str | Path | np.ndarray,
    labels: str | Path | np.ndarray,
    classes: Classes,
    wavelengths: Wavelengths | None = None,
    *,
    progress: Progress = SILENT,
    **options: Any,
) -> Run:
    """Train a classifier on labelled pixels of a scene, keep it, and map the scene.

    A call that was interrupted goes on where it was.

    Args:
        scene: a file, or an array (rows, cols, bands), any unit.
        labels: label image, 1..K in the order of the classes, 0 = unlabelled: a file, or an array (rows, cols).
        classes: names, or ``"Name | synonym"`` lines, or a file of such lines.
        wavelengths: for scenes that lack them: a CSV file, ``"430:860"``, or numbers in nm, one per band.
        progress: who listens.
        options: the other fields of :class:`special.FitOptions`, which says what each means.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    job = prepare(FitOptions(scene=scene, labels=labels, classes=classes, wavelengths=wavelengths, **options))
    return Run(job.run.path, job.execute(progress=progress))


@takes(ImageFitOptions)
def fit_images(
    dataset: str | Path, out: str | Path | None = None, *, progress: Progress = SILENT, **options: Any
) -> ImageRun:
    """Train a classifier of images on a part of a data set, and test it on the rest.

    A call that was interrupted goes on where it was.

    Args:
        dataset: a folder with a sub-folder of cubes for every class.
        out: directory of the run; ``<dataset>.fit`` when None.
        progress: who listens.
        options: the other fields of :class:`special.ImageFitOptions`, which says what each means.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    job = prepare(ImageFitOptions(dataset=dataset, out=out, **options))
    return ImageRun(job.run.path, job.execute(progress=progress))
