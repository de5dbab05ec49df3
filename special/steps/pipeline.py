"""The steps of the pipeline, in order: what each reads, is made of, and leaves behind.

==========  =====================================================================================================
``rgb``     ``rgb.npy`` uint8 (rows, cols, 3) and ``rgb.png``, where the scene covers the visible
``pseudo``  ``probabilities.npy`` float32 (rows, cols, K), ``bvsb.npy``, ``part-TEACHER.npy`` for each teacher
``warmup``  ``probabilities.npy``, ``weights.safetensors``
``refine``  ``probabilities.npy``, ``weights.safetensors``, ``soft_labels.npy`` float32 (rows, cols, K)
``map``     ``map.npy``, ``confidence.npy``, ``probabilities.npy``, and the map as PNG, GeoTIFF and ENVI
==========  =====================================================================================================

A supervised run has other steps, ``FIT_STEPS``:

==========  =====================================================================================================
``split``   ``split.npy`` uint8 (rows, cols): 1 = learned from, 2 = kept for the test
``fit``     ``probabilities.npy``, ``model.safetensors`` and ``model.json``
``map``     as above
==========  =====================================================================================================

Each also leaves ``record.json``: figures about what happened, the same in every rerun. A step's ``version`` is raised
whenever its code, or code it calls, gives other results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.api.request import Request
from special.cache.step import Step
from special.settings import Settings
from special.steps.context import Work
from special.storage.files import save_array, save_json, save_tensors

if TYPE_CHECKING:
    from torch import nn

    from special.models.registry import Build, Recipe


def rgb(work: Work, folder: Path) -> None:
    """Interpolate the scene to RGB; a scene that does not cover the visible leaves none, and says so."""
    from special.scene.rgb import missing_colours, render

    settings = work.settings("rgb")
    image = render(work.scene, settings)
    missing = missing_colours(work.scene.wavelengths, settings)
    save_json(folder / "record.json", {"missing_colours": missing})
    if image is None:
        work.progress.say(f"The scene does not cover the visible (no {', '.join(missing)}): it has no RGB.")
        return
    from PIL import Image

    save_array(folder / "rgb.npy", image)
    Image.fromarray(image).save(folder / "rgb.png")


def pseudo(work: Work, folder: Path) -> None:
    """Ask the teachers and fuse their answers; say which classes cannot be told apart."""
    from special.teachers.fusion import pseudo_labels
    from special.teachers.spectrum_text.confusion import alike_pairs, as_json, told
    from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

    image = work.array("rgb", "rgb.npy") if work.has("rgb", "rgb.npy") else None
    teachers = work.teachers()
    result = pseudo_labels(
        work.scene, image, work.classes, teachers, work.settings("pseudo"), work.progress, work.scratch
    )
    names = work.classes.names
    alike = [
        pair
        for teacher in teachers
        if isinstance(teacher, SpectrumTextTeacher)
        for pair in alike_pairs(teacher, work.classes, work.scene.wavelengths)
    ]
    for line in told(alike, names):
        work.progress.say(line)
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "bvsb.npy", result.bvsb)
    for name, part in result.parts.items():
        save_array(folder / f"part-{name}.npy", part)
    save_json(folder / "record.json", {**result.record, "alike": as_json(alike, names)})


def warmup(work: Work, folder: Path) -> None:
    """Train the classifier on the pseudo-labels."""
    from special.training.checkpoint import Checkpoint
    from special.training.warmup import warmup

    result = warmup(
        work.scene,
        work.scene.valid,
        work.rows("pseudo", "probabilities.npy"),
        work.settings("warmup"),
        _classifier(work, tell=True),
        seed=work.seed,
        device=work.device,
        checkpoint=Checkpoint(work.checkpoints, work.key),
        scratch=work.scratch,
        progress=work.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", result.figures)


def refine(work: Work, folder: Path) -> None:
    """Split the predictions, soften the labels, train on."""
    from special.training.checkpoint import Checkpoint
    from special.training.refine import refine

    result = refine(
        work.scene,
        work.scene.valid,
        work.rows("warmup", "probabilities.npy"),
        work.tensors("warmup", "weights.safetensors"),
        work.settings("refine"),
        _classifier(work),
        seed=work.seed,
        device=work.device,
        checkpoint=Checkpoint(work.checkpoints, work.key),
        scratch=work.scratch,
        progress=work.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "soft_labels.npy", result.soft_labels)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", result.figures)


def split(work: Work, folder: Path) -> None:
    """Divide the labelled pixels into those that are learned from and those that are kept for the test."""
    from special.training.randomness import stage_generator
    from special.training.train_test_split import split

    generator = stage_generator(work.seed, "split")
    result = split(work.labels(), work.scene.valid, work.classes.names, work.settings("split"), generator)
    for note in result.notes:
        work.progress.say(note)
    save_array(folder / "split.npy", result.parts)
    save_json(folder / "record.json", result.figures)


def fit(work: Work, folder: Path) -> None:
    """Train the classifier on the labels."""
    from special.training.checkpoint import Checkpoint
    from special.training.saved_model import save_model
    from special.training.supervised import fit
    from special.training.train_test_split import TRAIN

    targets = np.eye(len(work.classes), dtype=np.float32)[np.maximum(work.labels() - 1, 0)]
    result = fit(
        work.scene.read(),
        work.scene.valid,
        targets,
        (work.array("split", "split.npy") == TRAIN).astype(np.float32),
        work.settings("fit"),
        _classifier(work, tell=True),
        seed=work.seed,
        device=work.device,
        checkpoint=Checkpoint(work.checkpoints, work.key),
        progress=work.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    document = save_model(folder, result, work)
    save_json(folder / "record.json", {**result.figures, "parameters": document["parameters"]})


def _map_of(source: str) -> Callable[[Work, Path], None]:
    """Return the step that makes the map of what the step ``source`` left."""

    def map_(work: Work, folder: Path) -> None:
        """Make the map of the probabilities, in every form."""
        from special.report.exports import write_map

        write_map(
            folder,
            work.rows(source, "probabilities.npy"),
            work.scene.valid,
            work.classes.names,
            work.scene.georeference,
            reject=work.settings("map").reject,
        )

    return map_


def recipe(settings: Callable[[str], Any]) -> Recipe:
    """Return the classifier that settings name; ``settings(section)`` gives a section as its dataclass."""
    from special.models.registry import Recipe

    return Recipe(
        settings("classifier").name, settings("model"), settings("s3fn"), settings("aligned"), settings("scan").backend
    )


def _classifier(work: Work, tell: bool = False) -> Build:
    """Return what makes the run's classifier; ``tell`` how many parameters it has where a text encoder is frozen."""
    chosen = recipe(work.settings)
    build = chosen.builder(work.meanings)

    def telling(bands: int, classes: int) -> nn.Module:
        model = build(bands, classes)
        if work.meanings is not None:
            trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
            frozen = work.meanings.encoder.parameters
            share = trained / (trained + frozen)
            work.progress.say(f"{chosen.name} trains {trained} parameters, {share:.2%} of all: {frozen} are frozen.")
        return model

    return telling if tell else build


