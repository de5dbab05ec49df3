"""What outlines say where spectra do not: a road runs on, a roof or a field ends on all sides.

Asphalt and bitumen, pavement and roofs, a track and the field that it crosses are of the same stuff, and a table of
spectra that is a tenth off swaps them.
From every pixel it goes on, in each direction, for so many pixels until something else comes; the longest way over the
shortest is large on a road, whatever its width in pixels, and small on a roof. That gives log odds between the classes
that run on and those that end, of the pixel itself and of all that look like it. Other classes stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from special.classnames.reading import Reading
from special.landcover.concepts import ConceptTable
from special.passes import HERE, Passes
from special.storage.rasters import Rows, ScratchSpace, blocks
from special.teachers.spectral_guide import spectral_guide
from special.teachers.spectrum_text import pixels
from special.teachers.spectrum_text.clusters import Averages, Clusterings

if TYPE_CHECKING:
    from special.scene.scene import Scene

COMPONENTS = 4  # principal components in which pixels are compared
SAME_DISTANCE = 0.5  # up to which pixels are the same; that of a typical pixel from the scene's mean is 1
FAR = 1e6  # where there are no data
DIRECTIONS = 16
REACH = 40  # pixels to either side
ENDS, RUNS_ON, SPREAD = 1.2, 2.2, 0.5  # log of longest over shortest: mean of roofs, of roads, standard deviation
FEW, ENOUGH = 4, 9  # pixels of the longest way: up to the first nothing is seen of an outline, from the second all
MOST = 2.0  # log odds of one pixel: outlines are ragged
CLEAR = 0.5  # of a name's meaning has to run on, or to end, for its class to take part


def tendencies(readings: Sequence[Sequence[Reading]], table: ConceptTable) -> list[np.ndarray]:
    """Return what outlines can tell apart: paved roads from roofs, and tracks from the grounds they are made of.

    Of each pair a tendency (K,): 1 where a class runs on, -1 where it ends on all sides, 0 where it has no part in it.
    A pair of which one side is not among the classes is left out.
    """
    pairs = ((table.long, table.compact), (table.unpaved, table.areal))
    found = [_tendency(readings, *pair) for pair in pairs]
    return [tendency for tendency in found if (tendency > 0).any() and (tendency < 0).any()]


def _tendency(readings: Sequence[Sequence[Reading]], long: Set[str], ending: Set[str]) -> np.ndarray:
    found = np.zeros(len(readings))
    for k, group in enumerate(readings):
        meant = [(concept, weight) for reading in group for concept, weight in reading.concepts]
        total = sum(weight for _, weight in meant)
        balance = sum(weight * ((c in long) - (c in ending)) for c, weight in meant)
        if abs(balance) > CLEAR * total:
            found[k] = np.sign(balance)
    return found


def elongation(guide: Rows, valid: np.ndarray, passes: Passes = HERE) -> np.ndarray:
    """Return log odds (rows, cols), float32, that what a pixel lies in runs on and does not end: 0 where unknown.

    ``guide`` (rows, cols, components): what pixels are compared by, as ``spectral_guide`` returns it; ``valid``
    (rows, cols); ``passes``: who looks at the windows.
    """
    odds = np.zeros(valid.shape, np.float32)
    parts = list(blocks(guide.shape))
    for part, found in zip(parts, passes.over(parts, partial(_odds, guide, valid)), strict=True):
        odds[part] = found
    return odds


def _odds(guide: Rows, valid: np.ndarray, part: slice) -> np.ndarray:
    """Return the log odds (rows, cols), float32, of a window."""
    first, last = max(0, part.start - REACH), min(len(valid), part.stop + REACH)
    apart = guide[first:last] / np.float32(SAME_DISTANCE)
    seen = np.where(valid[first:last, :, None], apart, FAR).astype(np.float32)
    longest, shortest = np.zeros((2, *valid[first:last].shape), np.float32)
    _kernel()(seen, REACH, DIRECTIONS, longest, shortest)
    own = slice(part.start - first, part.stop - first)
    ratio = np.log(longest[own] / shortest[own])
    resolved = np.clip((longest[own] - FEW) / (ENOUGH - FEW), 0, 1)
    evidence = ((ratio - ENDS) ** 2 - (ratio - RUNS_ON) ** 2) / (2 * SPREAD**2) * resolved
    return np.where(valid[part], np.clip(evidence, -MOST, MOST), 0).astype(np.float32)


@dataclass(frozen=True)
class Outlines:
    """The log odds of every pixel of a scene, float32 (rows, cols), and what its classes make of them."""

    odds: np.ndarray
    valid: np.ndarray
    of_material: Averages
    tendencies: Sequence[np.ndarray]  # each (K,)
    own: float
    material: float

    @classmethod
    def of(
        cls,
        scene: Scene,
        tendencies: Sequence[np.ndarray],
        clusterings: Clusterings,
        clusters: Rows,
        scratch: ScratchSpace,
        *,
        own: float,
        material: float,
        passes: Passes = HERE,
    ) -> Outlines:
        """Look at a scene, block by block.

        Args:
            scene: the scene.
            tendencies: as the function of this name returns them, one or more.
            clusterings: the materials.
            clusters: those of every pixel, (rows, cols, clusterings).
            scratch: where what the scene is compared by goes.
            own: weight of a pixel's own outlines.
            material: weight of the mean over all pixels of its materials.
            passes: who looks at the windows.
        """
        odds = elongation(spectral_guide(scene, COMPONENTS, scratch, passes), scene.valid, passes)
        of_material = clusterings.averages(1)
        for rows in pixels.windows(scene):
            seen = scene.valid[rows]
            of_material.merge(*of_material.portion(clusters[rows][seen], odds[rows][seen][:, None]))
        return cls(odds, scene.valid, of_material, tendencies, own, material)

    def share(self, rows: slice, clusters: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return ``probabilities`` (pixels, K) with the sum of classes that outlines tell apart shared out by the odds.

        ``rows``: the window whose valid pixels these are; ``clusters`` (pixels, clusterings).
        """
        odds = self.own * self.odds[rows][self.valid[rows]] + self.material * self.of_material.of(clusters)[:, 0]
        shared = probabilities.copy()
        for tendency in self.tendencies:
            sharing = tendency != 0
            before = shared[:, sharing]
            after = before * np.exp(0.5 * odds[:, None] * tendency[sharing])
            total = after.sum(axis=1, keepdims=True)
            shared[:, sharing] = after * before.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1)
        return shared


def _ways(guide: np.ndarray, reach: int, directions: int, longest: np.ndarray, shortest: np.ndarray) -> None:
    """Write the ``longest`` and the ``shortest`` way (rows, cols) through each pixel of ``guide``, in pixels."""
    rows, cols, components = guide.shape
    for row in range(rows):
        for col in range(cols):
            most, least = 1, rows + cols
            for direction in range(directions):
                down = np.sin(np.pi * direction / directions)
                across = np.cos(np.pi * direction / directions)
                count = 1
                for side in (-1, 1):
                    for step in range(1, reach):
                        r = row + round(side * step * down)
                        c = col + round(side * step * across)
                        if r < 0 or c < 0 or r >= rows or c >= cols:
                            break
                        distance = 0.0
                        for k in range(components):
                            distance += (guide[r, c, k] - guide[row, col, k]) ** 2
                        if distance > 1:
                            break
                        count += 1
                most, least = max(most, count), min(least, count)
            longest[row, col] = most
            shortest[row, col] = least


@cache
def _kernel() -> Any:
    from special.models.scan.lanes import compiled

    return compiled(_ways, "float32", "3", 2, "22")
