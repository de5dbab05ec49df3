"""Where maps overlap, the surer one has more to say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from special.report.mosaic import Part, blended
from special.scene import Georeference, Scene
from special.scene.overlap import CommonGrid, Footprint

NM = np.linspace(450, 900, 4)


def part(west: float, shares: list[list[float]]) -> Part:
    """One row of pixels, of two classes."""
    values = np.array(shares, np.float32)[None]
    place = Georeference(None, (1.0, 0.0, west, 0.0, -1.0, 1.0))
    scene = Scene.from_array(np.ones((1, values.shape[1], 4)) * NM, NM, georeference=place)
    return Part(Footprint(scene), values, Path("map.tif"))


def test_overlapping_pixels_are_blended_by_confidence() -> None:
    grid = CommonGrid(Georeference(None, (1.0, 0.0, 0.0, 0.0, -1.0, 1.0)), (1, 4))
    left, right = part(0, [[0.9, 0.1], [0.6, 0.4]]), part(1, [[0.1, 0.9], [0.3, 0.7]])
    labels, confidence = blended([left, right], grid, 2, reject=0.0)
    assert labels.tolist() == [[1, 2, 2, 0]]
    mean = (0.6 * 0.4 + 0.9 * 0.9) / 1.5
    np.testing.assert_allclose(confidence, [[0.9, mean, 0.7, 0.0]], rtol=1e-6)


def test_what_is_less_sure_than_wanted_stays_empty() -> None:
    grid = CommonGrid(Georeference(None, (1.0, 0.0, 0.0, 0.0, -1.0, 1.0)), (1, 2))
    labels, _ = blended([part(0, [[0.9, 0.1], [0.6, 0.4]])], grid, 2, reject=0.7)
    assert labels.tolist() == [[1, 0]]