def _other_classifiers(settings: Settings) -> tuple[str, ...]:
    """The sections of the classifiers that were not chosen."""
    chosen = {"mambahsi": "model", "aligned": "aligned"}.get(settings.values["classifier.name"], "s3fn")
    return tuple(section for section in ("model", "s3fn", "aligned") if section != chosen)


CLASSIFIER = {
    "classifier": "special.models.registry:ClassifierSettings",
    "model": "special.models.mambahsi:MambaHSISettings",
    "s3fn": "special.models.s3fn:S3FNSettings",
    "aligned": "special.models.aligned:AlignedSettings",
    "scan": "special.models.scan:ScanSettings",
}
# An input says what is read, and by whom; the backend changes bits alone.
_APART = ("classifier.texts", "classifier.encoder", "scan.backend")

STEPS: tuple[Step, ...] = (
    Step(
        name="rgb",
        version=1,
        function=rgb,
        settings={"rgb": "special.scene.rgb:RgbSettings"},
        inputs=("scene",),
        delivers=("rgb.png",),
    ),
    Step(
        name="pseudo",
        version=7,
        function=pseudo,
        upstream=("rgb",),
        settings={
            "pseudo": "special.teachers.fusion:FusionSettings",
            "pseudo.image_text": "special.teachers.image_text.teacher:ImageTextSettings",
            "pseudo.spectrum_text": "special.teachers.spectrum_text.teacher:SpectrumTextSettings",
        },
        apart=("pseudo.image_text.clip",),  # the teachers' identities say which weights it came to
        inputs=("scene", "classes", "seed", "teachers"),
    ),
    Step(
        name="warmup",
        version=2,
        function=warmup,
        upstream=("pseudo",),
        settings={"warmup": "special.training.warmup:WarmupSettings", **CLASSIFIER},
        apart=_APART,
        unused=_other_classifiers,
        inputs=("scene", "seed", "texts"),
    ),
    Step(
        name="refine",
        version=2,
        function=refine,
        upstream=("warmup",),
        settings={"refine": "special.training.refine:RefineSettings", **CLASSIFIER},
        apart=_APART,
        unused=_other_classifiers,
        inputs=("scene", "seed", "texts"),
    ),
    Step(
        name="map",
        version=1,
        function=_map_of("refine"),
        upstream=("refine",),
        settings={"map": "special.report.exports:MapSettings"},
        inputs=("scene", "georeference", "classes"),
        delivers=("map*", "confidence*", "probabilities*"),
    ),
)

NAMES: tuple[str, ...] = tuple(step.name for step in STEPS)

FIT_STEPS: tuple[Step, ...] = (
    Step(
        name="split",
        version=1,
        function=split,
        settings={"split": "special.training.train_test_split:SplitSettings"},
        inputs=("scene", "classes", "seed", "labels"),
        delivers=("split.npy",),
    ),
    Step(
        name="fit",
        version=1,
        function=fit,
        upstream=("split",),
        settings={"fit": "special.training.supervised:FitSettings", **CLASSIFIER},
        apart=_APART,
        unused=_other_classifiers,
        inputs=("scene", "classes", "seed", "labels", "texts"),
        delivers=("model.*",),
    ),
    replace(STEPS[-1], function=_map_of("fit"), upstream=("fit",)),
)


def steps_of(request: Request) -> Sequence[Step]:
    """Return the steps that a run has."""
    return STEPS if request.labels is None else FIT_STEPS
