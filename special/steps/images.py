"""The steps of a run that learns from whole images: ``split``, ``fit`` and ``vote``.

Source: S3FN (arXiv 2510.07556), image-level classification: cubes of an image are classified, the majority decides.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from special.cache.step import Step
from special.report import metrics
from special.steps.context import CLASSIFIER_APART, CLASSIFIER_SECTIONS, ImagesContext
from special.storage.files import save_array, save_json
from special.training.classifier import with_cube_size
from special.training.image_dataset import draw_training_images
from special.training.randomness import stage_generator
from special.training.settings import CubeSettings
from special.version import versions


def _split(context: ImagesContext, folder: Path) -> None:
    """Draw the images that are learned from; the others are kept for the test."""
    result = draw_training_images(
        context.images.labels,
        context.classes,
        context.settings(CubeSettings),
        stage_generator(context.seed, "dataset"),
    )
    save_array(folder / "split.npy", result.trained)
    save_json(folder / "record.json", result.figures)


def _fit(context: ImagesContext, folder: Path) -> None:
    """Train the classifier on cubes of the images."""
    from special.training.image_cubes import fit_images
    from special.training.saved_model import save_model

    settings = with_cube_size(context.values)
    result = fit_images(
        context.images.scenes,
        context.images.labels,
        context.array("split", "split.npy"),
        len(context.classes),
        context.settings(CubeSettings),
        replace(context, values=settings).builder(announce=True),
        seed=context.seed,
        device=context.device,
        checkpoint=context.checkpoint,
        progress=context.progress,
    )
    save_model(
        folder,
        result,
        classifier=context.classifier.name,
        classes=context.classes,
        wavelengths=result.wavelengths,
        settings=settings.of("classifier", "cubes", context.classifier.settings_type.section),
        meanings=context.meanings,
        seed=context.seed,
        content={"images": context.content["scene"]},
        versions=versions(),
    )
    save_json(folder / "record.json", result.figures)


def _vote(context: ImagesContext, folder: Path) -> None:
    """Vote on every image, and hold the votes on those that were kept for the test against their classes."""
    from special.training.image_votes import vote_on_images
    from special.training.saved_model import Model

    images, classes = context.images, context.classes
    trained = context.array("split", "split.npy")
    model = Model.read(context.payload("fit", "model.safetensors"))
    votes = vote_on_images(model, images.scenes, device=context.device, progress=context.progress)
    found = np.array([vote.label for vote in votes])
    scores = metrics.evaluate(1 + found[None], np.where(trained, 0, 1 + images.labels)[None], classes.names)
    entries = [
        {
            "file": sample.path.relative_to(images.path).as_posix(),
            "class": classes.names[sample.label],
            "part": "train" if learned else "test",
            **vote.to_json(classes),
        }
        for sample, learned, vote in zip(images.samples, trained.tolist(), votes, strict=True)
    ]
    save_json(folder / "votes.json", {"test": scores.to_json(), "images": entries})
    save_json(folder / "record.json", {"oa": scores.oa, "aa": scores.aa, "kappa": scores.kappa})


_INPUTS = {"scene": "the data set", "classes": "the class list", "seed": "the seed"}

SPLIT = Step(
    name="split",
    version=1,
    function=_split,
    summary="Draw the images that are learned from; the others are kept for the test.",
    settings=(CubeSettings,),
    inputs=_INPUTS,
)

FIT = Step(
    name="fit",
    version=1,
    function=_fit,
    summary="Train the classifier on cubes of the images.",
    upstream=("split",),
    settings=(CubeSettings, *CLASSIFIER_SECTIONS),
    chosen=("classifier",),
    apart=CLASSIFIER_APART,
    inputs={**_INPUTS, "texts": "what the classifier reads"},
    delivers=("model.*",),
)

VOTE = Step(
    name="vote",
    version=1,
    function=_vote,
    summary="Vote on every image.",
    upstream=("split", "fit"),
    settings=(CubeSettings,),
    inputs=_INPUTS,
    delivers=("votes.json",),
)
