"""Scenes of one sensor read as one, one below the other: ``together.json``, as ``special batch --together`` has it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import PRODUCT, Reader, ReadOptions
from special.scene.source import Source
from special.storage.files import load_json

if TYPE_CHECKING:
    from special.scene.scene import Scene

KIND = "scenes together"
GAP = 8
"""Rows without data between two scenes: what looks around a pixel is not to see another place."""


@dataclass(frozen=True)
class Member:
    """A scene of several: its pixels begin at ``first`` row of all.

    ``bands`` int (bands,): positions of its good bands that all scenes have; ``gain``, ``offset`` float32 (bands,):
    what makes its numbers those of the reference.
    """

    name: str
    scene: Scene
    first: int
    bands: np.ndarray
    gain: np.ndarray
    offset: np.ndarray

    @property
    def rows(self) -> slice:
        """Its rows, of all."""
        return slice(self.first, self.first + self.scene.shape[0])


@dataclass(frozen=True)
class Together:
    """Reads several scenes as one; ``members`` from top to bottom, ``cols`` of the widest."""

    members: tuple[Member, ...]
    cols: int

    def __call__(self, rows: slice, cols: slice, bands: np.ndarray) -> np.ndarray:
        """Read a block, float32 (rows, cols, bands), own numbers: NaN where there is no scene, or no data in it."""
        block = np.full((rows.stop - rows.start, cols.stop - cols.start, len(bands)), np.nan, np.float32)
        for member in self.members:
            top, bottom = max(rows.start, member.rows.start), min(rows.stop, member.rows.stop)
            right = min(cols.stop, member.scene.shape[1])
            if top >= bottom or right <= cols.start:
                continue
            part = member.scene.read(
                slice(top - member.first, bottom - member.first), slice(cols.start, right), bands=member.bands[bands]
            )
            part *= member.gain[bands]
            part += member.offset[bands]
            block[top - rows.start : bottom - rows.start, : right - cols.start] = part
        return block

    def masked(self, rows: slice) -> np.ndarray:
        """Return bool (rows, cols): where there is no scene, or no data in it."""
        mask = np.ones((rows.stop - rows.start, self.cols), dtype=bool)
        for member in self.members:
            top, bottom = max(rows.start, member.rows.start), min(rows.stop, member.rows.stop)
            if top < bottom:
                own = member.scene.valid[top - member.first : bottom - member.first]
                mask[top - rows.start : bottom - rows.start, : own.shape[1]] = ~own
        return mask


def open_members(path: Path) -> tuple[Member, ...]:
    """Open the scenes that ``path`` lists.

    Raises:
        SceneError: it is no such list, or one of them cannot be opened or has changed its bands.
    """
    from special.scene.scene import open_scene

    try:
        document = load_json(path)
        listed = [_fields(one) for one in document["scenes"]]
        if document["special"] != KIND or not listed:
            raise KeyError("special")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SceneError(
            f"{path} lists no scenes to be read together ({error}): special batch --together does"
        ) from None
    members, first = [], 0
    for name, where, how, numbers, gain, offset in listed:
        scene = open_scene(where, **how)
        at = np.searchsorted(np.sort(scene.band_numbers), numbers)
        order = np.argsort(scene.band_numbers, kind="stable")
        bands = order[np.minimum(at, len(order) - 1)]
        if not np.array_equal(scene.band_numbers[bands], numbers):
            raise SceneError(f"{where} has other good bands than when {path} was written: start over with --force")
        members.append(Member(name, scene, first, bands, gain, offset))
        first += scene.shape[0] + GAP
    return tuple(members)


def _fields(one: dict[str, Any]) -> tuple[str, str, dict[str, Any], np.ndarray, np.ndarray, np.ndarray]:
    numbers = np.array(one["bands"], dtype=np.intp)
    gain, offset = (np.array(one[name], dtype=np.float32) for name in ("gain", "offset"))
    if not gain.shape == offset.shape == numbers.shape:
        raise ValueError("gain and offset are of other bands")
    return str(one["name"]), str(one["path"]), dict(one["how"]), numbers, gain, offset


class TogetherReader(Reader):
    """Reads scenes of one sensor as one."""

    name = "together"
    reads = "scenes labelled together (together.json)"
    understands = "what `special batch --together` writes: scenes of one sensor, one below the other, in one radiometry"
    precedence = PRODUCT
    signatures = ((0, b'{\n  "special": "scenes together"'),)

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Open all of them.

        Raises:
            SceneError: one of them cannot be opened.
        """
        members = open_members(path)
        scenes = [member.scene for member in members]
        cols = max(scene.shape[1] for scene in scenes)
        reader = Together(members, cols)
        first = members[0]
        return Source(
            path=path,
            format="scenes together",
            shape=(members[-1].rows.stop, cols, len(first.bands)),
            dtype=np.dtype(np.float32),
            read_block=reader,
            files=(path, *(file for scene in scenes for file in scene.files)),
            wavelengths=first.scene.wavelengths[first.bands],
            fwhm=None if first.scene.fwhm is None else first.scene.fwhm[first.bands],
            is_reflectance=all(scene.known_reflectance for scene in scenes),
            mask=reader.masked,
            sensor=first.scene.sensor,
            notes=(f"{len(scenes)} scenes are read as one",),
            warnings=tuple(dict.fromkeys(line for scene in scenes for line in scene.warnings)),
        )


TOGETHER = TogetherReader()
