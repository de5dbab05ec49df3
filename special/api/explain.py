"""What ``special classes`` calls: a class list, explained before anything is labelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.api.class_source import Classes, classes_or_library, library_changes
from special.api.opening import SceneOptions, Wavelengths, told
from special.settings import DEFAULT, load

if TYPE_CHECKING:
    from special.teachers.spectrum_text.explain import Explanation


def explain(
    classes: Classes | None,
    scene: str | Path | None = None,
    wavelengths: Wavelengths | None = None,
    *,
    key: str | None = None,
    sensor: str | None = None,
    reader: str | None = None,
    mask: str | None = None,
    white: str | Path | None = None,
    dark: str | Path | None = None,
    axes: str | None = None,
    pipeline: str | Path = DEFAULT,
    settings: Mapping[str, Any] | None = None,
    library: str | Path | None = None,
    library_column: str | None = None,
    concepts: Iterable[str | Path] = (),
    seed: int = 0,
) -> Explanation:
    """Say what each class name is understood as, and which classes cannot be told apart.

    Args:
        classes: names, or ``"Name | synonym: description"`` lines, or a file of such lines.
        scene: a file on whose bands and by whose calibration classes are compared; from 400 to 2400 nm when None.
        wavelengths: nm, one per band, (bands,); or a file, or ``"430:860"``.
        key, sensor, reader, mask, white, dark, axes: as :func:`special.label` takes them.
        pipeline, settings, concepts, seed: and so these.
        library, library_column: and so these; where it is given, ``classes`` may be None.

    Raises:
        SpecialError: something in the input cannot be understood; the message is one line and says what to do.
    """
    from special.classnames.prompts import open_clip_templates, read_templates
    from special.scene import open_scene
    from special.teachers.spectrum_text.explain import explain as explained
    from special.teachers.spectrum_text.settings import SpectrumTextSettings
    from special.teachers.spectrum_text.teacher import SpectrumTextTeacher

    resolved = load(pipeline, {**(settings or {}), **library_changes(library, library_column)})
    class_list = classes_or_library(classes, resolved)[0]
    templates = read_templates(str(resolved.values["pseudo.image_text.templates"]))
    how = SceneOptions(
        wavelengths=wavelengths, key=key, sensor=sensor, reader=reader, mask=mask, white=white, dark=dark, axes=axes
    )
    opened = None if scene is None else open_scene(scene, **told(how))
    own = resolved.build(SpectrumTextSettings)
    teacher = SpectrumTextTeacher(own, seed=seed, concepts=[Path(path) for path in concepts])
    return explained(class_list, teacher, templates, len(open_clip_templates()), opened)
