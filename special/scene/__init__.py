"""Scenes: hyperspectral cubes from the files that the field uses, with their wavelengths and valid pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from special.scene.readers.formats import open_source
from special.scene.scene import Georeference, Scene
from special.scene.wavelengths import centres_of, given_wavelengths

__all__ = ["Georeference", "Scene", "open_scene"]


def open_scene(
    path: str | Path,
    *,
    key: str | None = None,
    wavelengths: str | Path | Sequence[float] | np.ndarray | None = None,
    sensor: str | None = None,
) -> Scene:
    """Open a hyperspectral scene: MATLAB, ENVI, GeoTIFF or ``.npy``, as its content says.

    ``key`` names the array in a ``.mat`` file of several. ``wavelengths`` (a CSV file, ``"430:860"``, or numbers
    (bands,) in nm or micrometres) or ``sensor`` (such as ``"aviris"``) stand in for wavelengths that the file lacks,
    and beat those it has. The file is read once through, block by block, to find its bad bands and invalid pixels.

    Raises:
        SceneError: the file or its wavelengths cannot be understood; the message says what to do.
    """
    path = Path(path)
    given = given_wavelengths(wavelengths, sensor)
    source = open_source(path, key, given.lists if given else ())
    centres, notes = centres_of(source, given)
    return Scene(source, centres, notes=notes)
