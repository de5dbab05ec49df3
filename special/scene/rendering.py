"""Pictures of a scene: three wavelengths as red, green and blue, stretched so that the eye sees them as colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from special.scene.air import is_radiance

if TYPE_CHECKING:
    from special.scene.scene import Scene

REACH_NM = 30.0
"""A colour is covered when some good band lies this near to it. Scenes that begin at 460 or 475 nm keep their blue; one
that begins in the near infrared has none, and a gap left by dropped bands is not bridged."""

TOGETHER, EACH, AUTO = "together", "each", "auto"
_GREY = 128
_LOOKED_AT = 4000  # pixels that tell radiance from reflectance


@dataclass(frozen=True)
class Stretch:
    """What becomes black and white.

    Attributes:
        low, high: quantiles of the valid pixels, 0 to 1.
        channels: ``together``: one black and one white for all, so that colours keep their hue; ``each``: every channel
            has its own; ``auto``: together for reflectance, each for radiance and raw numbers, whose channels differ by
            sunlight, haze and gain.
        gamma: of the picture, as photographs have one: values are raised to 1 / gamma.
    """

    low: float
    high: float
    channels: str = AUTO
    gamma: float = 1.0


def covers(wavelengths: np.ndarray, nm: float) -> bool:
    """Whether some band of ``wavelengths`` (bands,), nm, lies near enough to a colour."""
    return bool(np.abs(wavelengths - nm).min() <= REACH_NM)


def render(scene: Scene, nm: Sequence[float], stretch: Stretch) -> np.ndarray:
    """Return an image, uint8 (rows, cols, 3), of the wavelengths ``nm`` for red, green and blue; 0 at invalid pixels.

    Each colour is interpolated linearly between the bands on both sides of it; beyond the first or last band the
    nearest one is taken. A channel that is constant over the valid pixels becomes mid-grey where it is stretched alone.
    """
    weights = np.array([_weights(scene.wavelengths, one) for one in nm], dtype=np.float32)
    bands = np.flatnonzero(weights.any(axis=0))
    colours = np.empty((*scene.shape[:2], 3), dtype=np.float32)
    for rows in scene.windows():
        colours[rows] = scene.read(rows, bands=bands) @ weights[:, bands].T
    values = colours[scene.valid]  # (pixels, 3)
    together = stretch.channels == TOGETHER or (stretch.channels == AUTO and seen_without_air(scene))
    if together:
        shown = _stretched(values, stretch)
    else:
        shown = np.stack([_stretched(values[:, channel], stretch) for channel in range(3)], axis=1)
    image = np.zeros(colours.shape, dtype=np.uint8)
    image[scene.valid] = shown
    return image


def seen_without_air(scene: Scene) -> bool:
    """Whether a scene is reflectance: its file says so, or nothing of the air's absorptions is left in it."""
    if scene.known_reflectance:
        return True
    rows = np.flatnonzero(scene.valid.any(axis=1))
    if not len(rows):
        return True
    every = max(1, len(rows) * scene.shape[1] // _LOOKED_AT)
    found = [scene.read(slice(row, row + 1))[scene.valid[row : row + 1]] for row in rows[::every]]
    return not is_radiance(np.concatenate(found), scene.wavelengths)


def _weights(wavelengths: np.ndarray, nm: float) -> np.ndarray:
    """Share of each band (bands,) in the value at ``nm``; they sum to 1."""
    weights = np.zeros(len(wavelengths))
    above = int(np.searchsorted(wavelengths, nm))
    below = above - 1
    if below < 0 or above == len(wavelengths):
        weights[min(max(below, 0), len(wavelengths) - 1)] = 1.0
        return weights
    # Not zero: searchsorted gives wavelengths[below] < nm <= wavelengths[above].
    share = (nm - wavelengths[below]) / (wavelengths[above] - wavelengths[below])
    weights[below], weights[above] = 1.0 - share, share
    return weights


def _stretched(values: np.ndarray, stretch: Stretch) -> np.ndarray:
    """Return uint8 of the shape of ``values`` (...)."""
    if not values.size:
        return np.zeros(values.shape, np.uint8)
    low, high = (float(q) for q in np.quantile(values.astype(np.float64), (stretch.low, stretch.high)))
    if low == high:
        low, high = float(values.min()), float(values.max())  # nearly all the same: show what differs
    if low == high:
        return np.full(values.shape, _GREY, dtype=np.uint8)
    share = np.clip((values - low) / (high - low), 0, 1) ** (1 / stretch.gamma)
    return np.rint(255 * share).astype(np.uint8)
