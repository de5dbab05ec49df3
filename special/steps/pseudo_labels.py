"""The step ``pseudo``: the teachers read the class names and give every pixel class probabilities, and are fused.

Source: SPECIAL (arXiv 2501.16222), first stage, which has one teacher, CLIP. What the teachers are and how they are
fused is in ``special.teachers``.
"""

from __future__ import annotations

from pathlib import Path

from special.cache.step import Step
from special.steps.context import SceneContext
from special.storage.files import save_array, save_json
from special.teachers.fusion import FusionSettings


def _run(context: SceneContext, folder: Path) -> None:
    """Ask the teachers and fuse their answers; say how the names are read, and which classes cannot be told apart."""
    from special.teachers import understanding
    from special.teachers.confusion import messages, to_json
    from special.teachers.fusion import pseudo_labels

    image = context.array("rgb", "rgb.npy") if context.has("rgb", "rgb.npy") else None
    teachers = context.teachers()
    read = [name for teacher in teachers for name in teacher.understood(context.classes)]
    for line in understanding.messages(read):  # before the minutes that follow are spent on a misunderstanding
        context.progress.say(line)
    result = pseudo_labels(
        context.scene,
        image,
        context.classes,
        teachers,
        context.settings(FusionSettings),
        context.progress,
        context.scratch,
    )
    names = context.classes.names
    confused = [
        pair for teacher in teachers for pair in teacher.confused_pairs(context.classes, context.scene.wavelengths)
    ]
    for line in messages(confused, names):
        context.progress.say(line)
    save_array(folder / "probabilities.npy", result.probabilities)
    save_array(folder / "bvsb.npy", result.bvsb)
    for teacher in teachers:
        teacher.leave(folder)
    for name, part in result.parts.items():
        save_array(folder / f"part-{name}.npy", part)
    said = {**understanding.to_json(read), "alike": to_json(confused, names)}
    save_json(folder / "record.json", {**result.record, **said})


STEP = Step(
    name="pseudo",
    version=12,
    function=_run,
    summary="Make the pseudo-labels of RUN again, and what follows them.",
    examples=("special pseudo", "special pseudo scene.special --set pseudo.image_text.clip=none --until pseudo"),
    upstream=("rgb",),
    settings=(FusionSettings,),
    chosen=("teachers",),
    # The teachers' identities say who was asked, and by which library.
    apart=(
        "pseudo.teachers",
        "pseudo.image_text.clip",
        "pseudo.dense_text.model",
        "pseudo.concept_segments.model",
        "pseudo.spectrum_text.library",
        "pseudo.spectrum_text.library_column",
        "pseudo.spectrum_text.library_beside",
    ),
    inputs={"scene": "the scene", "classes": "the class list", "seed": "the seed", "teachers": "the teachers"},
)
