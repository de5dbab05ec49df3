"""Where the scene or the images of a run come from, and what is in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from special.cache.directory import RunDirectory
from special.classnames.class_list import ClassList
from special.errors import SceneError
from special.storage import files

if TYPE_CHECKING:
    from special.scene import Scene
    from special.training.image_dataset import ImageDataset

ARRAY = "scene.npy"
HOW = ("key", "wavelengths", "sensor", "reader", "mask", "white", "dark", "axes")
"""What ``open_scene`` can be told of a file."""


@dataclass(frozen=True)
class SceneSource:
    """Where a run's scene comes from and how it is to be read.

    Attributes:
        path: the file; None for an array, which the run keeps as ``scene.npy``.
        key, sensor, reader, mask, white, dark, axes: as ``open_scene`` takes them; the references by their whole paths.
        wavelengths: nm for every band of the file, or ``"430:860"``; a CSV has been read already, so that it may go.
    """

    other: ClassVar[str] = "another scene"

    path: Path | None
    key: str | None = None
    wavelengths: str | tuple[float, ...] | None = None
    sensor: str | None = None
    reader: str | None = None
    mask: str | None = None
    white: str | None = None
    dark: str | None = None
    axes: str | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return "an array" if self.path is None else str(self.path)

    @property
    def stem(self) -> str:
        """What a run is named after."""
        return "scene" if self.path is None else self.path.stem

    def reopen(self, run: RunDirectory, classes: ClassList) -> Scene:
        """Open the scene of ``run`` again.

        Raises:
            SceneError: it is no longer there, or can no longer be understood.
        """
        from special.scene import Scene, open_scene

        if self.path is None:
            try:
                cube = np.load(run.path / ARRAY, mmap_mode="r", allow_pickle=False)
            except Exception:  # its header is Python, which has more ways to be wrong than can be listed
                raise SceneError(f"{run.path / ARRAY} is missing or damaged: label the array once more") from None
            return Scene.from_array(cube, np.array(self.wavelengths, dtype=np.float64))
        return open_scene(self.path, **{name: getattr(self, name) for name in HOW})


@dataclass(frozen=True)
class DatasetSource:
    """Where a run's images come from: a folder, and wavelengths as ``SceneSource`` has them."""

    other: ClassVar[str] = "other images"

    path: Path
    wavelengths: str | tuple[float, ...] | None = None

    @property
    def name(self) -> str:
        """How messages call it."""
        return str(self.path)

    @property
    def stem(self) -> str:
        """What a run is named after."""
        return self.path.name

    def open(self, classes: ClassList | None) -> ImageDataset:
        """Open the images of ``classes``; of all sub-folders when None.

        Raises:
            SpecialError: they cannot be understood.
        """
        from special.training.image_dataset import open_dataset

        return open_dataset(self.path, classes, self.wavelengths)

    def reopen(self, run: RunDirectory, classes: ClassList) -> ImageDataset:
        """Open the images again."""
        return self.open(classes)


def content_of(data: Scene | ImageDataset) -> dict[str, str]:
    """Return what is in a scene, as three hashes: its files, which bands at which wavelengths, its valid pixels.

    Of a data set of images, as one.
    """
    from special.scene import Scene

    if not isinstance(data, Scene):
        return {"files": data.content_hash()}
    bands = [data.wavelengths.tolist(), np.asarray(data.band_numbers).tolist(), data.scale_factor]
    return {
        "files": data.content_hash(),
        "bands": files.digest(bands),
        "valid pixels": hashlib.sha256(np.packbits(data.valid).tobytes()).hexdigest(),
    }


def georeference_of(data: Scene | ImageDataset) -> dict[str, Any] | None:
    """Return a scene's georeference as JSON; of one in sensor geometry, as ``ground``, that of its grid."""
    place = getattr(data, "georeference", None)
    if place is None:
        ground = ground_of(data)
        return None if ground is None else {"ground": ground}
    return {"crs_wkt": place.crs_wkt, "transform": None if place.transform is None else list(place.transform)}


def ground_of(data: Scene | ImageDataset) -> dict[str, Any] | None:
    """Return the grid on the ground of a scene in sensor geometry as JSON."""
    ground = getattr(data, "ground", None)
    if ground is None:
        return None
    place = ground.georeference
    transform = None if place.transform is None else list(place.transform)
    return {"crs_wkt": place.crs_wkt, "transform": transform, "shape": list(ground.shape), "how": ground.how}


def resolved_wavelengths(wavelengths: Any) -> str | tuple[float, ...] | None:
    """Return wavelengths (nm) in a form that outlives the file they came from: numbers, or a span as ``"430:860"``.

    Raises:
        SceneError: they cannot be read.
    """
    from special.scene.wavelengths import given_wavelengths

    given = given_wavelengths(wavelengths, None)
    if given is None:
        return None
    if given.span:
        return f"{given.span[0]!r}:{given.span[1]!r}"
    # JSON has no NaN; 0 means "this band has none" as well.
    return tuple(float(np.nan_to_num(nm)) for values in given.lists.values() for nm in values)
