"""From coarse probabilities to pixels, guided by the scene's own spectra.

A joint bilateral upsampling (Kopf et al. 2007): each pixel takes a mean of the coarse cells around it, weighted by
distance on the ground and by how alike the spectra are (``special.teachers.spectral_guide``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np

from special.settings import Within
from special.storage.rasters import Rows
from special.teachers.image_text.sliding_windows import area_weights
from special.teachers.spectral_guide import spectral_guide

if TYPE_CHECKING:
    from special.scene.scene import Scene

_VALUES_AT_ONCE = 1 << 22
"""How many numbers one chunk of rows may hold: 16 MB as float32."""


@dataclass(frozen=True)
class GuideSettings:
    """What the teachers that see coarse cells share: how pixels take theirs from them."""

    guide_components: Annotated[int, Within(1, 1000)]
    guide_space: Annotated[float, Within(above=0, high=100)]
    guide_likeness: Annotated[float, Within(above=0, high=100)]


def onto_pixels(coarse: np.ndarray, scene: Scene, settings: GuideSettings, out: Rows) -> Rows:
    """Bring class probabilities of a coarse grid to the pixels of a scene, following the edges of its spectra.

    Args:
        coarse: probabilities (h, w, K); the grid spans the whole scene.
        scene: the scene.
        settings: of the teacher.
        out: float32 (rows, cols, K), what the result is written to.

    Returns:
        ``out``, as ``upsample`` fills it.
    """
    return upsample(
        coarse,
        spectral_guide(scene, settings.guide_components)[:],
        sigma_space=settings.guide_space,
        sigma_guide=settings.guide_likeness,
        valid=scene.valid,
        out=out,
    )


def upsample(
    coarse: np.ndarray,
    guide: np.ndarray,
    *,
    sigma_space: float,
    sigma_guide: float,
    valid: np.ndarray | None = None,
    out: Rows | None = None,
) -> Rows:
    """Bring class probabilities of a coarse grid to pixels, following the edges of ``guide``.

    Args:
        coarse: probabilities (h, w, K), h <= rows and w <= cols; the grid spans the whole scene.
        guide: float32 (rows, cols, channels), finite at valid pixels.
        sigma_space: standard deviation of the distance weight, in coarse cells.
        sigma_guide: standard deviation of the likeness weight, in units of ``guide``.
        valid: bool (rows, cols); everything when None. Invalid pixels lend nothing to their cell.
        out: float32 (rows, cols, K), what the result is written to; an array is made when None.

    Returns:
        float32 (rows, cols, K): a convex combination of cells, so it stays in [0, 1] and sums to 1; 0 where invalid.
    """
    rows, cols, channels = guide.shape
    height, width, classes = coarse.shape
    valid = np.ones((rows, cols), bool) if valid is None else valid
    cell_guide, cell_known = _cell_means(guide, valid, (height, width))
    reach = max(1, int(np.ceil(2 * sigma_space)))
    steps = np.arange(1 - reach, reach + 1)
    row_position = (np.arange(rows) + 0.5) * height / rows - 0.5
    col_position = (np.arange(cols) + 0.5) * width / cols - 0.5
    out = np.zeros((rows, cols, classes), np.float32) if out is None else out
    chunk = max(1, _VALUES_AT_ONCE // (cols * max(len(steps) ** 2, channels, classes)))
    for top in range(0, rows, chunk):
        part = slice(top, min(top + chunk, rows))
        pixels = np.where(valid[part, :, None], guide[part], 0.0).astype(np.float32)
        neighbours = []
        logs = []
        for row_step in steps:
            cell_row = np.floor(row_position[part]).astype(np.int64) + row_step
            for col_step in steps:
                cell_col = np.floor(col_position).astype(np.int64) + col_step
                inside = ((cell_row >= 0) & (cell_row < height))[:, None] & ((cell_col >= 0) & (cell_col < width))
                at = np.ix_(np.clip(cell_row, 0, height - 1), np.clip(cell_col, 0, width - 1))
                distance = (row_position[part] - cell_row)[:, None] ** 2 + (col_position - cell_col)[None, :] ** 2
                contrast = ((pixels - cell_guide[at]) ** 2).sum(axis=2)
                log = -distance / (2 * sigma_space**2) - contrast / (2 * sigma_guide**2)
                logs.append(np.where(inside & cell_known[at], log, -np.inf).astype(np.float32))
                neighbours.append(at)
        # Weights relative to the largest: a pixel unlike all its neighbours still follows the most alike one.
        stack = np.stack(logs)
        peak = stack.max(axis=0)
        weights = np.exp(stack - np.where(np.isfinite(peak), peak, 0.0))
        total = weights.sum(axis=0)
        mean = np.zeros((*total.shape, classes), np.float32)
        for weight, at in zip(weights, neighbours, strict=True):
            mean += weight[:, :, None] * coarse[at]
        mean /= np.where(total > 0, total, 1.0)[:, :, None]
        mean[~valid[part]] = 0.0
        out[part] = mean
    return out


def _cell_means(guide: np.ndarray, valid: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the guide's mean over the valid pixels of each cell (h, w, channels), and which cells have any (h, w)."""
    down = area_weights(shape[0], guide.shape[0], guide.shape[0]).astype(np.float32)
    across = area_weights(shape[1], guide.shape[1], guide.shape[1]).astype(np.float32)
    share = down @ valid.astype(np.float32) @ across.T
    known = share > 0
    seen = np.where(valid[:, :, None], guide, 0.0).astype(np.float32)
    means = np.stack([down @ seen[:, :, channel] @ across.T for channel in range(guide.shape[2])], axis=2)
    return means / np.where(known, share, 1.0)[:, :, None], known
