"""What a question looks like: windows of the scene around it, as pictures that a page can hold."""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from special.answers.questions import Question
from special.answers.sheet.placement import outline

if TYPE_CHECKING:
    from PIL.Image import Image

# In pixels of the scene.
_AROUND = 0.8  # what is shown beyond an area on every side, as a share of its longer side
_NARROWEST, _WIDEST = 40, 160
_OVERVIEW = 480  # in pixels of the picture
_PHOTOGRAPH, _FINE = 90_000, 4_096  # pixels from which an overview, or a window, is compressed like one


@dataclass(frozen=True)
class Window:
    """A square part of a scene, or what the scene has of it: its corner and its size, in pixels."""

    top: int
    left: int
    high: int
    wide: int

    @classmethod
    def around(cls, question: Question, shape: tuple[int, int]) -> Window:
        """Return what shows the area of a question and what lies around it, in a scene of ``shape`` (rows, cols)."""
        first, last = question.area.min(axis=0), question.area.max(axis=0) + 1
        longer = int((last - first).max())
        size = min(max(math.ceil(longer * (1 + 2 * _AROUND)), _NARROWEST), _WIDEST)
        # A window that cannot hold the whole area shows the pixel in question.
        middle = (first + last) // 2 if longer <= size else np.array([question.row, question.col])
        high, wide = min(size, shape[0]), min(size, shape[1])
        top = min(max(int(middle[0]) - high // 2, 0), shape[0] - high)
        left = min(max(int(middle[1]) - wide // 2, 0), shape[1] - wide)
        return cls(top, left, high, wide)

    def cut(self, image: np.ndarray) -> np.ndarray:
        """Return this part of an image (rows, cols, ...)."""
        return image[self.top : self.top + self.high, self.left : self.left + self.wide]

    def outline(self, area: np.ndarray) -> str:
        """Return the outline of ``area``, int (n, 2), as a path of SVG whose unit is a pixel of this window."""
        # One pixel more on every side, so that the edge of the picture does not look like that of the area.
        near = (area >= (self.top - 1, self.left - 1)) & (area <= (self.top + self.high, self.left + self.wide))
        seen = area[near.all(axis=1)]
        rings = [ring for part in outline(seen).geoms for ring in (part.exterior, *part.interiors)]
        return "".join(
            "M" + "L".join(f"{x - self.left:g} {y - self.top:g}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
        )


def picture(image: np.ndarray) -> str:
    """Return an image, uint8 (rows, cols, 3), as the address of a PNG, or of a JPEG where it has many pixels."""
    from PIL import Image

    return _smaller(Image.fromarray(np.ascontiguousarray(image)), _FINE, quality=92, subsampling=0)


def overview(image: np.ndarray) -> str:
    """Return an image, uint8 (rows, cols, 3), made small, as the address of a PNG, or JPEG where that is much less."""
    from PIL import Image

    whole = Image.fromarray(image)
    if max(whole.size) > _OVERVIEW:
        whole.thumbnail((_OVERVIEW, _OVERVIEW), Image.Resampling.BOX)
    return _smaller(whole, _PHOTOGRAPH, quality=86)


def _smaller(image: Image, most: int, **jpeg: int) -> str:
    """Return an image as an address: as it is, or as a photograph where it has more than ``most`` pixels."""
    stream = io.BytesIO()
    kind, options = "png", dict[str, Any](optimize=True)
    if image.width * image.height > most:
        kind, options = "jpeg", dict[str, Any](jpeg)
    image.save(stream, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


@dataclass(frozen=True)
class Scale:
    """A bar that shows a length: ``share`` of the picture's width, and what it is: "50 m"."""

    share: float
    text: str

    @classmethod
    def of(cls, pixels: int, pixel_size: float, unit: str) -> Scale:
        """Return a bar of a round length, at most 40 % of ``pixels`` that are ``pixel_size`` of ``unit`` each."""
        most = 0.4 * pixels * pixel_size
        power = 10.0 ** math.floor(math.log10(most))
        length = max(step * power for step in (1, 2, 5) if step * power <= most)
        shown, unit = (length / 1000, "km") if unit == "m" and length >= 1000 else (length, unit)
        plural = "s" if unit in ("pixel", "unit") and shown != 1 else ""
        return cls(length / (pixels * pixel_size), f"{shown:g} {unit}{plural}")
