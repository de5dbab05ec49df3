"""The steps of the pipeline, in order: what each reads, is made of, and leaves behind.

==========  =====================================================================================================
``rgb``     ``rgb.npy`` uint8 (rows, cols, 3) and ``rgb.png``, where the scene covers the visible
``pseudo``  ``probabilities.npy`` float32 (rows, cols, K), ``bvsb.npy``, ``part-TEACHER.npy`` for each teacher
``warmup``  ``probabilities.npy``, ``weights.safetensors``
``refine``  ``probabilities.npy``, ``weights.safetensors``, ``soft_labels.npy`` float32 (rows, cols, K)
``map``     ``map.npy``, ``confidence.npy``, ``probabilities.npy``, and the map as PNG, GeoTIFF and ENVI
==========  =====================================================================================================

Each also leaves ``record.json``: figures about what happened, the same in every rerun. A step's ``version`` is raised
whenever its code, or code it calls, gives other results.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from special.run.files import save_array, save_json, save_tensors
from special.run.step import Step
from special.run.work import Work

if TYPE_CHECKING:
    from special.learn.train import Build


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
    from special.teachers.alike import alike_pairs, as_json, told
    from special.teachers.fuse import pseudo_labels
    from special.teachers.spectrum_text import SpectrumTextTeacher

    image = work.array("rgb", "rgb.npy") if work.has("rgb", "rgb.npy") else None
    teachers = work.teachers()
    result = pseudo_labels(work.scene, image, work.classes, teachers, work.settings("pseudo"), work.progress, work.room)
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
    from special.learn.checkpoint import Checkpoint
    from special.learn.warmup import warmup

    result = warmup(
        work.scene,
        work.scene.valid,
        work.rows("pseudo", "probabilities.npy"),
        work.settings("warmup"),
        _classifier(work),
        seed=work.seed,
        device=work.device,
        checkpoint=Checkpoint(work.checkpoints, work.key),
        room=work.room,
        progress=work.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", result.figures)


def refine(work: Work, folder: Path) -> None:
    """Split the predictions, soften the labels, train on."""
    from special.learn.checkpoint import Checkpoint
    from special.learn.refine import refine

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
        room=work.room,
        progress=work.progress,
    )
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "soft_labels.npy", result.soft_labels)
    save_tensors(folder / "weights.safetensors", result.state_dict)
    save_json(folder / "record.json", result.figures)


def map_(work: Work, folder: Path) -> None:
    """Make the map of the refined probabilities, in every form."""
    from special.report.exports import write_map

    write_map(
        folder,
        work.rows("refine", "probabilities.npy"),
        work.scene.valid,
        work.classes.names,
        work.scene.georeference,
        reject=work.settings("map").reject,
    )


def _classifier(work: Work) -> Build:
    from special.models.mambahsi import MambaHSI

    settings, scan = work.settings("model"), work.settings("scan").backend
    return lambda bands, classes: MambaHSI(bands, classes, settings, scan)


_CLASSIFIER = {"model": "special.models.mambahsi:MambaHSISettings", "scan": "special.models.scan:ScanSettings"}

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
        version=3,
        function=pseudo,
        upstream=("rgb",),
        settings={
            "pseudo": "special.teachers.fuse:FusionSettings",
            "pseudo.image_text": "special.teachers.image_text:ImageTextSettings",
            "pseudo.spectrum_text": "special.teachers.spectrum_text:SpectrumTextSettings",
        },
        apart=("pseudo.image_text.clip",),  # the teachers' identities say which weights it came to
        inputs=("scene", "classes", "seed", "teachers"),
    ),
    Step(
        name="warmup",
        version=2,
        function=warmup,
        upstream=("pseudo",),
        settings={"warmup": "special.learn.warmup:WarmupSettings", **_CLASSIFIER},
        apart=("scan.backend",),
        inputs=("scene", "seed"),
    ),
    Step(
        name="refine",
        version=2,
        function=refine,
        upstream=("warmup",),
        settings={"refine": "special.learn.refine:RefineSettings", **_CLASSIFIER},
        apart=("scan.backend",),
        inputs=("scene", "seed"),
    ),
    Step(
        name="map",
        version=1,
        function=map_,
        upstream=("refine",),
        settings={"map": "special.report.exports:MapSettings"},
        inputs=("scene", "georeference", "classes"),
        delivers=("map*", "confidence*", "probabilities*"),
    ),
)

NAMES: tuple[str, ...] = tuple(step.name for step in STEPS)
