"""The pictures of a scene that an image-text model is shown: renderings, each turned by quarters of a turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from special.scene.rendering import EACH, Stretch, covers, render

if TYPE_CHECKING:
    from special.scene.scene import Scene

RGB, INFRARED = "rgb", "infrared"
RENDERINGS = (RGB, INFRARED)


@dataclass(frozen=True)
class View:
    """A picture float32 (rows, cols, 3), 0 to 255, turned counterclockwise by so many quarters."""

    image: np.ndarray
    quarters: int

    def upright(self, grid: np.ndarray) -> np.ndarray:
        """Return a grid (h, w, K) over the picture as it lies over the scene."""
        return np.rot90(grid, -self.quarters)


def colour_infrared(scene: Scene, nm: Sequence[float], stretch: Stretch) -> np.ndarray | None:
    """Return colour infrared as uint8 (rows, cols, 3), near infrared shown as red; None where the scene lacks a band.

    Channels are stretched each on its own: infrared outshines the visible.
    """
    if not all(covers(scene.wavelengths, one) for one in nm):
        return None
    return render(scene, nm, replace(stretch, channels=EACH))


def turned(images: Sequence[np.ndarray], valid: np.ndarray, quarters: int) -> Iterator[Callable[[], View]]:
    """Yield what makes the views of ``images`` (rows, cols, 3), uint8, one at a time: each in ``quarters`` directions.

    ``valid`` (rows, cols): other pixels get the mean colour.
    """
    for image in images:
        for turn in range(quarters):
            yield lambda image=image, turn=turn: View(  # type: ignore[misc]
                np.ascontiguousarray(np.rot90(without_holes(image, valid), turn)), turn
            )


def without_holes(rgb: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return an image (rows, cols, 3) as float32 with the mean colour where it is not ``valid`` (rows, cols).

    A black hole would be seen as something.
    """
    image = rgb.astype(np.float32)
    if valid.any() and not valid.all():
        image[~valid] = image[valid].mean(axis=0)
    return image
