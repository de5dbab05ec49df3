"""Which classes a run has: those of a list, or of a spectral library, and what of a list a library knows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from special.classnames.class_list import ClassList
from special.errors import ClassListError, SettingsError
from special.settings import Settings

if TYPE_CHECKING:
    from special.scene import Scene
    from special.training.image_dataset import ImageDataset

Classes = str | Path | ClassList | Iterable[str]
"""Names, or ``"Name | synonym: description"`` lines, or a file of such lines."""

_LIBRARY = "pseudo.spectrum_text"


def class_list_of(classes: Classes) -> ClassList:
    """Return a class list in any of its forms as one.

    Raises:
        ClassListError: it is none.
    """
    if isinstance(classes, ClassList):
        return classes
    return ClassList.read(classes) if isinstance(classes, str | Path) else ClassList.parse(classes)


def library_changes(library: str | Path | None, column: str | None) -> dict[str, Any]:
    """Return the settings that ``--library`` and ``--library-column`` stand for; a library by its whole path.

    Raises:
        SettingsError: a column is named without a library.
    """
    if library is None:
        if column is not None:
            raise SettingsError("--library-column is given without --library: name the spectral library")
        return {}
    changes = {"library": str(Path(library).resolve()), "library_column": column}
    return {f"{_LIBRARY}.{name}": value for name, value in changes.items() if value is not None}


def classes_or_library(classes: Classes | None, settings: Settings) -> tuple[ClassList, list[str]]:
    """Return the class list, or that of the spectral library in ``settings``, and what of it the library has.

    Raises:
        SpecialError: there is neither, or they do not fit each other.
    """
    library, column = (settings.values[f"{_LIBRARY}.{name}"] for name in ("library", "library_column"))
    if not library:
        if classes is None:
            raise ClassListError("there is no class list: give --classes FILE, or a library with --library")
        return class_list_of(classes), []
    from special.api.library import class_list_from, matched

    if "spectrum-text" not in settings.values["pseudo.teachers"]:
        raise SettingsError("--library is for the teacher spectrum-text, which pseudo.teachers does not name")
    found = class_list_from(library, column or None) if classes is None else class_list_of(classes)
    return found, matched(library, found, column or None)


def library_reach(scene: Scene | ImageDataset, settings: Settings) -> list[str]:
    """Return a sentence where a scene has bands far beyond the spectra of its library.

    Raises:
        SettingsError: all of its bands lie beyond.
    """
    from special.libraries.reading import read_library
    from special.scene import Scene
    from special.teachers.spectrum_text.regions import Regions

    library = settings.values[f"{_LIBRARY}.library"]
    if not library or not isinstance(scene, Scene):
        return []
    found = read_library(library)
    (low, high), nm = found.range_nm, scene.wavelengths
    if not len(Regions.of(nm, through_air=True).within(*found.reach_nm)):
        raise SettingsError(
            f"{library} has spectra from {low:.0f} to {high:.0f} nm, and the scene's bands lie at {nm[0]:.0f} to "
            f"{nm[-1]:.0f} nm: give a library of the same range"
        )
    beyond = int(((nm < found.reach_nm[0]) | (nm > found.reach_nm[1])).sum())
    if not beyond:
        return []
    return [f"The library reaches from {low:.0f} to {high:.0f} nm: {beyond} bands beyond have no say in the names."]
