"""What the teacher does to a window of a scene: functions that a pass can hand to whoever has time.

Each changes nothing, and returns arrays for a window (rows, cols, n), or what the window adds to a sum over the scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from special.storage.rasters import Rows
from special.teachers.spectrum_text import growth_stages, pixels
from special.teachers.spectrum_text.calibrated_scene import CalibratedScene
from special.teachers.spectrum_text.clusters import Clusterings
from special.teachers.spectrum_text.growth_stages import GrowthStages
from special.teachers.spectrum_text.kinds_of_one import KindsOfOne
from special.teachers.spectrum_text.outlines import Outlines

if TYPE_CHECKING:
    from special.scene.scene import Scene


def classified(
    scene: Scene, calibrated: CalibratedScene, clusterings: Clusterings, rows: slice
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the clusters (rows, cols, clusterings), and what the pixels on their own add to the clusters' names."""
    signals = calibrated.signals(pixels.spectra_of(scene, rows))
    found = clusterings.assign(calibrated.looks(signals))
    return _in_place(found, scene.valid[rows]), *clusterings.portion(found, calibrated.classify(signals))


def members(
    valid: np.ndarray, clusterings: Clusterings, clusters: Rows, groups: Sequence[Sequence[int]], rows: slice
) -> np.ndarray:
    """Return how many pixels help to find the stages or kinds of each of the ``groups``: int (groups,)."""
    named = clusterings.name(clusters[rows][valid[rows]])
    return np.array([np.count_nonzero(growth_stages.members(named, group)) for group in groups])


def member_logs(
    scene: Scene,
    calibrated: CalibratedScene,
    clusterings: Clusterings,
    clusters: Rows,
    groups: Sequence[Sequence[int]],
    window: tuple[slice, Sequence[np.ndarray]],
) -> tuple[np.ndarray, ...]:
    """Return log reflectance (pixels, regions) of some members of each group.

    ``window``: the rows, and for each group the numbers of the members that are wanted, counted from the first there.
    """
    rows, wanted = window
    named = clusterings.name(clusters[rows][scene.valid[rows]])
    logs = calibrated.logs(calibrated.signals(pixels.spectra_of(scene, rows)))
    own = [np.flatnonzero(growth_stages.members(named, group)) for group in groups]
    return tuple(logs[of_group[some]] for of_group, some in zip(own, wanted, strict=True))


def named(
    scene: Scene,
    calibrated: CalibratedScene,
    clusterings: Clusterings,
    clusters: Rows,
    numbered: Sequence[GrowthStages | KindsOfOne],
    shapes: Outlines | None,
    sharpness: float,
    rows: slice,
) -> np.ndarray:
    """Return the class probabilities, float32 (rows, cols, K)."""
    seen = scene.valid[rows]
    found = clusterings.name(clusters[rows][seen])
    if numbered:
        logs = calibrated.logs(calibrated.signals(pixels.spectra_of(scene, rows)))
        for series in numbered:
            found = series.share(logs, found)
    if shapes is not None:
        found = shapes.share(rows, clusters[rows][seen], found)
    return _in_place(_sharpened(found, sharpness).astype(np.float32), seen)


def _sharpened(probabilities: np.ndarray, exponent: float) -> np.ndarray:
    """Return ``probabilities`` (pixels, K) raised to ``exponent``, in proportion; rows sum to 1."""
    raised = probabilities**exponent
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _in_place(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return (rows, cols, n): ``values`` (pixels, n) at the true pixels of ``valid``, 0 elsewhere."""
    out = np.zeros((*valid.shape, values.shape[1]), dtype=values.dtype)
    out[valid] = values
    return out
