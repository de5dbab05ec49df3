"""Geometry of the image-text teacher: windows over an enlarged image, and areas averaged back onto the scene.

An image enlarged by ``factor`` is never held in memory: each window is sampled from the original when it is needed,
and what lies beyond the image's edge is its mirror image, so any height and width works. Positions on the enlarged
image are counted in tokens (patches of the vision transformer); only part of the last token may lie on the image.
Crossing back to the scene averages areas, which drops the mirrored part: padding and cropping happen once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from special.progress import SILENT, Progress


def starts(length: int, window: int, stride: int) -> list[int]:
    """Return where windows of ``window`` tokens start so that ``length >= window`` tokens are covered."""
    last = length - window
    return [*range(0, last, stride), last]


def tent(window: int) -> np.ndarray:
    """Return float32 (window, window) weights that fall off from the middle, so that windows blend without a seam."""
    side = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1)).astype(np.float32)
    return np.outer(side, side) / side.max() ** 2


def area_weights(cells: int, tokens: int, extent: float) -> np.ndarray:
    """Return float64 (cells, tokens): what share of each cell lies on each token; rows sum to 1.

    ``cells`` equal cells span the first ``extent`` tokens (not necessarily a whole number) of ``tokens``.
    """
    edges = np.linspace(0.0, extent, cells + 1)
    left, right = edges[:-1, None], edges[1:, None]
    token = np.arange(tokens)[None, :]
    overlap = np.clip(np.minimum(right, token + 1) - np.maximum(left, token), 0.0, None)
    return overlap / overlap.sum(axis=1, keepdims=True)


def average_areas(values: np.ndarray, extent: tuple[float, float], shape: tuple[int, int]) -> np.ndarray:
    """Average ``values`` (h, w, K) over the cells of a grid of ``shape`` that spans the first ``extent`` of them.

    Every cell is a convex combination, so probabilities stay in [0, 1] and sum to 1 whether the grid is coarser or
    finer than the values (cubic decimation leaves that range).

    Returns:
        float32 (*shape, K).
    """
    down = area_weights(shape[0], values.shape[0], extent[0]).astype(np.float32)
    across = area_weights(shape[1], values.shape[1], extent[1]).astype(np.float32)
    # einsum without a path would multiply out (h, w, H, W).
    return np.einsum("Hh,Whk->HWk", down, np.einsum("Ww,hwk->Whk", across, values)).astype(np.float32)


def enlargement(size: tuple[int, int], side: int, most: float) -> float:
    """Return the factor, from 1 to ``most``, by which the shorter side of an image becomes ``side`` pixels at least."""
    return min(max(1.0, side / min(size)), most)


@dataclass(frozen=True)
class Tiling:
    """Windows over an image of ``size`` (rows, cols) pixels, any from 1 up, enlarged by ``factor``.

    ``patch`` is in pixels of the enlarged image; ``window`` and ``stride <= window`` are in tokens.
    """

    size: tuple[int, int]
    factor: float
    patch: int
    window: int
    stride: int

    @property
    def extent(self) -> tuple[float, float]:
        """How many tokens the image spans, down and across, as fractions."""
        down, across = (pixels * self.factor / self.patch for pixels in self.size)
        return down, across

    @property
    def grid(self) -> tuple[int, int]:
        """How many cells span the image, down and across: one for every token on it, and none smaller than a pixel."""
        down, across = (
            min(pixels, math.ceil(side - 1e-6)) for pixels, side in zip(self.size, self.extent, strict=True)
        )
        return down, across

    @property
    def tokens(self) -> tuple[int, int]:
        """How many whole tokens the windows cover, down and across: at least one window's."""
        # 224.00000000000003 pixels are 14 patches of 16, not 15.
        down, across = (max(self.window, math.ceil(side - 1e-6)) for side in self.extent)
        return down, across

    @property
    def corners(self) -> list[tuple[int, int]]:
        """The first token, row and column, of each window."""
        down, across = (starts(side, self.window, self.stride) for side in self.tokens)
        return [(top, left) for top in down for left in across]

    def pixels(self, image: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
        """Return one window of ``image`` (rows, cols, C), float32 (window * patch, window * patch, C)."""
        within = np.arange(self.window * self.patch) + 0.5
        rows, cols = ((start * self.patch + within) / self.factor - 0.5 for start in corner)
        return sample(image, rows, cols)


def walked(
    tiling: Tiling,
    classes: int,
    batch: int,
    classify: Callable[[int, list[tuple[int, int]]], np.ndarray],
    progress: Progress = SILENT,
) -> np.ndarray:
    """Walk over an image by windows and blend what is seen in them without a seam.

    Args:
        tiling: where the windows lie.
        classes: K.
        batch: windows that are classified together.
        classify: is given the number of the first of some windows, and their corners; returns probabilities of their
            tokens, (windows, h, w, K).
        progress: moves on by one for every window.

    Returns:
        float32 (h, w, K), a cell for each of ``tiling.tokens``: a convex combination of what the windows gave.
    """
    blended = np.zeros((*tiling.tokens, classes), np.float32)
    weight = np.zeros((*tiling.tokens, 1), np.float32)
    fall_off = tent(tiling.window)[:, :, None]
    corners = tiling.corners
    for first in range(0, len(corners), batch):
        some = corners[first : first + batch]
        for (top, left), probabilities in zip(some, classify(first, some), strict=True):
            at = np.s_[top : top + tiling.window, left : left + tiling.window]
            blended[at] += fall_off * probabilities
            weight[at] += fall_off
        progress.advance(len(some))
    return blended / weight


def sample(image: np.ndarray, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
    """Return ``image`` (H, W, C) at fractional positions, float32 (len(rows), len(cols), C), by cubic convolution.

    Positions are in pixels, 0 at the centre of the first; beyond the edges the image is mirrored. Cubic convolution
    with a = -0.5 (Keys 1981, equation 15) is what CLIP's own preprocessing uses.
    """
    row_index, row_weight = _taps(rows, image.shape[0])
    col_index, col_weight = _taps(cols, image.shape[1])
    left, right = col_index.min(), col_index.max() + 1
    strip = np.zeros((len(rows), right - left, image.shape[2]), np.float32)
    for tap in range(4):
        strip += row_weight[:, tap, None, None] * image[row_index[:, tap], left:right]
    out = np.zeros((len(rows), len(cols), image.shape[2]), np.float32)
    for tap in range(4):
        out += col_weight[None, :, tap, None] * strip[:, col_index[:, tap] - left]
    return out


def _taps(positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the four mirrored indices around each position and their weights, both (len(positions), 4)."""
    base = np.floor(positions)
    index = base[:, None].astype(np.int64) + np.arange(-1, 3)
    distance = np.abs(positions[:, None] - index)
    near = (1.5 * distance - 2.5) * distance**2 + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    weight = np.where(distance <= 1.0, near, np.where(distance < 2.0, far, 0.0)).astype(np.float32)
    index %= 2 * size
    return np.where(index >= size, 2 * size - 1 - index, index), weight
