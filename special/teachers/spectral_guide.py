"""What pixels of a scene are compared by: the leading principal components of all its bands.

Not the RGB: most edges of land cover are clearer in the infrared.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from special.passes import HERE, Passes
from special.storage.rasters import MEMORY, Rows, ScratchSpace

if TYPE_CHECKING:
    from special.scene.scene import Scene

_VALUES_AT_ONCE = 1 << 22
"""How many numbers one chunk of rows may hold: 16 MB as float32."""


def spectral_guide(scene: Scene, components: int, scratch: ScratchSpace = MEMORY, passes: Passes = HERE) -> Rows:
    """Project the scene's spectra onto their leading principal components, reading it by windows of rows.

    Args:
        scene: the scene.
        components: how many components to keep, at most the number of bands.
        scratch: where the guide goes, by the name "guide".
        passes: who looks at the windows.

    Returns:
        float32 (rows, cols, min(components, bands)), 0 where invalid, scaled so that the median distance of valid
        pixels from the mean spectrum is 1: a scene's outliers do not set the unit.
    """
    rows, cols, bands = scene.shape
    components = min(components, bands)
    chunk = max(1, _VALUES_AT_ONCE // (cols * bands))
    parts = [slice(top, min(top + chunk, rows)) for top in range(0, rows, chunk)]
    guide = scratch.zeros("guide", (rows, cols, components))
    count, total, products = 0, np.zeros(bands), np.zeros((bands, bands))
    seen = [part for part in parts if scene.valid[part].any()]
    if not seen:
        return guide
    # Sums around a spectrum of the scene, not around 0: no digits are lost on a small variance.
    origin = scene.read(rows=seen[0])[scene.valid[seen[0]]].astype(np.float64).mean(axis=0)
    for found, sums, squares in passes.over(seen, partial(_sums, scene, origin)):
        count += int(found)
        total += sums
        products += squares
    mean = total / count
    _, axes = np.linalg.eigh(products / count - np.outer(mean, mean))
    leading = axes[:, ::-1][:, :components].astype(np.float32)
    centre = (origin + mean).astype(np.float32)
    distances, start = np.empty(count, np.float32), 0
    projections = passes.over(parts, partial(_projected, scene, centre, leading))
    for part, projected in zip(parts, projections, strict=True):
        guide[part] = projected
        own = np.linalg.norm(projected[scene.valid[part]], axis=1)
        distances[start : start + len(own)] = own
        start += len(own)
    unit = np.median(distances, overwrite_input=True)
    if unit > 0:
        for part in parts:
            guide[part] = guide[part] / unit
    return guide


def _sums(scene: Scene, origin: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many valid pixels () a window has, their sum (bands,) and their products, around ``origin``."""
    spectra = scene.read(rows=rows)[scene.valid[rows]].astype(np.float64)
    spectra -= origin
    return np.array(len(spectra)), spectra.sum(axis=0), spectra.T @ spectra


def _projected(scene: Scene, centre: np.ndarray, leading: np.ndarray, rows: slice) -> np.ndarray:
    """Return a window's valid pixels on the ``leading`` axes (bands, components), float32, 0 elsewhere."""
    seen = scene.valid[rows]
    projected = np.zeros((*seen.shape, leading.shape[1]), np.float32)
    projected[seen] = (scene.read(rows=rows)[seen] - centre) @ leading
    return projected
