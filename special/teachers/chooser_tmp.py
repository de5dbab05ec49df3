"""Who makes the pseudo-labels: the teachers, and how a run gets them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from special.progress import Progress
    from special.settings import Settings
    from special.teachers.base import Teacher


def choose(
    settings: Settings,
    *,
    clip: str,
    offline: bool,
    concepts: Sequence[Path],
    device: str,
    seed: int,
    progress: Progress,
) -> list[Teacher]:
    """Make the teachers of a run, the spectrum-text teacher first.

    Args:
        settings: of the pipeline.
        clip: the image-text model: ``"auto"``, ``"none"``, or one to have or to fail.
        offline: never ask the network.
        concepts: the user's concept files.
        device: where the image-text model computes.
        seed: of the run.
        progress: told of a download, and why ``"auto"`` found no model.

    Raises:
        WeightsError: a model was asked for by name and cannot be had, or the sentence encoder is missing.
        SettingsError: a concept file or a setting cannot be used.
    """
    import platformdirs

    from special.classnames.encoder import default_encoder
    from special.landcover.concepts import load_concepts
    from special.teachers.image_text.teacher import ImageTextSettings, ImageTextTeacher
    from special.teachers.image_text.weights import find_clip
    from special.teachers.spectrum_text.teacher import SpectrumTextSettings, SpectrumTextTeacher

    teachers: list[Teacher] = [
        SpectrumTextTeacher(
            load_concepts(concepts),
            default_encoder(),
            settings.build(SpectrumTextSettings),
            seed,
        )
    ]
    loaded, reason = find_clip(clip, offline=offline, device=device, progress=progress)
    if loaded is not None:
        cache = Path(platformdirs.user_cache_dir("special-hsi", appauthor=False)) / "class-texts"
        teachers.append(ImageTextTeacher(loaded, settings.build(ImageTextSettings), cache))
    elif reason:
        progress.say(reason)
    return teachers
