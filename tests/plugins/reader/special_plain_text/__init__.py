"""A reader of a made-up format: a cube as plain text.

The first line is ``PLAINCUBE rows cols bands``, the second has the wavelength of every band in nm, and the rest are the
values, those of a pixel together and the pixels row by row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.errors import SceneError
from special.scene.readers.base import ArrayBlockReader, Reader, ReadOptions
from special.scene.source import Source


class PlainCubeReader(Reader):
    """Reads PLAINCUBE text."""

    name = "plaincube"
    reads = "PLAINCUBE text"
    signatures = ((0, b"PLAINCUBE "),)

    def open(self, path: Path, options: ReadOptions) -> Source:
        """Read the whole text: such files are small."""
        try:
            first, second, *rest = path.read_text(encoding="ascii").splitlines()
            rows, cols, bands = (int(word) for word in first.split()[1:])
            wavelengths = np.array(second.split(), dtype=np.float64)
            cube = np.array(" ".join(rest).split(), dtype=np.float32).reshape(rows, cols, bands)
        except (OSError, ValueError) as error:
            raise SceneError(f"{path} cannot be read as PLAINCUBE text ({error}): write it again") from None
        return Source(
            path=path,
            format="PLAINCUBE",
            shape=cube.shape,
            dtype=cube.dtype,
            read_block=ArrayBlockReader(cube, (0, 1, 2)),
            files=(path,),
            wavelengths=wavelengths,
        )


PLAINCUBE = PlainCubeReader()
