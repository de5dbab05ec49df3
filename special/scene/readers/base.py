"""What a reader is: the interface that ours and those of other distributions share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.source import Source

HEAD_BYTES = 4096
"""How much of a file the readers are shown, to recognise it by."""

# Precedences. A product is a layout inside a generic format, so both recognise it and the product knows more; what only
# a neighbouring file tells is the weakest sign, as that file may belong to another one of the same name.
PRODUCT, FORMAT, NEIGHBOUR = 10, 50, 90


@dataclass(frozen=True)
class ReadOptions:
    """What the user said about a file.

    Attributes:
        key: which of several arrays in the file is meant, by its name; None when the user named none.
        band_counts: the numbers of bands that the user's wavelengths fit; they help to tell which axis the bands are.
            Empty when no wavelengths were given, or those given fit any number of bands.
    """

    key: str | None = None
    band_counts: Collection[int] = ()


class Reader(ABC):
    """Recognises the files of a format and opens them.

    It keeps nothing between two files: the entry point names one object, which serves all of them.

    Attributes:
        name: what the entry point and ``--reader`` call it, "envi".
        reads: what messages say it reads, "ENVI (header and raw file)".
        precedence: of the readers that recognise a file, the one with the lowest opens it: ``PRODUCT``, ``FORMAT``,
            ``NEIGHBOUR`` or a number between them.
        named_arrays: whether a file may hold several cubes, of which ``--key`` names one.
    """

    name: str
    reads: str
    precedence: int = FORMAT
    named_arrays: bool = False

    @abstractmethod
    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether this reader can open ``path``: ``head`` is its first 4096 bytes, or b"" of a folder.

        It is asked about every file that is opened, so it decides quickly and imports nothing large.
        """

    @abstractmethod
    def open(self, path: Path, options: ReadOptions) -> Source:
        """Describe the cube or image in a file, without reading its pixels.

        Also called for files that ``recognises`` was not asked about, when the user named this reader.

        Raises:
            SceneError: the file cannot be understood; the message says what to do.
        """

    def labels(self, path: Path, shape: tuple[int, int], options: ReadOptions) -> tuple[np.ndarray, float | None]:
        """Return the label image (rows, cols) of a ground truth as stored, and its nodata value.

        ``shape`` is the scene's (rows, cols). This is the single band of what ``open`` gives; a format that can hold
        several images chooses among them by ``shape`` and ``options.key``.

        Raises:
            SceneError: the file cannot be understood, holds several bands, or has another shape.
        """
        source = self.open(path, options)
        rows, cols, bands = source.shape
        if bands != 1:
            raise SceneError(f"{path} has {bands} bands: the truth must be one band of labels")
        if (rows, cols) != shape:
            size = f"{shape[0]} x {shape[1]}"
            raise SceneError(f"{path} is {rows} x {cols} but the scene is {size} pixels: give the truth of this scene")
        return source.read_block(slice(0, rows), slice(0, cols), np.arange(1))[:, :, 0], source.nodata
