"""Scene, map and confidence as pictures that a page can hold, a picture of each pixel or of blocks of them."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from special.report.overview import block_side, mean_of_blocks, mode_of_blocks

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 1_000_000
"""Of a picture; a larger scene is shown by blocks."""

LEVELS = 64
"""Of the confidence, from 0 to 1: more cannot be told apart, and would not be packed as well."""

# In bytes, before they are written as text, which takes four thirds of that. Together they are 4.9 MB, so that all
# pictures take 6.6 of the 8 MB that the page may have.
_SCENE_BYTES, _MAP_BYTES = 1_500_000, 950_000
_LOSSLESS = 300_000  # pixels up to which a scene is shown exactly
_QUALITIES = (92, 85, 75, 60, 40)  # of JPEG, the best one that is small enough


@dataclass(frozen=True)
class Picture:
    """A picture as the address of an image. ``key``: for the script; ``title``: what is shown."""

    key: str
    title: str
    src: str


@dataclass(frozen=True)
class Layers:
    """What can be laid over each other.

    Attributes:
        rows, cols: of the scene. side: of the blocks of pixels that a pixel of the pictures shows.
        scene: one or more pictures of the scene. map, confidence: of the map.
        colours: ``#rrggbb`` of each class in ``map``, no two the same.
        levels: ``#rrggbb`` of the confidence, from 0 to 1, in ``confidence``.
    """

    rows: int
    cols: int
    side: int
    scene: Sequence[Picture]
    map: Picture
    confidence: Picture
    colours: Sequence[str]
    levels: Sequence[str]


def layers_of(
    renderings: Sequence[tuple[str, NDArray[np.uint8]]],
    labels: NDArray[Any],
    confidence: NDArray[Any],
    colours: NDArray[np.uint8],
) -> Layers:
    """Draw the layers.

    Args:
        renderings: (title, picture of the scene, uint8 (rows, cols, 3)), one or two.
        labels: whole numbers (rows, cols), 1..K, 0 = no data or rejected.
        confidence: float32 (rows, cols), 0 where there is no data.
        colours: uint8 (K, 3), sRGB.
    """
    rows, cols = labels.shape
    side = block_side(labels.shape, MOST_PIXELS)
    apart, levels = unlike(colours), confidence_colours()
    shown = labels if side == 1 else mode_of_blocks(labels, side, side, len(colours))
    sure = np.where(shown > 0, mean_of_blocks(confidence, side), 0)
    level = np.where(shown > 0, 1 + np.rint(sure * (LEVELS - 1)), 0).astype(np.uint8)
    return Layers(
        rows,
        cols,
        side,
        [
            Picture(f"scene-{i}", title, _photograph(_smaller(image, side)))
            for i, (title, image) in enumerate(renderings)
        ],
        Picture("map", "Map", _flat(shown, apart)),
        Picture("confidence", "Confidence", _flat(level, levels)),
        [f"#{bytes(colour).hex()}" for colour in apart],
        [f"#{bytes(colour).hex()}" for colour in levels],
    )


def map_picture(labels: NDArray[Any], colours: NDArray[np.uint8]) -> str:
    """Return a map (rows, cols), 1..K and 0 for nothing, in ``colours`` uint8 (K, 3) as the address of a picture."""
    side = block_side(labels.shape, MOST_PIXELS)
    return _flat(labels if side == 1 else mode_of_blocks(labels, side, side, len(colours)), colours)


def unlike(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return colours (K, 3) of which no two are the same: a class list may give several classes one.

    What is changed is too little to be seen, and tells which class a pixel of the picture has.
    """
    taken: set[bytes] = set()
    result = colours.copy()
    for colour in result:
        step = 0
        start = colour.astype(int)
        while bytes(colour) in taken:
            step += 1
            change = np.array([step % 8, step // 8 % 8, step // 64])
            colour[:] = np.where(start > 127, start - change, start + change)
        taken.add(bytes(colour))
    return result


def confidence_colours() -> NDArray[np.uint8]:
    """Return colours (LEVELS, 3) from 0 to 1, told apart by those who see no red or no green: cividis.

    Source: Nuñez, Anderton and Renslow 2018, doi 10.1371/journal.pone.0199239.
    """
    from matplotlib import colormaps

    return np.rint(255 * colormaps["cividis"](np.linspace(0, 1, LEVELS))[:, :3]).astype(np.uint8)


def _smaller(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture of a scene, uint8 (rows, cols, 3), by blocks."""
    return image if side == 1 else np.rint(mean_of_blocks(image, side)).astype(np.uint8)


def _photograph(image: NDArray[np.uint8]) -> str:
    """Return a picture of a scene, uint8 (rows, cols, 3), as an address: exact where it is small, else as JPEG."""
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(image))
    if image.shape[0] * image.shape[1] <= _LOSSLESS:
        return _address(_packed(picture, "png", optimize=True), "png")
    packed = b""
    for quality in _QUALITIES:
        packed = _packed(picture, "jpeg", quality=quality, subsampling=0)
        if len(packed) <= _SCENE_BYTES:
            break
    return _address(packed, "jpeg")


def _flat(values: NDArray[Any], colours: NDArray[np.uint8]) -> str:
    """Return whole numbers (rows, cols), 1..n, in ``colours`` (n, 3) as the address of an exact picture; 0 is clear.

    One that will not be packed small enough is shown by blocks of its own.
    """
    packed = _exact(values, colours)
    side = 1
    while len(packed) > _MAP_BYTES:
        side = max(side + 1, math.isqrt(len(packed) // _MAP_BYTES))
        packed = _exact(mode_of_blocks(values, side, side, len(colours)), colours)
    return _address(packed, "png")


def _exact(values: NDArray[Any], colours: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    if len(colours) < 256:
        picture = Image.fromarray(values.astype(np.uint8), "P")
        picture.putpalette(bytes(3) + colours.tobytes())
        return _packed(picture, "png", optimize=True, transparency=0)
    table = np.zeros((len(colours) + 1, 4), np.uint8)
    table[1:, :3], table[1:, 3] = colours, 255
    return _packed(Image.fromarray(table[values]), "png", optimize=True)


def _packed(picture: Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _address(packed: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(packed).decode()}"
