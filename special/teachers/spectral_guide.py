"""What pixels of a scene are compared by: the leading principal components of all its bands.

Not the RGB: most edges of land cover are clearer in the infrared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from special.storage.rasters import MEMORY, Rows, ScratchSpace

if TYPE_CHECKING:
    from special.scene.scene import Scene

_VALUES_AT_ONCE = 1 << 22
"""How many numbers one chunk of rows may hold: 16 MB as float32."""


def spectral_guide(scene: Scene, components: int, scratch: ScratchSpace = MEMORY) -> Rows:
    """Project the scene's spectra onto their leading principal components, reading it by windows of rows.

    Args:
        scene: the scene.
        components: how many components to keep, at most the number of bands.
        scratch: where the guide goes, by the name "guide".

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
    origin: np.ndarray | None = None
    for part in parts:
        spectra = scene.read(rows=part)[scene.valid[part]].astype(np.float64)
        if len(spectra):
            # Sums around a spectrum of the scene, not around 0: no digits are lost on a small variance.
            origin = spectra.mean(axis=0) if origin is None else origin
            spectra -= origin
            count += len(spectra)
            total += spectra.sum(axis=0)
            products += spectra.T @ spectra
    if origin is None:
        return guide
    mean = total / count
    _, axes = np.linalg.eigh(products / count - np.outer(mean, mean))
    leading = axes[:, ::-1][:, :components].astype(np.float32)
    centre = (origin + mean).astype(np.float32)
    distances = []
    for part in parts:
        seen = scene.valid[part]
        projected = np.zeros((*seen.shape, components), np.float32)
        projected[seen] = (scene.read(rows=part)[seen] - centre) @ leading
        guide[part] = projected
        distances.append(np.linalg.norm(projected[seen], axis=1))
    unit = np.median(np.concatenate(distances))
    if unit > 0:
        for part in parts:
            guide[part] = guide[part] / unit
    return guide
