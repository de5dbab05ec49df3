"""The steps ``split`` and ``fit`` of a supervised run: a classifier learns from labels that are taken for true."""

from __future__ import annotations

from pathlib import Path

from special.cache.step import Step
from special.steps.context import CLASSIFIER_APART, CLASSIFIER_SECTIONS, SceneContext
from special.storage.files import save_array, save_json
from special.training.balanced_sampling import OneHotTargets
from special.training.randomness import stage_generator
from special.training.settings import FitSettings, SplitSettings
from special.training.train_test_split import TRAIN, train_test_split
from special.version import versions

MODEL_SECTIONS = ("classifier", "fit", "split")
"""The settings that travel with a model, beside those of its classifier."""


def _split(context: SceneContext, folder: Path) -> None:
    """Divide the labelled pixels into those that are learned from and those that are kept for the test."""
    generator = stage_generator(context.seed, "split")
    result = train_test_split(
        context.labels(), context.scene.valid, context.classes.names, context.settings(SplitSettings), generator
    )
    for note in result.notes:
        context.progress.say(note)
    save_array(folder / "split.npy", result.parts)
    save_json(folder / "record.json", result.figures)


def _fit(context: SceneContext, folder: Path) -> None:
    """Train the classifier on the labels."""
    from special.training.saved_model import save_model
    from special.training.supervised import fit

    result = fit(
        context.scene,
        context.scene.valid,
        OneHotTargets(context.labels() - 1, len(context.classes)),
        context.array("split", "split.npy") == TRAIN,
        context.settings(FitSettings),
        context.builder(announce=True),
        seed=context.seed,
        device=context.device,
        checkpoint=context.checkpoint,
        scratch=context.scratch,
        progress=context.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    document = save_model(
        folder,
        result,
        classifier=context.classifier.name,
        classes=context.classes,
        wavelengths=context.scene.wavelengths,
        settings=context.values.of(*MODEL_SECTIONS, context.classifier.settings_type.section),
        meanings=context.meanings,
        seed=context.seed,
        content=context.content,
        versions=versions(),
    )
    save_json(folder / "record.json", {**result.figures, "parameters": document["parameters"]})


SPLIT = Step(
    name="split",
    version=1,
    function=_split,
    summary="Divide the labelled pixels into those that are learned from and those that are kept for the test.",
    settings=(SplitSettings,),
    inputs={"scene": "the scene", "classes": "the class list", "seed": "the seed", "labels": "the labels"},
    delivers=("split.npy",),
)

FIT = Step(
    name="fit",
    version=1,
    function=_fit,
    summary="Train the classifier on the labels.",
    upstream=("split",),
    settings=(FitSettings, *CLASSIFIER_SECTIONS),
    chosen=("classifier",),
    apart=CLASSIFIER_APART,
    inputs={
        "scene": "the scene",
        "classes": "the class list",
        "seed": "the seed",
        "labels": "the labels",
        "texts": "what the classifier reads",
    },
    delivers=("model.*",),
)
