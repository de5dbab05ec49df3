"""Opens a scene as the user has told it to be understood, for whichever command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.answers.answers import Answers
from special.answers.grid import Grid
from special.api.request import labels_hash
from special.api.source import HOW, DatasetSource, SceneSource, resolved_wavelengths
from special.classnames.class_list import ClassList
from special.errors import SceneError
from special.settings import Settings

if TYPE_CHECKING:
    from special.scene import Scene
    from special.training.image_dataset import ImageDataset

Wavelengths = str | Path | Sequence[float] | np.ndarray
"""For scenes that lack them: a CSV file, ``"430:860"``, or numbers in nm, one per band, (bands,)."""


@dataclass(frozen=True, kw_only=True)
class SceneOptions:
    """How a scene is to be understood.

    Attributes:
        wavelengths: for scenes that lack them: a CSV file, ``"430:860"``, or numbers in nm, one per band.
        key: name of the cube in a file of several arrays. sensor: one whose nominal wavelengths to take.
        reader: name of the reader of the file; told by the file's content when None.
        mask: which masks of a product leave pixels out, ``"cloud,shadow"`` or ``"none"``; clouds when None.
        white, dark: references that make reflectance of raw numbers; those beside the scene when None, or ``"none"``.
        axes: what the axes of a stored array are, ``"row,band,col"``; told by its file when None.
    """

    wavelengths: Wavelengths | None = None
    key: str | None = None
    sensor: str | None = None
    reader: str | None = None
    mask: str | None = None
    white: str | Path | None = None
    dark: str | Path | None = None
    axes: str | None = None


@dataclass(frozen=True)
class Opened:
    """What options come to.

    Attributes:
        data: the scene or the data set, open. source: how to open it again.
        classes: the class list.
        array: the cube (rows, cols, bands) of a scene that is no file.
        labels: int32 (rows, cols), 1..K, 0 = unlabelled.
        answers: what a user has said of places in the scene.
        notes: what was understood of the classes, the labels and the answers, and what masks have left out.
    """

    data: Scene | ImageDataset
    source: SceneSource | DatasetSource
    classes: ClassList
    array: np.ndarray | None = None
    labels: np.ndarray | None = None
    answers: Answers | None = None
    notes: tuple[str, ...] = ()

    @property
    def labels_hash(self) -> str | None:
        """The SHA-256 of the labels, where there are any."""
        return None if self.labels is None else labels_hash(self.labels)


def open_input(scene: str | Path | np.ndarray, how: SceneOptions, classes: ClassList) -> Opened:
    """Open a file or an array (rows, cols, bands), of any unit, as a scene.

    Raises:
        SceneError: it cannot be understood.
    """
    from special.scene import Scene, open_scene
    from special.scene.masks import NODATA

    given = _plain(how.wavelengths)
    if isinstance(scene, np.ndarray):
        if given is None or isinstance(given, str | Path):
            raise SceneError("an array has no wavelengths of its own: give wavelengths=[...], one per band, in nm")
        if not (how.mask is None and how.white is None and how.dark is None):
            raise SceneError("an array has no masks and no references: mask and scale it before")
        if how.axes is not None:
            raise SceneError("an array has rows, columns and bands in this order: transpose it before")
        opened = Scene.from_array(scene, given)
        numbers = tuple(float(np.nan_to_num(nm)) for nm in given)
        return Opened(opened, SceneSource(None, wavelengths=numbers), classes, scene, notes=classes.notes)
    kept = None if how.sensor else resolved_wavelengths(given)
    white, dark = (_whole(reference) for reference in (how.white, how.dark))
    source = SceneSource(Path(scene).resolve(), how.key, kept, how.sensor, how.reader, how.mask, white, dark, how.axes)
    opened = open_scene(scene, **told(how) | {"wavelengths": given})
    left_out = [str(mask) for mask in opened.masked if mask.used and mask.pixels and mask.name != NODATA]
    notes = (f"Left out by the product's masks: {', '.join(left_out)}; --mask says which.",) if left_out else ()
    return Opened(opened, source, classes, notes=(*classes.notes, *notes))


def refuse_where_nothing_is_known(scene: Scene | ImageDataset, settings: Settings) -> None:
    """Make sure that the spectrum-text teacher knows what land cover reflects in any of a scene's bands.

    Raises:
        SceneError: they all lie elsewhere, in the thermal infrared for instance.
    """
    from special.scene import Scene
    from special.teachers.spectrum_text.regions import WINDOWS

    if not isinstance(scene, Scene) or "spectrum-text" not in settings.values["pseudo.teachers"]:
        return
    nm = scene.wavelengths
    if not any(((nm >= low) & (nm < high)).any() for low, high in WINDOWS):
        raise SceneError(
            f"the bands of {scene.path or 'the array'} lie at {nm[0]:.0f} to {nm[-1]:.0f} nm, and what land cover "
            f"reflects is known from {WINDOWS[0][0]:.0f} to {WINDOWS[-1][1]:.0f} nm: check the wavelengths' unit"
        )


def told(how: SceneOptions | SceneSource) -> dict[str, Any]:
    """Return what ``open_scene`` is told of a file, by the names of its arguments."""
    return {name: getattr(how, name) for name in HOW}


def grid_of(scene: Scene | ImageDataset) -> Grid:
    """Return the pixels of an open scene."""
    from special.scene import Scene

    assert isinstance(scene, Scene)
    rows, cols, _ = scene.shape
    return Grid((rows, cols), scene.georeference, scene.valid, scene.content_hash)


def _plain(wavelengths: Wavelengths | None) -> str | Path | Sequence[float] | None:
    return [float(nm) for nm in wavelengths] if isinstance(wavelengths, np.ndarray) else wavelengths


def _whole(reference: str | Path | None) -> str | None:
    """Return the whole path of a reference, so that a run finds it again from another folder."""
    return None if reference is None else "none" if str(reference) == "none" else str(Path(reference).resolve())
